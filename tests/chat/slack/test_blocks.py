"""Any message is one, or several, that Slack takes, and nobody's name in it calls them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.slack.blocks import parts
from bot.kit.message import Button, Buttons, Fields, File, Image, Message, Table, Text
from bot.kit.render import escape
from tests.fakes.slack import limits
from tests.fakes.slack.blocks import check_blocks, check_view, too_long
from tests.fakes.slack.pings import pings_of
from tests.fakes.slack.reading import words
from tests.preview.__main__ import told

SHA = "0" * 64
SHOWN = (
    "admin channels",
    "analysis diff",
    "benchmark rules",
    "benchmark show",
    "bookwiz help",
    "bookwiz start",
    "checkin history",
    "leaderboard compare",
    "leaderboard show",
    "model card",
)
_BOMBS = st.sampled_from(
    ["<!channel>", "<!here|here>", "<!everyone>", "<@U0123ABC>", "<!subteam^S012>", "@everyone"]
)
_ANYTHING = st.one_of(
    st.text(max_size=400),
    st.lists(st.one_of(_BOMBS, st.text(max_size=5)), max_size=9).map("".join),
    st.text("😀é<&> ", min_size=1, max_size=9).map(lambda words: words * 500),
)
_PAIRS = st.lists(st.tuples(_ANYTHING.map(escape), _ANYTHING.map(escape)), max_size=30)
_SAID = st.one_of(
    _ANYTHING.map(lambda said: Text(markdown=escape(said))),
    st.text("ab *_`#>-\n|[]()<@!&>:/~\\1.", max_size=300).map(lambda said: Text(markdown=said)),
    _ANYTHING.map(lambda said: Text(markdown=f"- {escape(said)}\n- b\n1. {escape(said)}")),
    _ANYTHING.map(lambda said: Text(markdown=f"`{said}`\n\n> {escape(said)}\n\n# {said}")),
    _PAIRS.map(lambda pairs: Fields(pairs=tuple(pairs))),
    _PAIRS.map(lambda r: Table(head=("a", "b"), rows=tuple(r), align=("left", "right"))),
    _ANYTHING.map(lambda said: Image(sha256=SHA, name="a.png", alt=said)),
    _ANYTHING.map(lambda said: File(sha256="1" * 64, name="a.html", label=said)),
    st.lists(
        st.builds(
            Button,
            label=st.text(min_size=1, max_size=120).filter(str.strip),
            command=st.text("abc :/", min_size=1, max_size=3000).map(lambda c: f"/{c}"),
            style=st.sampled_from(["plain", "primary", "danger"]),
        ),
        min_size=1,
        max_size=30,
    ).map(lambda buttons: Buttons(buttons=tuple(buttons))),
)


def assert_slack_takes(made):
    for part in made:
        assert check_blocks(part.blocks) == []
        assert not too_long(part.blocks)
        assert len(part.text.encode()) <= limits.BYTES_OF_AN_EDITED_TEXT
        assert not pings_of(part.text, part.blocks, bare=True)


@settings(max_examples=150, deadline=None)
@given(said=st.lists(_SAID, max_size=8), pending=st.booleans())
def test_every_part_is_within_slacks_limits_and_calls_nobody(said, pending):
    made = parts(Message(blocks=tuple(said), pending=pending), {SHA: "F1"})
    assert made
    assert_slack_takes(made)


@pytest.mark.parametrize("command", SHOWN)
async def test_a_real_message_fits_into_one_and_says_all(command, tmp_path):
    messages, _ = await told(command, tmp_path)
    for message in messages:
        pictures = {b.sha256: "F1" for b in message.blocks if isinstance(b, Image)}
        made = parts(message, pictures)
        assert_slack_takes(made)
        assert len(made) == 1
        [part] = made
        labels = [b.label for b in message.buttons()]
        shown = json.dumps(part.blocks, ensure_ascii=False)
        assert all(json.dumps(label, ensure_ascii=False) in shown for label in labels)
        home = {"type": "home", "blocks": part.blocks}
        assert check_view(home) == []


def test_a_list_that_is_cut_goes_on_counting():
    lines = [f"{n}. item number {n} " + "word " * 30 for n in range(3, 200)]
    made = parts(Message(blocks=(Text(markdown="\n".join(lines)),)), {})
    assert_slack_takes(made)
    lists = [e for part in made for b in part.blocks for e in b["elements"]]
    assert len(lists) > 1
    counted = 3
    for one in lists:
        assert one["offset"] == counted - 1  # how many are before
        for item in one["elements"]:
            assert f"item number {counted} " in item["elements"][0]["text"]
            counted += 1
    assert counted == 200


@pytest.mark.parametrize("form", ["{}", "- {}", "> {}", "1. {}", "# {}\n\n{}", "**{}**"])
@pytest.mark.parametrize("word", ["word{}", "w{}é😀<&>"])
def test_thirty_thousand_characters_lose_no_word(form, word):
    said = [word.format(n) for n in range(30_000 // len(word))]
    joined = escape(" ".join(said))
    made = parts(Message(blocks=(Text(markdown=form.replace("{}", joined)),)), {})
    assert_slack_takes(made)
    heard = " ".join(words(part.blocks) for part in made).split()
    assert set(said) <= set(heard) | {heard[-1]}


def test_one_word_of_thirty_thousand_characters_is_cut():
    made = parts(Message(blocks=(Text(markdown=f"`{'x' * 30_000}`"),)), {})
    assert_slack_takes(made)
    assert sum(words(part.blocks).count("x") for part in made) == 30_000
