"""When an attempt has taken too long, whatever its runner says. Pure.

A runner keeps the limits of a benchmark itself. One that hangs, or lies, beats all the same: so the
bot, by its own clock, gives nobody longer than an honest runner can need.
"""

from datetime import datetime, timedelta

from runner.contract import GRACE_SECONDS, TRANSFER_SECONDS, Limits

#: a process that is slow to start, a short outage before the end can be reported, clocks
_SPARE_SECONDS = 120


def longest(limits: Limits) -> timedelta:
    """What an honest runner can need for one attempt, with fetching the images the first time."""
    seconds = limits.wall_seconds + GRACE_SECONDS + TRANSFER_SECONDS + _SPARE_SECONDS
    return timedelta(seconds=seconds)


def is_overdue(since: datetime | None, limits: Limits, *, now: datetime) -> bool:
    """Whether what began *since* should long have ended."""
    return since is not None and now - since > longest(limits)
