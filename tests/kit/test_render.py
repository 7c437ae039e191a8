from datetime import UTC, datetime

import jinja2
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.kit.blocks import blocks_of
from bot.kit.message import Button, Buttons, Fields, File, Image, Message, Table, Text
from bot.kit.render import (
    Renderer,
    _code_as_it_is,
    bar,
    clean,
    duration,
    escape,
    file,
    line,
    member,
    percent,
    picture,
    plural,
    when,
)
from tests.kit.trial import Trial, make

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
SHA = "ab" * 32
#: characters that mean something to markdown come often, any other now and then
TEXT = st.text(
    st.one_of(st.sampled_from("\\`*_{}[]()<>#+-.!|~&:@=\"' \n\t019abΔ"), st.characters())
)
PLACES = ["{}", "# {}", "- {}", "> {}", "**{}**", "1. {}", "| {} | b |\n|---|---|\n| c | {} |"]


class Ada:
    id, name, timezone, role = 12, "Ada ](</mod warn>)", "UTC", 0


def literal(markdown):
    """What a reader sees of *markdown*, and the kinds of markup it has."""
    shown, kinds = [], set()
    for token in MARKDOWN.parse(markdown):
        kinds.add(token.type)
        for child in token.children or []:
            kinds.add(child.type)
            if child.type in {"text", "text_special"}:
                shown.append(child.content)
            elif child.type in {"hardbreak", "softbreak"}:
                shown.append("\n")
    return "".join(shown), kinds


def words_of(text):
    lines = [part.strip() for part in clean(text).split("\n")]
    return "\n".join(part for part in lines if part)


def one_line(text):
    return clean(" ".join(text.split())).strip()


@example("a title\n===")
@example("a list\n1) one")
@given(TEXT)
def test_any_text_shows_as_it_is_written_and_makes_no_markup(text):
    assume(words_of(text))
    shown, kinds = literal(escape(text))
    assert shown == words_of(text)
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "hardbreak"}


@given(TEXT)
def test_no_text_opens_a_mention_that_a_platform_would_read(text):
    escaped = escape(text)
    for index, sign in enumerate(escaped):
        if sign in "@<&#":
            assert escaped[index - 1] == "\\"


@given(TEXT, st.sampled_from(PLACES))
def test_one_line_of_any_text_changes_nothing_around_it(text, place):
    assume(words_of(text))
    _, expected = literal(place.replace("{}", "word"))
    shown, kinds = literal(place.replace("{}", line(text)))
    assert kinds == expected
    assert one_line(text) in shown


@given(TEXT)
def test_any_text_in_a_code_span_shows_without_a_backslash_of_ours(text):
    for place in ("a `/model card {}` b", "| `{}` | b |\n|---|---|\n| `/model card {}` | c |"):
        markdown = place.replace("{}", str(line(text)))
        tokens = MARKDOWN.parse(_code_as_it_is(markdown))
        code = [c.content for t in tokens for c in t.children or [] if c.type == "code_inline"]
        wanted = clean(" ".join(text.split())).strip().replace("`", "'")
        assert code[-1].split() == f"/model card {wanted}".split()


@given(TEXT)
def test_any_text_leaves_blocks_of_text_alone(text):
    assert [type(b) for b in blocks_of(f"Before\n\n{escape(text)}\n\nAfter")] == [Text]


@given(TEXT)
def test_any_name_stays_inside_its_link(text):
    person = type("Person", (), {"id": 3, "name": text})()
    _, kinds = literal(f"x {member(person)} y")
    assert kinds - {"text"} == {
        "paragraph_open",
        "paragraph_close",
        "inline",
        "link_open",
        "link_close",
    }


@given(TEXT, TEXT)
def test_a_file_of_any_name_is_one_file(name, label):
    assume(words_of(label))
    [found] = blocks_of(file(SHA, name, label))
    assert found == File(sha256=SHA, name=clean(name), label=one_line(label))


@given(TEXT, TEXT)
def test_a_picture_of_any_name_is_one_picture(name, alt):
    [found] = blocks_of(picture(SHA, name, alt))
    assert found == Image(sha256=SHA, name=clean(name), alt=one_line(alt))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\x00b\x1b[31m", "ab[31m"),
        ("up\u202edown", "updown"),
        ("a\u200bb\u2066c", "abc"),
        ("two\nlines\r\n", "two\nlines\n"),
        ("a\tb", "a b"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("half \ud800", "half "),
    ],
)
def test_clean_takes_out_what_no_sentence_needs(text, left):
    assert clean(text) == left


def test_a_table_keeps_its_cells_and_sides():
    [table] = blocks_of("| Model | Score |\n|:--|--:|\n| **ada** \\| v2 | 0.93 |")
    assert table == Table(
        head=("Model", "Score"), rows=(("**ada** | v2", "0.93"),), align=("left", "right")
    )


def test_a_table_without_a_head_is_names_and_values():
    [fields] = blocks_of("| | |\n|---|---|\n| Zone | UTC |\n| Level | new |")
    assert fields == Fields(pairs=(("Zone", "UTC"), ("Level", "new")))


def test_links_to_commands_alone_in_a_paragraph_are_buttons():
    text, buttons = blocks_of(
        'Sure?\n\n[Yes](</model cancel submission:ab12> "danger") [No](</model status>)'
    )
    assert text == Text(markdown="Sure?")
    assert buttons == Buttons(
        buttons=(
            Button(label="Yes", command="/model cancel submission:ab12", style="danger"),
            Button(label="No", command="/model status"),
        )
    )


def test_a_link_within_a_sentence_is_no_button():
    [text] = blocks_of("Type [this](</model status>) now.")
    assert isinstance(text, Text)


def test_blocks_come_in_the_order_of_the_template():
    kinds = [
        b.kind
        for b in blocks_of(f"# Head\n\nWords\n\n{picture(SHA, 'a.png', 'A')}\n\nMore\n\n- list")
    ]
    assert kinds == ["text", "image", "text"]


def test_text_parts_that_follow_each_other_are_one_block():
    [text] = blocks_of("# Head\n\n\nWords\n\n- one\n- two\n\n```\ncode\n```")
    assert text.markdown == "# Head\n\nWords\n\n- one\n- two\n\n```\ncode\n```"


def test_an_instant_carries_itself_and_words_in_a_zone():
    shown = when(datetime(2026, 11, 23, 9, tzinfo=UTC), "Asia/Kolkata")
    assert shown == "[Mon 23 Nov 2026, 14\\:30 IST](when:2026-11-23T09:00:00+00:00)"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (bar(0.5, 4), "▰▰▱▱ 50%"),
        (bar(7, 2), "▰▰ 100%"),
        (percent(0.9312), "93.1 %"),
        (plural(1, "model"), "1 model"),
        (plural(1200, "model"), "1,200 models"),
        (plural(2, "entry", "entries"), "2 entries"),
        (duration(0), "1 s"),
        (duration(89), "89 s"),
        (duration(600), "10 min"),
        (duration(9000), "2.5 h"),
    ],
)
def test_figures_read_as_people_say_them(made, text):
    assert made == text


def test_values_are_escaped_and_ours_are_not():
    renderer = Renderer({"trial": make(Trial())})
    message = renderer.message("trial/words.md.j2", {"words": "**bold** @everyone"}, private=True)
    assert message == Message(blocks=(Text(markdown=r"\*\*bold\*\* \@everyone"),), private=True)
    assert (
        renderer.message("trial/words.md.j2", {"words": member(Ada)})
        .plain()
        .endswith("(member:12)")
    )


def test_a_name_that_a_template_lacks_is_a_defect():
    with pytest.raises(jinja2.UndefinedError):
        Renderer({"trial": make(Trial())}).message("trial/words.md.j2", {})
