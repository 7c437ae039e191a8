"""What happens by itself, and when: shown, paused, moved. Never commits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.kit.command import Refusal, Schedule
from bot.kit.render import duration
from bot.kit.schedule import ScheduleRow, trigger_of

_DAYS = {
    "mon": "Mondays",
    "tue": "Tuesdays",
    "wed": "Wednesdays",
    "thu": "Thursdays",
    "fri": "Fridays",
    "sat": "Saturdays",
    "sun": "Sundays",
}


@dataclass(frozen=True)
class Planned:
    """A schedule as it is set here."""

    schedule: Schedule
    words: str  #: when, such as "Mondays at 09:00, Europe/Berlin"
    enabled: bool
    last: datetime | None
    next: datetime | None  #: None while it is paused, and for sweeps: they are always about to come


def in_words(schedule: Schedule, cron: str | None, zone: str) -> str:
    """When *schedule* happens, for people. A line that is no plain weekly or daily time stays one."""
    if schedule.every is not None:
        return f"every {duration(schedule.every.total_seconds())}"
    line = cron or schedule.cron or ""
    minute, hour, *dates, days = line.lower().split()
    named = [_DAYS.get(d, "") for d in days.split(",")]
    if not (minute.isdigit() and hour.isdigit() and dates == ["*", "*"]):
        return f"{line}, {zone}"
    wall = f"{int(hour):02d}:{int(minute):02d}, {zone}"
    if days == "*":
        return f"every day at {wall}"
    return f"{' and '.join(named)} at {wall}" if all(named) else f"{line}, {zone}"


async def planned(
    session: AsyncSession, schedules: Mapping[str, Schedule], *, zone: str, now: datetime
) -> list[Planned]:
    """Every schedule there is, by name."""
    rows = {r.name: r for r in await session.scalars(select(ScheduleRow))}
    return [_planned(schedules[n], rows.get(n), zone=zone, now=now) for n in sorted(schedules)]


def _planned(schedule: Schedule, row: ScheduleRow | None, *, zone: str, now: datetime) -> Planned:
    cron = row.cron if row else None
    enabled = row is None or row.enabled
    following = None
    if enabled and schedule.every is None:
        following = trigger_of(schedule, zone, cron).get_next_fire_time(None, now)
    return Planned(
        schedule, in_words(schedule, cron, zone), enabled, row.last_at if row else None, following
    )


async def pause(session: AsyncSession, schedule: Schedule, *, now: datetime) -> None:
    (await _row(session, schedule, now)).enabled = False


async def resume(session: AsyncSession, schedule: Schedule, *, now: datetime) -> None:
    """Let it happen again, from now on: what fell into the pause is not made up for."""
    row = await _row(session, schedule, now)
    row.enabled, row.last_at = True, now


async def move(
    session: AsyncSession, schedule: Schedule, cron: str, *, zone: str, now: datetime
) -> None:
    """Let it happen at another time, from now on.

    Raises:
        Refusal: It is a sweep, or *cron* names no time that comes at most once a day.
    """
    if schedule.every is not None:
        raise Refusal(
            f"{schedule.name} has no time of its own: it looks for what is due "
            f"{in_words(schedule, None, zone)}.",
            code="E_SCHEDULE",
            expected="a schedule with a day or an hour",
            fix="You can pause it.",
            field="name",
        )
    cron = " ".join(cron.lower().split())
    try:
        trigger = trigger_of(schedule, zone, cron)
    except ValueError as error:
        raise _no_time(str(error), cron) from None
    minute, hour, *_ = cron.split()
    if not (minute.isdigit() and hour.isdigit()):
        # An occurrence is claimed by its date: a second one on a day would be dropped in silence.
        raise _no_time("A schedule happens at most once a day.", cron)
    if trigger.get_next_fire_time(None, now) is None:
        raise _no_time("That day never comes.", cron)
    row = await _row(session, schedule, now)
    row.cron, row.last_at = cron, now


def _no_time(problem: str, cron: str) -> Refusal:
    return Refusal(
        problem,
        code="E_SCHEDULE",
        expected="minute, hour, day of the month, month and day by name, such as 0 9 * * mon",
        got=cron,
        fix="For every day at 18:30, type 30 18 * * *",
        field="cron",
    )


async def _row(session: AsyncSession, schedule: Schedule, now: datetime) -> ScheduleRow:
    row = await session.get(ScheduleRow, schedule.name, with_for_update=True)
    if row is None:
        row = ScheduleRow(name=schedule.name, cron=schedule.cron, enabled=True, last_at=now)
        session.add(row)
    return row
