"""When a reminder is due: pure rules over wall time in the member's own zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from bot.kit.clock import instant, week_of

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LATEST = timedelta(hours=12)  #: after this, a reminder does not help any more


@dataclass(frozen=True)
class Slot:
    """A day and an hour of every week, as clocks in ``zone`` show it."""

    zone: str
    day: int  #: 0 is Monday
    hour: int

    def moment(self, week: date) -> datetime:
        """The instant in the week that begins on the Monday *week*."""
        return instant(week + timedelta(days=self.day), time(self.hour), self.zone)

    def week(self, now: datetime) -> date:
        """The Monday of the week that it is there."""
        return week_of(now, self.zone)

    def has_come(self, now: datetime) -> bool:
        """Whether this week's moment has come."""
        return self.moment(self.week(now)) <= now

    @property
    def in_words(self) -> str:
        return f"{DAYS[self.day].capitalize()}s at {self.hour:02d}:00"


def decide(slot: Slot, now: datetime, *, since: datetime) -> Literal["wait", "remind", "skip"]:
    """What to do about this week's reminder of somebody who has not checked in yet.

    *since* is when they joined or chose this slot: what was due before is none of theirs. A bot
    that was away reminds up to twelve hours late and never of a week that is over.
    """
    if not slot.has_come(now):
        return "wait"
    moment = slot.moment(slot.week(now))
    return "skip" if moment <= since or now - moment > LATEST else "remind"


def iso_week(week: date) -> str:
    """Such as ``2026-W48``."""
    return f"{week:%G-W%V}"
