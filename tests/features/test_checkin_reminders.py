"""Who is reminded, when, and how often."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from bot.community.members import set_setting
from bot.community.models import Account, Member
from bot.features.checkins.reminders import SCHEDULE, SETTING
from bot.kit.schedule import Occurrence

FRIDAY = datetime(2026, 11, 27, 17, tzinfo=UTC)  # the default: Fridays at 17:00


def to_ada(chat):
    return [said for said in chat.to("@ada") if "how did your week go" in said.text]


async def sweep(chat, moment):
    """Let the clock stand at *moment* and look for who is due."""
    await chat.core.catch_up()
    chat.clock.moment = moment
    await chat.core.fire(chat.core.services.schedules[SCHEDULE], moment)
    await chat.deliver()


async def taken(chat):
    async with chat.core.database.read() as session:
        return set(await session.scalars(select(Occurrence.key).filter_by(schedule=SCHEDULE)))


async def test_a_reminder_comes_once_at_the_default_time_and_its_button_opens_the_form(chat):
    await chat.say("ada", "/profile show")
    chat.clock.moment = FRIDAY - timedelta(minutes=4)
    await chat.wait(minutes=3)
    assert to_ada(chat) == []
    await chat.wait(minutes=20)
    [said] = to_ada(chat)
    assert said.place.private_to == "ada"
    assert (await chat.press("ada", said.message, "Check in")).form is not None


async def test_a_reminder_comes_again_the_week_after(chat):
    await chat.say("ada", "/profile show")
    for week in range(3):
        await sweep(chat, FRIDAY + timedelta(weeks=week))
    assert len(to_ada(chat)) == 3


@pytest.mark.parametrize(
    ("zone", "utc"),
    [
        ("Europe/Berlin", "2026-10-30T16:00"),  # winter time since Sunday
        ("America/New_York", "2026-10-30T21:00"),  # summer time until Sunday
        ("Australia/Sydney", "2026-10-30T06:00"),  # summer
        ("Australia/Lord_Howe", "2026-10-30T06:00"),
        ("Asia/Kolkata", "2026-10-30T11:30"),
        ("Asia/Kathmandu", "2026-10-30T11:15"),
    ],
)
async def test_a_reminder_comes_at_five_where_the_member_is(chat, zone, utc):
    due = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    chat.clock.moment = due - timedelta(days=6)
    await chat.say("ada", f"/profile timezone {zone}")
    await sweep(chat, due - timedelta(seconds=1))
    assert to_ada(chat) == []
    await sweep(chat, due)
    assert len(to_ada(chat)) == 1


@pytest.mark.parametrize(
    "line", ["/checkin now done:A next:B", "/checkin pause 2026-12-24", "/profile reminders on:no"]
)
async def test_nobody_is_reminded_who_checked_in_is_away_or_does_not_want_it(chat, line):
    assert not (await chat.say("ada", line)).refused
    await sweep(chat, FRIDAY)
    await sweep(chat, FRIDAY + timedelta(days=1))
    assert to_ada(chat) == []


async def test_somebody_who_left_is_not_reminded(bot, chat):
    await chat.say("ada", "/profile show")
    async with bot.core.work("tests") as work:
        row = await work.session.scalar(select(Member).filter_by(name="Ada"))
        row.left_at = work.now
    await sweep(chat, FRIDAY)
    assert to_ada(chat) == []
    assert await taken(chat) == {"1:2026-W48"}  # moira's: who left is not even looked at


async def test_a_reminder_comes_at_the_members_own_day_and_hour(chat):
    text = await chat.ask("ada", "/profile reminders Tuesday 8")
    assert "Tuesdays at 08:00" in text.replace("\\", "")
    await sweep(chat, datetime(2026, 11, 24, 7, 59, tzinfo=UTC))
    assert to_ada(chat) == []
    await sweep(chat, datetime(2026, 11, 24, 8, tzinfo=UTC))
    await sweep(chat, FRIDAY)
    assert len(to_ada(chat)) == 1


async def test_after_downtime_a_reminder_comes_up_to_twelve_hours_late(chat):
    await chat.say("ada", "/profile show")
    await sweep(chat, FRIDAY + timedelta(hours=12))
    assert len(to_ada(chat)) == 1


async def test_after_longer_downtime_it_is_skipped_for_that_week_only(chat):
    await chat.say("ada", "/profile show")
    await sweep(chat, FRIDAY + timedelta(hours=12, seconds=1))
    assert to_ada(chat) == []
    assert await taken(chat) == {"1:2026-W48", "2:2026-W48"}
    await sweep(chat, FRIDAY + timedelta(weeks=1))
    assert len(to_ada(chat)) == 1


async def test_somebody_who_joined_after_the_hour_hears_of_it_next_week(chat):
    chat.clock.moment = FRIDAY + timedelta(minutes=1)
    await chat.say("ada", "/profile show")
    await sweep(chat, FRIDAY + timedelta(minutes=5))
    assert to_ada(chat) == []
    assert "Fri 04 Dec 2026" in await chat.ask("ada", "/profile reminders")


async def test_switching_reminders_off_and_on_says_what_holds(chat):
    first = (await chat.say("ada", "/profile reminders")).message
    assert "Fri 27 Nov 2026, 17\\:00 UTC" in first.plain()
    off = (await chat.press("ada", first, "Switch off")).message
    assert "No reminders" in off.plain()
    assert "Fridays" in (await chat.press("ada", off, "Switch on")).message.plain()
    assert (await chat.say("ada", "/profile reminders hour:24")).code == "E_ARGUMENT"


async def test_looking_for_who_is_due_costs_the_same_however_many_are_not(bot, chat):
    statements = []
    event.listen(
        bot.database.engine.sync_engine,
        "before_cursor_execute",
        lambda *args: statements.append(args[2]),
    )
    await chat.say("ada", "/profile reminders monday 10")
    statements.clear()
    await sweep(chat, FRIDAY - timedelta(hours=7, minutes=1))
    await sweep(chat, FRIDAY - timedelta(hours=7))
    statements.clear()
    await sweep(chat, FRIDAY - timedelta(minutes=1))
    few = len(statements)
    async with bot.core.work("tests") as work:
        for n in range(200):
            zone = ("Europe/Berlin", "Asia/Kolkata", "America/New_York")[n % 3]
            member = Member(community_id=1, name=f"N{n}", timezone=zone, joined_at=work.now)
            work.session.add(member)
            await work.session.flush()
            work.session.add(Account(member_id=member.id, platform="local", handle=f"n{n}"))
    await sweep(chat, FRIDAY - timedelta(seconds=30))
    statements.clear()
    await sweep(chat, FRIDAY - timedelta(seconds=1))
    assert len(statements) == few


async def test_more_members_than_one_transaction_takes_are_reminded_by_the_next(
    bot, chat, monkeypatch
):
    monkeypatch.setattr("bot.features.checkins.reminders._MOST_AT_ONCE", 2)
    for who in ("ada", "bob", "cleo"):
        await chat.say(who, "/profile show")
    for minutes in (0, 5, 10):
        await sweep(chat, FRIDAY + timedelta(minutes=minutes))
    assert len(chat.room.said) == 4  # moira as well


async def test_two_sweeps_at_the_same_moment_remind_once(bot, chat):
    await chat.say("ada", "/profile show")
    await bot.core.catch_up()
    chat.clock.moment = FRIDAY
    schedule = bot.core.services.schedules[SCHEDULE]
    await asyncio.gather(*(bot.core.fire(schedule, FRIDAY) for _ in range(3)))
    await chat.deliver()
    [said] = to_ada(chat)
    assert said.edits == 0
    assert len(await taken(chat)) == 2


async def test_a_default_that_the_community_set_holds_for_whoever_chose_nothing(bot, chat):
    async with bot.core.work("tests") as work:
        await set_setting(work.session, 1, SETTING, {"day": 1, "hour": 7})
    assert "Tuesdays at 07\\:00" in await chat.ask("ada", "/profile reminders")
    await sweep(chat, datetime(2026, 11, 24, 7, tzinfo=UTC))
    assert len(to_ada(chat)) == 1
