"""How long somebody has kept going: pure rules over dates of the member's own zone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Away:
    """The days from ``begins`` up to ``until``, on which the member is back."""

    begins: date
    until: date

    def covers(self, day: date) -> bool:
        return self.begins <= day < self.until

    def touches(self, week: date) -> bool:
        """Whether it covers any day of the week that begins on the Monday *week*."""
        return max(self.begins, week) < min(self.until, week + WEEK)


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def streak(weeks: Iterable[date], pauses: Iterable[Away], today: date) -> int:
    """Count the weeks with a check-in (*weeks* are Mondays) up to the last break before *today*.

    A week without one breaks the streak unless it is not over yet or a pause touches it. Weeks
    later than today's are those of somebody who moved west just after a Monday began.
    """
    said, away = set(weeks), tuple(pauses)
    if not said:
        return 0
    this = monday(today)
    week, length = max(*said, this), 0
    while week >= min(said):
        if week in said:
            length += 1
        elif week < this and not any(pause.touches(week) for pause in away):
            break
        week -= WEEK
    return length


def last_weeks(
    weeks: Iterable[date], pauses: Iterable[Away], today: date, *, most: int = 12
) -> list[tuple[date, bool]]:
    """The weeks from the first check-in on, newest first, and whether a pause excuses each.

    At most *most* of them.
    """
    said, away = set(weeks), tuple(pauses)
    newest = max(*said, monday(today)) if said else monday(today)
    shown = [newest - n * WEEK for n in range(most)]
    return [(w, any(p.touches(w) for p in away)) for w in shown if said and w >= min(said)]
