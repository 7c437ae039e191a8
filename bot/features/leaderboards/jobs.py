"""What an admin reads about submissions that wait, run or are stuck."""

from sqlalchemy import func, select

from bot.community.facts import JobLine, JobLines
from bot.features.leaderboards import deadlines
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.models import GIVEN, Benchmark, State, Submission
from bot.kit.work import Work
from runner.contract import Limits

_MOST = 20  #: that are named one by one
_SHOWN = (State.QUEUED, State.DISPATCHED, State.RUNNING, State.FAILED)


@feature.on(JobLines)
async def tell_jobs(work: Work, asked: JobLines) -> None:
    """A line a queue, and one for each submission that somebody should look at."""
    rows = await work.session.execute(
        select(Submission.queue, Submission.state, func.count())
        .where(Submission.state.in_(_SHOWN))
        .group_by(Submission.queue, Submission.state)
        .order_by(Submission.queue)
    )
    queues: dict[str, dict[str, int]] = {}
    for queue, state, count in rows:
        queues.setdefault(queue, {})[state] = count
    for queue, counts in queues.items():
        words = " · ".join(f"{state} {counts.get(state, 0)}" for state in _SHOWN)
        asked.lines.append(JobLine(f"Submissions on {queue}", words))
    given = await work.session.execute(
        select(Submission, Benchmark.limits)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(Submission.state.in_(GIVEN))
        .order_by(Submission.position)
    )
    stuck = [
        submission
        for submission, limits in given
        if deadlines.is_overdue(
            submission.started_at or submission.dispatched_at,
            Limits.model_validate(limits),
            now=work.now,
        )
    ]
    for submission in stuck[:_MOST]:
        state = f"{submission.state}, attempt {submission.attempt}"
        asked.lines.append(JobLine(f"Submission {submission.id}", state, stuck=True))
