from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kit.clock import instant, week_of, zones

DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))


@pytest.mark.parametrize(
    ("zone", "day", "wall", "utc"),
    [
        ("Europe/Berlin", date(2026, 7, 1), time(9), "2026-07-01 07:00"),
        ("Europe/Berlin", date(2026, 3, 29), time(2, 30), "2026-03-29 01:30"),  # skipped: 03:30
        ("America/New_York", date(2026, 3, 8), time(2, 30), "2026-03-08 07:30"),  # skipped: 03:30
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 15), "2026-10-03 15:45"),  # half an hour
        ("Africa/Cairo", date(2026, 4, 24), time(0, 30), "2026-04-23 22:30"),  # skips midnight
        ("Europe/Berlin", date(2026, 10, 25), time(2, 30), "2026-10-25 00:30"),  # twice: the first
        ("America/New_York", date(2026, 11, 1), time(1, 30), "2026-11-01 05:30"),  # twice
        ("Asia/Kolkata", date(2026, 11, 23), time(0, 0), "2026-11-22 18:30"),
        ("Pacific/Kiritimati", date(2026, 11, 23), time(9), "2026-11-22 19:00"),
    ],
)
def test_wall_time_becomes_one_instant_even_where_clocks_jump(zone, day, wall, utc):
    assert f"{instant(day, wall, zone):%Y-%m-%d %H:%M}" == utc


@given(DAYS, st.times(), st.sampled_from(zones()))
def test_an_instant_lies_on_its_day_in_its_zone(day, wall, zone):
    moment = instant(day, wall, zone)
    assert moment.tzinfo is UTC
    assert moment.astimezone(ZoneInfo(zone)).date() == day


@given(DAYS, st.times(), st.sampled_from(zones()))
def test_a_week_begins_on_the_monday_that_a_member_sees(day, wall, zone):
    monday = week_of(instant(day, wall, zone), zone)
    assert monday.weekday() == 0
    assert timedelta() <= day - monday < timedelta(7)


def test_the_same_moment_may_lie_in_two_weeks():
    moment = datetime(2026, 11, 22, 23, tzinfo=UTC)  # a Sunday in London
    assert week_of(moment, "Europe/London") == date(2026, 11, 16)
    assert week_of(moment, "Asia/Tokyo") == date(2026, 11, 23)


def test_every_zone_that_is_offered_exists():
    assert "Europe/Berlin" in zones()
    assert all(ZoneInfo(zone).key == zone for zone in zones())
