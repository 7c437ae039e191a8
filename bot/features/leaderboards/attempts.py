"""How an attempt begins."""

from bot.features.leaderboards import first_look
from bot.features.leaderboards.models import State, Submission
from bot.kit.work import Work


async def begin(work: Work, submission: Submission) -> None:
    """Note that a runner has the attempt; its time runs from here."""
    if submission.state == State.DISPATCHED:
        submission.state, submission.started_at = State.RUNNING, work.now
        submission.lacking = ""
        await first_look.spare(work, submission)
