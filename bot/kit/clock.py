"""Instants, wall times and weeks. A member's time is local: zones are applied here, once."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones


class Clock:
    """The time of day. Tests replace it by one they can turn."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def instant(day: date, wall: time, zone: str) -> datetime:
    """The moment at which clocks in *zone* show *wall* on *day*.

    A wall time that a spring change skips is shifted past the gap; one that autumn repeats is the
    first of the two.
    """
    return datetime.combine(day, wall, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def week_of(moment: datetime, zone: str) -> date:
    """The Monday of the week that *moment* lies in, as clocks in *zone* show it."""
    today = moment.astimezone(ZoneInfo(zone)).date()
    return today - timedelta(days=today.weekday())


@cache
def zones() -> tuple[str, ...]:
    """Every IANA zone a person would name, sorted."""
    named = {
        z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/"))
    }
    return (*sorted(named), "UTC")
