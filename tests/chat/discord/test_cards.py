"""Any message is a card that Discord takes, and nobody's name in it calls them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.discord.cards import command_of, marker, nonce, parts
from bot.chat.discord.markup import blocks, escaped, plain
from bot.kit.files import FileStore
from bot.kit.message import Button, Buttons, Fields, Message, Table, Text
from bot.kit.render import escape
from tests.fakes.discord.reading import walk

_BOMBS = st.sampled_from(["@everyone", "@here", "<@123>", "<@!123>", "<@&123>", "`@everyone`"])
_ANYTHING = st.one_of(
    st.text(max_size=400), st.lists(st.one_of(_BOMBS, st.text(max_size=5)), max_size=9).map("".join)
)
_SAID = st.one_of(
    _ANYTHING.map(lambda words: Text(markdown=escape(words))),
    st.text("ab *_`#>-\n|[]()<@!&>:/~\\1.", max_size=300).map(lambda words: Text(markdown=words)),
    st.lists(st.tuples(_ANYTHING.map(escape), _ANYTHING.map(escape)), max_size=30).map(
        lambda pairs: Fields(pairs=tuple(pairs))
    ),
    st.lists(st.tuples(_ANYTHING.map(escape), _ANYTHING.map(escape)), max_size=30).map(
        lambda rows: Table(head=("a", "b"), rows=tuple(rows), align=("left", "right"))
    ),
    st.lists(
        st.builds(
            Button,
            label=st.text(min_size=1, max_size=120).filter(str.strip),
            command=st.text("abc :/", min_size=1, max_size=150).map(lambda c: f"/{c}"),
        ),
        min_size=1,
        max_size=30,
    ).map(lambda buttons: Buttons(buttons=tuple(buttons))),
)
_PING = re.compile(r"@everyone|@here|(?<!\\)<@[!&]?\d")


def made_of(message, tmp_path):
    store = FileStore(tmp_path, cap=1_000_000)
    return [part.view(1).to_components() for part in parts(message, store)]


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("# Title", "## Title"),
        ("#### Small", "**Small**"),
        ("a *b* **c** ~~d~~", "a *b* **c** \\~\\~d\\~\\~"),
        ("a\\*b\\*", "a\\*b\\*"),
        ("1\\. no list", "1\\. no list"),
        ("\\# no heading", "\\# no heading"),
        ("\\> no quote", "\\> no quote"),
        ("`a_b`", "`a_b`"),
        ("``a`b``", "`` a`b ``"),
        ("snake_case <b> | c", "snake\\_case \\<b\\> \\| c"),
        ("[Ada](member:12)", "**Ada**"),
        ("**[Ada](member:12)** and [Bo](member:13)", "**Ada** and **Bo**"),
        ("[soon](when:2026-11-23T09:00:00+00:00)", "<t:1763888400:f>"),
        ("[#papers](channel:discord/42)", "<#42>"),
        ("[#papers](channel:slack/C42)", "\\#papers"),
        ("[paper](https://a.b/c_d)", "[paper](<https://a.b/c_d>)"),
        ("see https://a.b/c_d_e", "see https://a.b/c_d_e"),
        ("type [x](</model submit>)", "type `/model submit`"),
        ("- a\n- b\n  1. c", "- a\n- b\n  1. c"),
        ("5. e\n6. f", "5. e\n6. f"),
        ("> a\n> b", "> a b"),
        ("a\\\nb", "a\nb"),
    ],
)
def test_markdown_reads_on_discord_as_it_was_meant(markdown, shown):
    got = "\n\n".join(blocks(markdown))
    if "when:" in markdown:
        assert re.fullmatch(r"<t:\d+:f>", got)
    else:
        assert got.replace("\\#papers", "#papers") == shown.replace("\\#papers", "#papers")


def test_code_cannot_leave_its_fence():
    [shown] = blocks("~~~\nx ``` @everyone\n~~~")
    assert shown.count("```") == 2
    assert "@everyone" not in shown


@settings(max_examples=150, deadline=None)
@given(said=st.lists(_SAID, max_size=8))
def test_every_part_is_within_discords_limits_and_calls_nobody(said, tmp_path_factory):
    message = Message(blocks=tuple(said), pending=True)
    for components in made_of(message, tmp_path_factory.getbasetemp() / "cards"):
        found = list(walk(components))
        texts = [c["content"] for c in found if c["type"] == 10]
        ids = [c["custom_id"] for c in found if "custom_id" in c]
        assert len(found) <= 40
        assert sum(map(len, texts)) <= 4_000
        assert all(texts)
        assert len(ids) == len(set(ids))
        assert all(len(i) <= 100 for i in ids)
        assert all(len(c["label"]) <= 80 for c in found if c["type"] == 2)
        assert all(1 <= len(c["components"]) <= 5 for c in found if c["type"] == 1)
        for text in texts:
            assert not _PING.search(text)


@given(words=_ANYTHING)
def test_escaped_words_read_as_they_were_written(words):
    shown = escaped(words).replace("\u2060", "")
    assert (
        re.sub(r"\\([\\*_~`|<>\[\]])", r"\1", shown) == words.replace("\u2060", "")
        or "http" in words
    )


def test_a_button_bears_what_it_types(tmp_path):
    message = Message(
        blocks=(
            Buttons(
                buttons=(
                    Button(label="Cancel", command="/model cancel submission:ab12"),
                    Button(label="Long", command="/checkin now done:" + "x" * 200),
                )
            ),
        )
    )
    [components] = made_of(message, tmp_path)
    found = list(walk(components))
    [button] = [c for c in found if c["type"] == 2]
    assert command_of(button["custom_id"]) == "/model cancel submission:ab12"
    assert "Long" in next(c["content"] for c in found if c["type"] == 10)


def test_markers_and_nonces_are_their_messages_own():
    keys = [(f"k{n}", part) for n in range(500) for part in range(4)]
    assert len({marker(*k) for k in keys}) == len(keys)
    assert len({nonce(*k) for k in keys}) == len(keys)
    assert all(0 < marker(*k) < 2**31 for k in keys)
    assert all(len(nonce(*k)) <= 25 for k in keys)


def test_words_for_where_there_is_no_markdown_have_none():
    assert plain("**Ada** \\* [soon](when:2026-11-23T09:00:00+00:00)") == "Ada * soon"
