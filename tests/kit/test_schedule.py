import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.kit.command import Schedule
from bot.kit.schedule import Alarm, Occurrence, ScheduleRow, missed, occurrence_key, trigger_of
from bot.kit.testing import TurnableClock
from tests.kit.trial import Trial, make

FEATURE = make(Trial())
BERLIN = "Europe/Berlin"


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(line):
    return Schedule(FEATURE, "trial.x", "x", lambda _work: None, cron=line)


def moments(line, since, until, zone=BERLIN):
    return [f"{m:%m-%d %H:%M}" for m in missed(trigger_of(cron(line), zone), at(since), at(until))]


async def claims(room):
    async with room.core.database.read() as session:
        return await session.scalar(select(func.count()).select_from(Occurrence))


@pytest.fixture
async def nightly(room):
    """The trial's schedule of 02:30, known to the database."""
    await room.core.catch_up()
    return room.core.services.schedules["trial.nightly"]


@pytest.mark.parametrize(
    "line",
    [
        "0 9 * * 1",
        "0 9 * * mon-5",
        "0 9 * *",
        "",
        "soon",
        "61 9 * * mon",
        "0 9 * * funday",
        "* * * * * *",
    ],
)
def test_a_line_that_is_no_time_or_numbers_its_days_is_refused(line):
    with pytest.raises(ValueError, match=r"."):
        trigger_of(cron(line), "UTC")


@given(st.lists(st.text("0123456789*/,-abcmonLW#? "), min_size=5, max_size=5).map(" ".join))
def test_no_line_raises_anything_but_a_value_error(line):
    try:
        trigger_of(cron(line), "UTC")
    except ValueError:
        return


def test_wall_time_keeps_its_hour_when_clocks_change():
    assert moments("0 9 * * mon", "2026-10-18T00:00", "2026-11-03T00:00") == [
        "10-19 07:00",
        "10-26 08:00",
        "11-02 08:00",
    ]


def test_a_time_that_spring_skips_happens_all_the_same():
    assert len(moments("30 2 * * *", "2027-03-27T22:00", "2027-03-28T22:00")) == 1


def test_the_hour_that_autumn_repeats_has_one_key():
    [first, second] = missed(
        trigger_of(cron("30 2 * * *"), BERLIN), at("2026-10-24T22:00"), at("2026-10-25T12:00")
    )
    assert occurrence_key(first, BERLIN) == occurrence_key(second, BERLIN) == "2026-10-25"


def test_of_very_many_missed_moments_the_newest_are_kept():
    found = missed(
        trigger_of(cron("0 * * * *"), "UTC"), at("2026-01-01T00:00"), at("2026-02-01T00:00"), most=3
    )
    assert [f"{m:%d %H}" for m in found] == ["31 22", "31 23", "01 00"]


async def test_a_schedule_fires_once_a_date(room, trial, nightly):
    for hour in (0, 1, 5):
        await room.core.fire(nightly, room.now + timedelta(hours=hour))
    await room.core.fire(nightly, room.now + timedelta(days=1))
    assert len(trial.fired) == 2


async def test_two_that_fire_at_once_do_it_once(room, trial, nightly):
    await asyncio.gather(*(room.core.fire(nightly, room.now) for _ in range(4)))
    assert len(trial.fired) == 1


async def test_the_repeated_hour_of_autumn_fires_once(room, trial, nightly, monkeypatch):
    async def berlin(_session):
        return BERLIN

    monkeypatch.setattr(room.core, "zone", berlin)
    for moment in (at("2026-10-25T00:30"), at("2026-10-25T01:30"), at("2026-10-26T01:30")):
        await room.core.fire(nightly, moment)
    assert len(trial.fired) == 2


async def test_what_fails_is_rolled_back_and_may_be_tried_again(room, trial, nightly):
    trial.failures.append(RuntimeError("a defect"))
    with pytest.raises(RuntimeError):
        await room.core.fire(nightly, room.now)
    assert await claims(room) == 0
    await room.core.fire(nightly, room.now)
    assert await claims(room) == 1


async def test_a_first_start_catches_up_with_nothing(room, trial):
    assert await room.core.catch_up() == []
    assert trial.fired == []


async def test_what_was_missed_within_its_grace_is_done_and_the_rest_is_told(room, trial):
    await room.core.catch_up()  # Monday, 09:00
    room.clock.moment += timedelta(
        days=7, hours=1
    )  # Monday, 10:00: one nightly, one weekly in time
    skipped = await room.core.catch_up()
    assert [(name, f"{moment:%d %H:%M}") for name, moment in skipped] == [
        ("trial.nightly", f"{day} 02:30") for day in range(24, 30)
    ]
    assert trial.fired == ["2026-11-30 10:00", "monday"]
    assert await room.core.catch_up() == []
    assert len(trial.fired) == 2


async def test_each_schedule_has_its_own_grace(room, trial):
    await room.core.catch_up()
    room.clock.moment += timedelta(days=7, hours=2, minutes=30)
    skipped = await room.core.catch_up()
    assert ("trial.monday", at("2026-11-30T09:00")) in skipped
    assert "monday" not in trial.fired


async def test_what_fired_in_time_is_not_caught_up(room, trial, nightly):
    room.clock.moment = at("2026-11-24T02:30")
    await room.core.fire(nightly, room.now)
    room.clock.moment += timedelta(hours=1)
    assert await room.core.catch_up() == []
    assert len(trial.fired) == 1


async def test_a_schedule_that_is_switched_off_neither_fires_nor_is_told_of(room, trial, nightly):
    async with room.core.work("tests") as work:
        row = await work.session.get_one(ScheduleRow, nightly.name)
        row.enabled = False
    await room.core.fire(nightly, room.now)
    room.clock.moment += timedelta(days=3)
    assert await room.core.catch_up() == []
    assert trial.fired == []


async def test_one_claim_of_many_wins(room):
    async def claim():
        async with room.core.work("trial") as work:
            return await work.claim("trial", "2026-11-23")

    assert sorted(await asyncio.gather(*(claim() for _ in range(5)))) == [False] * 4 + [True]


async def test_a_lost_claim_leaves_its_transaction_whole(room):
    async with room.core.work("trial") as work:
        assert await work.claim("trial", "a")
        assert not await work.claim("trial", "a")
        assert await work.claim("trial", "b")
    assert await claims(room) == 2


async def test_an_alarm_that_rings_late_means_the_moment_it_was_set_for():
    fired = []

    async def fire(schedule, moment):
        fired.append((schedule.name, moment))

    alarm = Alarm(fire, TurnableClock(at("2026-11-24T00:20")))
    await alarm._due(cron("30 23 * * *"), trigger_of(cron("30 23 * * *"), "UTC"))
    assert fired == [("trial.x", at("2026-11-23T23:30"))]


async def test_an_alarm_survives_what_it_wakes():
    async def fire(_schedule, _moment):
        raise RuntimeError("a defect")

    await Alarm(fire)._due(cron("* * * * *"), trigger_of(cron("* * * * *"), "UTC"))


async def test_an_alarm_rings():
    rung = asyncio.Event()

    async def fire(_schedule, _moment):
        rung.set()

    sweep = Schedule(FEATURE, "trial.sweep", "x", fire, every=timedelta(seconds=1))
    alarm = Alarm(fire)
    alarm.start()
    try:
        alarm.set(sweep, trigger_of(sweep, "UTC"))
        await asyncio.wait_for(rung.wait(), 10)
    finally:
        await alarm.stop()


async def test_an_alarm_that_is_stopped_lets_what_it_woke_end():
    begun, ended = asyncio.Event(), []

    async def fire(_schedule, _moment):
        begun.set()
        await asyncio.sleep(0.2)
        ended.append(True)

    sweep = Schedule(FEATURE, "trial.sweep", "x", fire, every=timedelta(seconds=1))
    alarm = Alarm(fire)
    alarm.start()
    alarm.set(sweep, trigger_of(sweep, "UTC"))
    await asyncio.wait_for(begun.wait(), 10)
    await alarm.stop()
    assert ended == [True]
