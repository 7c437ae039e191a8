import json
from contextlib import suppress
from datetime import date
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kit.arguments import convert, form_of, missing, parse_line, split_line
from bot.kit.command import Arg, Channel, Quote, Refusal, Upload
from bot.kit.feature import Feature, commands_of
from tests.kit.trial import Colour, Size, Trial, make

COMMANDS = commands_of({"trial": make(Trial())})
KINDS = COMMANDS["trial kinds"]
FILE = Upload(name="model.onnx", sha256="0" * 64, size=7)


def read(line):
    command, values = parse_line(line, COMMANDS)
    return command.name, values


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a  b\tc", ["a", "b", "c"]),
        ('say "two words"', ["say", "two words"]),
        ('name:"two words"', ["name:two words"]),
        ("it's fine", ["it's", "fine"]),
        ('a lone " quote', ["a", "lone", '"', "quote"]),
        (r"C:\models # no comment", [r"C:\models", "#", "no", "comment"]),
        ("", []),
    ],
)
def test_a_line_is_split_as_people_mean_it(line, words):
    assert split_line(line) == words


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("/trial say hello there", {"words": "hello there"}),
        ('/trial say "hello there"', {"words": "hello there"}),
        ("trial say words:hello", {"words": "hello"}),
        ("/TRIAL Say hello", {"words": "hello"}),
        ("/trial say words:it's my code", {"words": "it's my code"}),
        ("/trial say see https://x.org/a:b", {"words": "see https://x.org/a:b"}),
        ("/trial say", {}),
        ("/trial kinds one 2", {"word": "one", "count": "2"}),
        ("/trial kinds count:2 one", {"word": "one", "count": "2"}),
        (
            "/trial form title:My title details:and so on",
            {"title": "My title", "details": "and so on"},
        ),
        ("/trial form all of this", {"title": "all of this"}),
    ],
)
def test_a_typed_line_gives_named_and_positional_values(line, values):
    assert read(line)[1] == values


def test_a_file_is_never_taken_from_the_words():
    with pytest.raises(Refusal) as refused:
        read("/trial file model.onnx")
    assert refused.value.code == "E_ARGUMENT"


@pytest.mark.parametrize("line", ["/trial secret now", "/trial secret why:so", '/trial file ""'])
def test_words_that_no_argument_takes_are_refused_with_the_usage(line):
    with pytest.raises(Refusal) as refused:
        read(line)
    assert refused.value.expected.startswith("/trial")


@pytest.mark.parametrize(
    "line", ["", "/", "/trial", "/trial sya hello", "hello", "/nothing like it"]
)
def test_an_unknown_command_is_refused_with_a_way_out(line):
    with pytest.raises(Refusal) as refused:
        read(line)
    assert refused.value.code == "E_COMMAND"
    assert refused.value.fix.startswith("Try /")


def test_a_mistyped_command_is_answered_with_the_nearest_one():
    with pytest.raises(Refusal) as refused:
        read("/trial sya hello")
    assert "/trial say" in refused.value.fix


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("word", " padded ", "padded"),
        ("word", "nul\x00 and \ud800 half", "nul and  half"),
        ("count", "12", 12),
        ("count", -3, -3),
        ("share", "0.25", 0.25),
        ("share", 1, 1.0),
        ("sure", "YES", True),
        ("sure", "off", False),
        ("sure", True, True),
        ("day", "2026-11-30", date(2026, 11, 30)),
        ("colour", "red", Colour.RED),
        ("colour", "RED", Colour.RED),
        ("size", "2", Size.LARGE),
        ("way", "n", "n"),
        ("way", "north", "n"),
        ("whom", "@ada", "@ada"),
        ("file", FILE, FILE),
    ],
)
def test_a_value_becomes_what_the_command_asks_for(name, raw, value):
    assert convert(KINDS, {name: raw}) == {name: value}


@pytest.mark.parametrize(
    ("name", "raw", "code"),
    [
        ("word", "x" * 51, "E_TOO_LONG"),
        ("count", "many", "E_ARGUMENT"),
        ("count", "1.5", "E_ARGUMENT"),
        ("count", str(2**31), "E_ARGUMENT"),
        ("count", "9" * 5000, "E_TOO_LONG"),
        ("share", "half", "E_ARGUMENT"),
        ("share", "nan", "E_ARGUMENT"),
        ("share", "-inf", "E_ARGUMENT"),
        ("sure", "perhaps", "E_ARGUMENT"),
        ("day", "30.11.2026", "E_ARGUMENT"),
        ("day", "2026-02-30", "E_ARGUMENT"),
        ("day", "9999-12-31", "E_ARGUMENT"),
        ("colour", "green", "E_ARGUMENT"),
        ("size", "3", "E_ARGUMENT"),
        ("way", "south", "E_ARGUMENT"),
        ("file", "model.onnx", "E_ARGUMENT"),
        ("nothing", "x", "E_ARGUMENT"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_and_says_which(name, raw, code):
    with pytest.raises(Refusal) as refused:
        convert(KINDS, {name: raw})
    assert refused.value.code == code
    assert refused.value.field == ("" if name == "nothing" else name)
    assert refused.value.expected


@pytest.mark.parametrize("blank", [None, "", "  ", "\n", "\x00"])
def test_a_blank_value_counts_as_missing(blank):
    command = COMMANDS["trial form"]
    given_ = {"title": blank, "details": "x"}
    assert [a.name for a in missing(command, given_)] == ["title"]
    with pytest.raises(Refusal) as refused:
        convert(command, given_)
    assert (refused.value.code, refused.value.field) == ("E_MISSING", "title")


@given(st.text())
def test_no_line_raises_anything_but_a_refusal(text):
    for line in (text, f"/trial kinds {text}", f"/trial form title:{text}"):
        with suppress(Refusal):
            command, values = parse_line(line, COMMANDS)
            convert(command, values)


RAW = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.dates().map(str),
    st.just(FILE),
)


@given(st.dictionaries(st.sampled_from([*KINDS.arguments, "nothing"]), RAW))
def test_no_value_raises_anything_but_a_refusal(values):
    with suppress(Refusal):
        converted = convert(KINDS, values)
        assert converted.keys() <= values.keys()
        json.dumps(
            {k: v for k, v in converted.items() if isinstance(v, (int, float))}, allow_nan=False
        )


@given(st.text(st.characters(exclude_characters='"', exclude_categories=["Cs", "Cc"])))
def test_a_quoted_text_arrives_as_it_was_typed(text):
    assert read(f'/trial say words:"{text}"')[1] == {"words": text}


def test_a_form_asks_for_every_argument_in_its_own_way():
    kinds = {f.name: f.kind for f in form_of(KINDS, {}).fields}
    assert kinds == {
        "word": "text",
        "count": "integer",
        "share": "number",
        "sure": "boolean",
        "day": "date",
        "colour": "choice",
        "size": "choice",
        "way": "choice",
        "whom": "member",
        "file": "file",
    }


def test_a_form_keeps_what_was_given_and_shows_a_problem_beside_its_field():
    problem = Refusal("Too short.", field="title")
    form = form_of(COMMANDS["trial form"], {"title": "a"}, problem)
    title, details = form.fields
    assert (title.value, title.problem, title.max_length) == ("a", "Too short.", 20)
    assert (details.value, details.problem, details.kind) == ("", "", "long")
    assert form.problem == ""


def test_a_problem_of_no_field_stands_above_the_form():
    assert form_of(COMMANDS["trial form"], {}, Refusal("Not today.")).problem == "Not today."


def pointing():
    """A command that takes a channel and a message."""
    feature = Feature("pointing", "A feature of this test", "tests.kit.trial")

    @feature.command("point here", "Point at things", menu="Point at this", shortcut="Point")
    async def here(
        ctx,
        quote: Annotated[Quote | None, Arg("What somebody wrote")] = None,
        channel: Annotated[Channel | None, Arg("Where")] = None,
    ):
        """Do nothing."""

    return feature.commands["point here"]


@pytest.mark.parametrize(
    ("typed", "channel"),
    [
        ("general", Channel(id="general", name="general")),
        ("#general", Channel(id="general", name="general")),
        ("<#123456>", Channel(id="123456")),
        ("<#C0AB12|wins>", Channel(id="C0AB12", name="wins")),
        ("café-talk", Channel(id="café-talk", name="café-talk")),
    ],
)
def test_a_channel_is_understood_as_every_platform_writes_it(typed, channel):
    assert convert(pointing(), {"channel": typed}) == {"channel": channel}


@pytest.mark.parametrize("typed", ["@ada", "#", "a b", "../x", "<!channel>", "x" * 81, "<@123>"])
def test_what_is_no_channel_is_refused(typed):
    with pytest.raises(Refusal, match="not the name of a channel"):
        convert(pointing(), {"channel": typed})


def test_a_message_is_pointed_at_by_a_menu_or_typed():
    command = pointing()
    assert command.menu_argument.name == "quote"
    pointed = Quote(text="Look!", author="7", link="https://chat.example/1")
    assert convert(command, {"quote": pointed}) == {"quote": pointed}
    assert convert(command, {"quote": "Look!"}) == {"quote": Quote(text="Look!")}


def test_a_menu_needs_something_to_point_at():
    feature = Feature("pointing", "A feature of this test", "tests.kit.trial")
    with pytest.raises(TypeError, match="neither a message nor a member"):

        @feature.command("point nowhere", "Point at nothing", menu="Point at this")
        async def nowhere(ctx, words: Annotated[str, Arg("Words")]):
            """Do nothing."""

    assert feature.commands == {}
