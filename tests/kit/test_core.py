import asyncio
import logging
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from bot.kit.command import Upload
from bot.kit.core import Core, Invocation
from bot.kit.feature import Feature, commands_of
from bot.kit.message import Place
from bot.kit.outbox import OutboxMessage
from bot.kit.schedule import Occurrence
from tests.kit.trial import Trial, make

FILE = Upload(name="lenet.onnx", sha256="ab" * 32, size=7)


async def rows(room, table):
    async with room.core.database.read() as session:
        return await session.scalar(select(func.count()).select_from(table))


def spoken(answer):
    return answer.message.plain().replace("\\", "")


async def test_a_command_is_answered_with_its_template(room):
    assert await room.ask("ada", "/trial say hello *there*") == r"hello \*there\*"


async def test_every_kind_of_argument_arrives_converted(room, trial):
    await room.say("bob", "/trial say hello")
    answer = await room.say(
        "ada", "/trial kinds count:3 sure:yes whom:@bob day:2026-11-30", attach=[FILE]
    )
    assert not answer.refused
    [seen] = trial.seen
    assert (seen["count"], seen["sure"], seen["whom"].name, seen["file"]) == (3, True, "Bob", FILE)
    assert seen["word"] is None


async def test_naming_nobody_is_refused_at_its_field(room):
    answer = await room.say("ada", "/trial kinds whom:@nobody")
    assert answer.code == "E_MEMBER"
    assert answer.message.private


async def test_an_unknown_command_is_refused_privately(room):
    answer = await room.say("ada", "/trial sya hello")
    assert (answer.refused, answer.code, answer.message.private) == (True, "E_COMMAND", True)


async def test_a_bare_group_and_its_help_explain_it(room):
    for line in ("/trial", "/trial help", "/bookwiz help topic:trial"):
        answer = await room.say("ada", line)
        assert not answer.refused
        assert "/trial say" in spoken(answer)


async def test_a_bare_group_that_has_its_own_help_gives_that(room):
    assert await room.ask("ada", "/bookwiz") == await room.ask("ada", "/bookwiz help")


async def test_help_shows_no_command_that_the_member_may_not_use(room):
    assert "/trial secret" not in spoken(await room.say("ada", "/trial"))
    assert "/trial secret" in spoken(await room.say("moira", "/trial"))


async def test_a_member_may_not_do_what_is_for_moderators(room):
    answer = await room.say("ada", "/trial secret")
    assert (answer.code, answer.message.private) == ("E_PERMISSION", True)
    assert "psst" not in spoken(answer)
    assert await room.ask("moira", "/trial secret") == "psst"


async def test_a_refusal_rolls_back_and_sends_nothing(room):
    answer = await room.say("ada", "/trial refuse")
    assert (answer.refused, answer.code) == (True, "E_NO")
    assert await rows(room, Occurrence) == 0
    assert await rows(room, OutboxMessage) == 0
    assert not room.room.said
    for part in ("No.", "a yes", "a | pipe", "Say yes.", "E_NO"):
        assert part in spoken(answer)


async def test_a_defect_is_answered_with_a_code_that_the_log_holds(room, caplog):
    caplog.set_level(logging.INFO)
    answer = await room.say("ada", "/trial break my salary is 50k")
    assert answer.refused
    assert answer.code.startswith("BUG-")
    assert answer.code in spoken(answer)
    assert answer.code in caplog.text
    assert "tests/kit/trial/__init__.py" in caplog.text
    assert "salary" not in spoken(answer) + caplog.text
    assert await rows(room, OutboxMessage) == 0


async def test_a_database_error_does_not_quote_the_row(room):
    with pytest.raises(DBAPIError) as error:
        async with room.core.work("trial") as work:
            work.session.add(Occurrence(schedule="trial", key="my salary", claimed_at=None))
    assert "my salary" not in str(error.value).partition("DETAIL")[0]


async def test_a_race_is_run_once_more(room, trial):
    trial.races = 1
    answer = await room.say("ada", "/trial race")
    assert (spoken(answer), trial.runs) == ("won", 2)
    assert [s.text for s in room.room.said.values()] == ["raced"]


async def test_a_race_that_is_lost_twice_is_a_defect(room, trial):
    trial.races = 2
    answer = await room.say("ada", "/trial race")
    assert answer.code.startswith("BUG-")
    assert trial.runs == 2
    assert not room.room.said


async def test_many_at_once_are_all_answered(room):
    answers = await asyncio.gather(
        *(room.core.handle(say(f"user{n}", f"/trial say {n}")) for n in range(20))
    )
    assert [spoken(a) for a in answers] == [str(n) for n in range(20)]


async def test_first_words_of_one_person_said_twice_at_once_make_one_member(room):
    answers = await asyncio.gather(
        *(room.core.handle(say("newcomer", "/trial say hi")) for _ in range(4))
    )
    assert [a.refused for a in answers] == [False] * 4


async def test_typing_it_bare_opens_a_form(room):
    form = (await room.say("ada", "/trial form")).form
    assert (form.command, [f.name for f in form.fields]) == ("trial form", ["title", "details"])


async def test_a_form_keeps_what_was_typed_and_asks_for_the_rest(room):
    form = (await room.say("ada", "/trial form title:Mine")).form
    assert [(f.name, f.value) for f in form.fields] == [("title", "Mine"), ("details", "")]


async def test_a_form_that_is_sent_runs_the_command(room):
    answer = await room.say("ada", "/trial form", title="Mine", details="All\nof it")
    assert answer.message.private
    assert spoken(answer) == "Mine: All\nof it"


@pytest.mark.parametrize(
    ("title", "code"), [("taken", "E_TAKEN"), ("x" * 21, "E_TOO_LONG"), (" ", "E_MISSING")]
)
async def test_a_form_comes_back_with_the_problem_and_the_values(room, title, code):
    answer = await room.say("ada", "/trial form", title=title, details="kept")
    fields = {f.name: f for f in answer.form.fields}
    assert (answer.code, answer.refused) == (code, True)
    assert fields["title"].problem
    assert (fields["details"].value, fields["details"].problem) == ("kept", "")


async def test_an_attachment_goes_to_the_argument_that_takes_one(room):
    assert await room.ask("ada", "/trial file", attach=[FILE]) == r"lenet\.onnx 7"


async def test_without_its_file_a_command_asks_for_it(room):
    form = (await room.say("ada", "/trial file")).form
    assert [(f.name, f.kind) for f in form.fields] == [("model", "file")]


@pytest.mark.parametrize(
    ("line", "files", "words"),
    [
        ("/trial say hello", 1, "does not take a file"),
        ("/trial secret", 1, "does not take a file"),
        ("/trial file", 2, "does not take that many files"),
    ],
)
async def test_an_attachment_that_nothing_takes_is_refused(room, line, files, words):
    answer = await room.say("moira", line, attach=[FILE] * files)
    assert answer.code == "E_ARGUMENT"
    assert words in spoken(answer)


async def test_suggestions_are_at_most_25_and_only_for_who_may_ask(room):
    asked = Invocation(
        "local", "ada", "Ada", Place(platform="local", channel="x"), command="trial suggest"
    )
    assert len(await room.core.suggest(asked, "value", "a")) == 25
    assert [c.value for c in await room.core.suggest(asked, "colour", "BL")] == ["blue"]
    assert await room.core.suggest(asked, "nothing", "") == []
    assert await room.core.suggest(replace(asked, command="no such"), "value", "") == []


async def test_what_a_database_cannot_hold_in_a_name_is_left_out(room):
    answer = await room.core.handle(replace(say("odd", "/trial say hi"), name="O\x00d\ud800d"))
    assert not answer.refused


def test_two_features_that_declare_one_command_refuse_to_start():
    other = Feature("other", "Another", "tests.kit.trial")
    other.commands["trial say"] = replace(make(Trial()).commands["trial say"], feature=other)
    with pytest.raises(ValueError, match="/trial say is declared by both trial and other"):
        commands_of({"trial": make(Trial()), "other": other})


def test_a_feature_that_declares_one_command_twice_refuses_to_start():
    feature = make(Trial())
    with pytest.raises(ValueError, match="trial say"):
        feature.command("trial say", "Again")(lambda _ctx: None)


def test_an_argument_that_nobody_explains_refuses_to_start():
    async def run(ctx, thing: str): ...

    with pytest.raises(TypeError, match="thing"):
        make(Trial()).command("trial thing", "What?")(run)


async def test_work_that_fails_writes_and_sends_nothing(room):
    async def fail():
        async with room.core.work("trial") as work:
            place = Place(platform="local", channel="x")
            await work.post(place, "words.md.j2", {"words": "no"}, key="k")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await room.deliver()
    assert not room.room.said


async def test_a_listener_hears_a_fact_in_the_same_transaction(bot):
    heard = []
    feature = make(Trial())

    @feature.on(str)
    async def listen(work, fact):
        heard.append((work.feature, fact, work.session))

    services = replace(bot.core.services, features={"trial": feature})
    async with Core(bot.database, services).work("someone") as work:
        await work.announce("a fact")
        await work.announce(1)
        assert heard == [("trial", "a fact", work.session)]


def say(who, line):
    return Invocation("local", who, who.title(), Place(platform="local", channel="x"), line=line)
