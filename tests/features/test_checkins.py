from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot.community.channels import key
from bot.community.facts import CheckInRecorded
from bot.community.members import set_setting
from bot.features.checkins.models import CheckIn
from bot.kit.feature import Feature
from bot.kit.message import Place


@pytest.fixture
async def checkins_channel(bot, chat):
    """A channel called ``wins`` that takes check-ins."""
    async with bot.core.work("tests") as work:
        place = Place(platform="local", channel="wins").model_dump()
        await set_setting(work.session, 1, key("checkins"), place)


@pytest.fixture
def facts(bot, monkeypatch):
    """What was announced of check-ins."""
    probe, heard = Feature("probe", "Listens", "tests"), []

    @probe.on(CheckInRecorded)
    async def hear(work, fact):
        heard.append(fact)

    monkeypatch.setitem(bot.core.services.features, "probe", probe)
    return heard


async def rows(chat, model):
    async with chat.core.database.read() as session:
        return await session.scalar(select(func.count()).select_from(model))


async def test_checking_in_is_answered_with_the_streak_and_the_way_on(chat):
    answer = await chat.say("ada", "/checkin now", done="Trained a U-Net", next="Export it")
    assert answer.message.private
    assert "Trained a U\\-Net" in answer.message.plain()
    await chat.wait(minutes=1)
    chat.clock.moment += timedelta(weeks=1)
    text = await chat.ask("ada", "/checkin now", done="Exported it", next="Quantise it")
    assert "2 weeks in a row" in text
    assert "A week ago you planned: Export it" in text


async def test_typing_it_bare_opens_a_form(chat):
    answer = await chat.say("ada", "/checkin now")
    assert [(f.name, f.required) for f in answer.form.fields] == [
        ("done", True),
        ("next", True),
        ("blocked", False),
    ]


async def test_a_sentence_typed_after_it_is_kept_whole_and_the_form_asks_for_the_rest(chat):
    answer = await chat.say("ada", "/checkin now Finished the data loader")
    assert answer.form.fields[0].value == "Finished the data loader"
    assert await rows(chat, CheckIn) == 0


async def test_all_of_it_can_be_typed_in_one_line(chat):
    text = await chat.ask("ada", "/checkin now done:The data loader next:A first baseline")
    assert "Done: The data loader\nNext: A first baseline" in text


@pytest.mark.parametrize(
    ("form", "field", "code"),
    [
        ({"done": " ", "next": "B"}, "done", "E_MISSING"),
        ({"done": "A", "next": ""}, "next", "E_MISSING"),
        ({"done": "A", "next": "B" * 10_000}, "next", "E_TOO_LONG"),
        ({"done": "A", "next": "B", "blocked": "C" * 1001}, "blocked", "E_TOO_LONG"),
    ],
)
async def test_a_bad_answer_is_refused_at_its_field_and_nothing_is_kept(chat, form, field, code):
    answer = await chat.say("ada", "/checkin now", **form)
    assert (answer.refused, answer.code) == (True, code)
    assert [f.name for f in answer.form.fields if f.problem] == [field]
    assert await rows(chat, CheckIn) == 0


async def test_saying_it_again_in_the_same_week_replaces_it_and_says_so(chat, facts):
    await chat.say("ada", "/checkin now", done="EDA", next="Augmentation")
    chat.clock.moment += timedelta(days=6, hours=14)  # Sunday, 23:00
    text = await chat.ask("ada", "/checkin now", done="EDA, twice", next="Augmentation")
    assert "in place of what you said earlier" in text
    assert await rows(chat, CheckIn) == 1
    assert [(f.week, f.streak) for f in facts] == [(date(2026, 11, 23), 1)]
    chat.clock.moment += timedelta(hours=1)
    await chat.say("ada", "/checkin now", done="Augmentation", next="Sweep")
    assert [(f.week, f.streak) for f in facts][1:] == [(date(2026, 11, 30), 2)]


async def test_the_week_is_the_members_own(chat):
    chat.clock.moment = datetime(2026, 11, 29, 12, tzinfo=UTC)  # Sunday; Monday in Auckland
    await chat.say("ada", "/profile timezone Pacific/Auckland")
    await chat.say("ada", "/checkin now", done="A", next="B")
    await chat.say("bob", "/checkin now", done="A", next="B")
    async with chat.core.database.read() as session:
        weeks = set(await session.scalars(select(CheckIn.week)))
    assert weeks == {date(2026, 11, 30), date(2026, 11, 23)}


async def test_without_a_channel_only_the_member_sees_it(chat):
    assert "Only you see this" in await chat.ask("ada", "/checkin now", done="A", next="B")
    assert chat.room.said == {}


async def test_the_channel_gets_one_line_a_week_that_changes_with_what_is_said(
    chat, checkins_channel
):
    form = {"done": "@everyone trained", "next": "[Ship](http://x) it", "blocked": "My visa"}
    await chat.say("ada", "/checkin now", **form)
    [said] = chat.to("wins")
    assert "\\@everyone trained" in said.text
    assert "\\[Ship\\]" in said.text
    assert "visa" not in said.text
    chat.clock.moment += timedelta(days=1)
    await chat.say("ada", "/checkin now", **(form | {"done": "Trained and tested"}))
    [said] = chat.to("wins")
    assert "Trained and tested" in said.text
    assert said.edits == 1


async def test_history_shows_every_week_since_the_first(chat):
    await chat.say("ada", "/checkin now", done="EDA", next="A baseline")
    chat.clock.moment += timedelta(weeks=2)
    text = await chat.ask("ada", "/checkin history")
    table = (await chat.say("ada", "/checkin history")).message.blocks[1]
    assert [row[0] for row in table.rows] == ["07 Dec 2026", "30 Nov 2026", "23 Nov 2026"]
    assert [row[1] for row in table.rows] == ["*not yet*", "–", "EDA"]
    assert "A baseline" in text
    assert "not checked in yet" in await chat.ask("bob", "/checkin history")


async def test_a_pause_keeps_the_streak_and_can_be_ended(chat):
    await chat.say("ada", "/checkin now", done="A", next="B")
    answer = await chat.say("ada", "/checkin pause 2026-12-14")
    assert "Until Monday, 14 December 2026" in answer.message.plain()
    chat.clock.moment += timedelta(weeks=2)
    assert "1 week" in await chat.ask("ada", "/checkin streak")
    back = (await chat.say("ada", "/checkin streak")).message
    assert "goes on" in (await chat.press("ada", back, "I am back")).message.plain()
    assert "still open" in await chat.ask("ada", "/checkin streak")


async def test_without_a_pause_a_missed_week_ends_the_streak(chat):
    await chat.say("ada", "/checkin now", done="A", next="B")
    chat.clock.moment += timedelta(weeks=1)
    assert "1 week" in await chat.ask("ada", "/checkin streak")
    chat.clock.moment += timedelta(weeks=1)
    assert "No streak yet" in await chat.ask("ada", "/checkin streak")


@pytest.mark.parametrize("until", ["2026-11-23", "2020-01-01", "2030-01-01", "soon"])
async def test_a_pause_until_an_impossible_day_is_refused(chat, until):
    answer = await chat.say("ada", "/checkin pause", until=until)
    assert answer.refused
    assert [f.name for f in answer.form.fields if f.problem] == ["until"]
