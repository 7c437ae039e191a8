"""Things that happen by themselves: APScheduler fires, the database decides.

The scheduler keeps nothing: its jobs are made anew from our table at each start. Whether an
occurrence is due is decided by a unique row, so that two processes, a clock set back or autumn's
repeated hour cannot make it happen twice.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.clock import Clock
from bot.kit.command import Schedule
from bot.kit.db import Base

_log = structlog.get_logger(__name__)
_LONGEST_FIRING = 10.0  # seconds that a stop waits for what is being carried out
_LATEST = timedelta(hours=1)  # an alarm later than this is left to the next start
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class ScheduleRow(Base):
    """How a schedule is set in this installation: what moderators may change."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    cron: Mapped[str | None] = mapped_column(String(100))
    enabled: Mapped[bool] = mapped_column(default=True)
    last_at: Mapped[datetime | None]  #: the last occurrence that was looked at, carried out or not


class Occurrence(Base):
    """One time that something was due and somebody took it on."""

    __tablename__ = "occurrence"

    schedule: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    claimed_at: Mapped[datetime]


@dataclass(frozen=True)
class ScheduleChanged:
    """A schedule was paused, resumed or moved.

    Announced before the commit: an alarm is to be set again after it.
    """

    name: str


def trigger_of(schedule: Schedule, zone: str, cron: str | None = None) -> BaseTrigger:
    """APScheduler's trigger for it.

    Raises:
        ValueError: The cron line is not one, or numbers its days (crontab's 1 is APScheduler's
            Tuesday, so only names are allowed).
    """
    if schedule.every is not None:
        return IntervalTrigger(seconds=int(schedule.every.total_seconds()), timezone=UTC)
    line = cron or schedule.cron or ""
    fields = line.split()
    if len(fields) != 5:  # noqa: PLR2004 - crontab has five
        msg = f"{line!r} is not a time: five fields are needed, such as '0 9 * * mon'"
        raise ValueError(msg)
    if any(c.isdigit() for c in fields[4]):
        msg = f"{line!r}: name the days ({', '.join(_DAYS)}), do not number them"
        raise ValueError(msg)
    return CronTrigger.from_crontab(line, timezone=ZoneInfo(zone))


def occurrence_key(moment: datetime, zone: str) -> str:
    """The local date: autumn's repeated hour has one date, so it happens once."""
    return moment.astimezone(ZoneInfo(zone)).date().isoformat()


def missed(
    trigger: BaseTrigger, since: datetime, until: datetime, *, most: int = 100
) -> list[datetime]:
    """The moments at which *trigger* was due after *since*, up to and including *until*.

    Of more than *most*, the newest.
    """
    moments: deque[datetime] = deque(maxlen=most)
    after = since + timedelta(microseconds=1)
    while (moment := trigger.get_next_fire_time(None, after)) is not None and moment <= until:
        moments.append(moment.astimezone(UTC))
        after = moment.astimezone(UTC) + timedelta(seconds=1)
    return list(moments)


Fire = Callable[[Schedule, datetime], Awaitable[None]]


class Alarm:
    """Wakes the bot when a schedule is due. Says only *when*; ``fire`` decides *whether*."""

    def __init__(self, fire: Fire, clock: Clock | None = None) -> None:
        self._fire, self._clock = fire, clock or Clock()
        self._firing: set[asyncio.Task[None]] = set()
        self._scheduler: Any = AsyncIOScheduler(
            timezone=UTC,
            job_defaults={
                "coalesce": True,
                "misfire_grace_time": int(_LATEST.total_seconds()),
                "max_instances": 1,
            },
        )

    def set(self, schedule: Schedule, trigger: BaseTrigger) -> None:
        self._scheduler.add_job(
            self._due, trigger, args=[schedule, trigger], id=schedule.name, replace_existing=True
        )

    def start(self) -> None:
        self._scheduler.start()

    async def stop(self) -> None:
        """Fire no more, and let what is being carried out end: cancelled, it would be done again."""
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        if self._firing:
            await asyncio.wait(self._firing, timeout=_LONGEST_FIRING)
        self._scheduler.shutdown(wait=False)

    async def _due(self, schedule: Schedule, trigger: BaseTrigger) -> None:
        task = asyncio.current_task()
        assert task is not None, "the scheduler makes a task of each"
        self._firing.add(task)
        task.add_done_callback(self._firing.discard)
        # Late, perhaps past midnight: what counts is the date it was due on.
        now = self._clock.now()
        moments = missed(trigger, now - _LATEST, now, most=1) if schedule.every is None else []
        try:
            await self._fire(schedule, moments[-1] if moments else now)
        except Exception:  # noqa: BLE001 - one schedule's defect must not end the others
            _log.exception("schedule.failed", schedule=schedule.name)
