"""How an attempt begins, and when it has taken too long, whatever its runner says.

A runner keeps the limits of a benchmark itself. One that hangs, or lies, beats all the same: so the
bot, by its own clock, gives nobody longer than an honest runner can need.
"""

from datetime import datetime, timedelta

from bot.features.leaderboards import first_look
from bot.features.leaderboards.models import State, Submission
from bot.kit.work import Work
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


async def begin(work: Work, submission: Submission) -> None:
    """Note that a runner has the attempt; its time runs from here."""
    if submission.state == State.DISPATCHED:
        submission.state, submission.started_at = State.RUNNING, work.now
        submission.lacking = ""
        await first_look.spare(work, submission)
