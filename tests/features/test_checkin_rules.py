"""The pure rules: what a streak is, and when a reminder is due."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features.checkins.moments import LATEST, Slot, decide, iso_week
from bot.features.checkins.streaks import WEEK, Away, last_weeks, monday, streak

MONDAY = date(2026, 11, 23)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

weeks = st.sets(st.integers(-3, 60).map(lambda n: MONDAY - n * WEEK), max_size=30)
days = st.integers(-200, 200).map(lambda n: MONDAY + timedelta(days=n))
pauses = st.lists(
    st.tuples(days, st.integers(0, 60)).map(lambda p: Away(p[0], p[0] + timedelta(days=p[1]))),
    max_size=4,
)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "Pacific/Honolulu",
)


@pytest.mark.parametrize(
    ("weeks_ago", "away", "length"),
    [
        ([], [], 0),
        ([0], [], 1),
        ([0, 1, 2], [], 3),
        ([1, 2], [], 2),  # this week is not over yet
        ([2, 3], [], 0),  # last week is
        ([0, 2], [], 1),
        ([0, 2], [(7, 5)], 2),  # two days of last week were a pause
        ([0, 3], [(7, 0)], 1),  # the pause froze one week too few
        ([0, 3], [(8, 0)], 2),  # it began on a Sunday
        ([3], [(15, -40)], 1),  # away still
        ([0, 2], [(7, 7)], 1),  # a pause of no day
        ([0, 2], [(0, -7)], 1),  # a pause that began later
        ([-1, 0, 1], [], 3),  # moved west on a Monday morning
        ([-1, 1], [], 2),
    ],
)
def test_a_streak_ends_at_the_first_week_that_was_missed_without_a_pause(weeks_ago, away, length):
    said = [MONDAY - n * WEEK for n in weeks_ago]
    spans = [Away(MONDAY - timedelta(b), MONDAY - timedelta(e)) for b, e in away]
    assert streak(said, spans, MONDAY) == length
    assert streak(said, spans, MONDAY + timedelta(days=6)) == length


@given(weeks, pauses, days)
def test_a_streak_is_never_longer_than_what_was_said(said, away, today):
    assert 0 <= streak(said, away, today) <= len(said)


@given(weeks, pauses, days)
def test_checking_in_lengthens_a_streak_by_exactly_one(said, away, today):
    before = said - {monday(today)}
    assert streak(before | {monday(today)}, away, today) == streak(before, away, today) + 1


@given(weeks, pauses, days, st.tuples(days, st.integers(0, 60)))
def test_a_pause_never_shortens_a_streak(said, away, today, more):
    another = Away(more[0], more[0] + timedelta(days=more[1]))
    assert streak(said, [*away, another], today) >= streak(said, away, today)


@given(weeks, pauses, days, st.integers(1, 300))
def test_a_streak_stands_still_while_somebody_is_away(said, away, today, length):
    said = {w for w in said if w <= monday(today)}
    gone = [*away, Away(today, today + timedelta(days=length))]
    last = today + timedelta(days=length - 1)
    assert streak(said, gone, last) == streak(said, gone, today)


@given(weeks, pauses, days)
def test_the_history_begins_with_this_week_and_misses_none(said, away, today):
    shown = [week for week, _ in last_weeks(said, away, today)]
    assert len(shown) <= 12
    assert all(a - b == WEEK for a, b in pairwise(shown))
    assert bool(shown) == bool(said)
    assert all(week >= min(said) for week in shown)


@pytest.mark.parametrize(
    ("zone", "week", "day", "hour", "utc"),
    [
        ("Europe/Berlin", "2026-10-19", 6, 17, "2026-10-25T16:00"),  # back to winter that night
        ("Europe/Berlin", "2026-10-19", 6, 2, "2026-10-25T00:00"),  # 2:00 comes twice: the first
        ("Europe/Berlin", "2027-03-22", 6, 2, "2027-03-28T01:00"),  # there is no 2:00: at 3:00
        ("Europe/Berlin", "2027-03-22", 6, 17, "2027-03-28T15:00"),
        ("America/New_York", "2026-10-26", 6, 9, "2026-11-01T14:00"),
        ("America/New_York", "2026-10-26", 5, 9, "2026-10-31T13:00"),  # the day before
        ("America/New_York", "2027-03-08", 6, 2, "2027-03-14T07:00"),
        ("Australia/Sydney", "2026-09-28", 6, 2, "2026-10-03T16:00"),  # spring in October
        ("Australia/Sydney", "2027-03-29", 6, 17, "2027-04-04T07:00"),  # autumn in April
        ("Australia/Lord_Howe", "2026-09-28", 6, 2, "2026-10-03T15:30"),  # half an hour is missing
        ("Australia/Lord_Howe", "2026-09-28", 6, 17, "2026-10-04T06:00"),  # +11:00
        ("Australia/Lord_Howe", "2027-03-29", 6, 17, "2027-04-04T06:30"),  # +10:30
        ("America/Santiago", "2027-03-29", 5, 23, "2027-04-04T02:00"),  # 23:00 comes twice
        ("Asia/Kolkata", "2026-11-23", 4, 17, "2026-11-27T11:30"),
        ("Asia/Kathmandu", "2026-11-23", 4, 17, "2026-11-27T11:15"),
        ("Pacific/Auckland", "2026-11-23", 0, 1, "2026-11-22T12:00"),  # Monday comes early
    ],
)
def test_a_reminder_keeps_its_wall_time_through_every_change_of_clocks(zone, week, day, hour, utc):
    due = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    slot = Slot(zone, day, hour)
    assert slot.moment(date.fromisoformat(week)) == due
    assert decide(slot, due - timedelta(seconds=1), since=LONG_AGO) == "wait"
    assert decide(slot, due, since=LONG_AGO) == "remind"


@pytest.mark.parametrize(
    ("late", "since", "what"),
    [
        (timedelta(seconds=-1), None, "wait"),
        (timedelta(0), None, "remind"),
        (LATEST, None, "remind"),
        (LATEST + timedelta(seconds=1), None, "skip"),
        (timedelta(minutes=5), timedelta(0), "skip"),  # joined at that very moment
        (timedelta(minutes=5), timedelta(minutes=-1), "remind"),
    ],
)
def test_a_reminder_is_never_early_and_at_most_twelve_hours_late(late, since, what):
    slot = Slot("Asia/Kolkata", 2, 12)
    moment = slot.moment(MONDAY)
    joined = LONG_AGO if since is None else moment + since
    assert decide(slot, moment + late, since=joined) == what


@given(
    st.sampled_from(ZONES),
    st.integers(0, 6),
    st.integers(0, 23),
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants them bare
)
def test_a_reminder_speaks_of_the_week_it_is(zone, day, hour, now):
    slot = Slot(zone, day, hour)
    decision = decide(slot, now, since=LONG_AGO)
    moment = slot.moment(slot.week(now))
    local = moment.astimezone(ZoneInfo(zone))
    assert monday(local.date()) == slot.week(now)
    assert local.date().weekday() == day
    assert (decision == "wait") == (moment > now)
    if decision == "remind":
        assert timedelta(0) <= now - moment <= LATEST


def test_the_week_around_new_year_has_one_name():
    assert iso_week(date(2026, 12, 28)) == "2026-W53"
    assert iso_week(date(2027, 1, 4)) == "2027-W01"
