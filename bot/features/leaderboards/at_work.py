"""What an admin sees of the submissions behind the runners: who is on what, what waits, how well it runs."""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.facts import JobAtWork, JobCounts, QueueLine, RunnersAsked
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.live import STAGES
from bot.features.leaderboards.models import GIVEN, WAITING, Benchmark, State, Submission
from bot.features.leaderboards.unserved import queue_of_kind
from bot.kit.work import Work
from runner.contract import Stage

_BEFORE = (State.QUEUED, State.DISPATCHED)  #: no runner has begun
_RECENT = 200  #: scored submissions whose efficiency is looked at
_SHORTEST = 0.1  #: seconds of predicting; in less, efficiency cannot be measured


@feature.on(RunnersAsked)
async def tell_of_runners(work: Work, asked: RunnersAsked) -> None:
    asked.jobs.update(await _jobs(work.session, asked.keys))
    counts = JobCounts()
    await count_jobs(work, counts)
    asked.queues.extend(lines_of(counts))
    asked.efficiency.update(await _efficiency(work.session))


async def _jobs(session: AsyncSession, keys: Iterable[str]) -> dict[str, JobAtWork]:
    ids = [key.partition(":")[0] for key in keys]
    rows = await session.execute(
        select(Submission, Benchmark)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(Submission.id.in_(ids), Submission.state.in_(GIVEN))
    )
    return {
        submission.job: JobAtWork(
            f"{submission.id} on {benchmark.label}",
            STAGES[Stage(submission.stage)] if submission.stage else "",
            since,
        )
        for submission, benchmark in rows
        if (since := submission.started_at or submission.dispatched_at)
    }


@feature.on(JobCounts)
async def count_jobs(work: Work, asked: JobCounts) -> None:
    """Add the submissions that have no end yet."""
    kinds = (Submission.queue, Submission.format, Submission.purpose, Benchmark.minimum_tier)
    rows = await work.session.execute(
        select(*kinds, Submission.state, func.count(), func.min(Submission.accepted_at))
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(Submission.state.in_(WAITING))
        .group_by(*kinds, Submission.state)
    )
    for *kind, state, count, oldest in rows:
        queue = queue_of_kind(*kind)
        asked.jobs[queue, state] = asked.jobs.get((queue, state), 0) + count
        if state in _BEFORE:
            asked.oldest[queue] = min(asked.oldest.get(queue, oldest), oldest)


def lines_of(counts: JobCounts) -> list[QueueLine]:
    """What waits for a runner, by the engine's names of queues; longest line first."""
    found = [
        QueueLine(queue, sum(counts.jobs.get((queue, state), 0) for state in _BEFORE), oldest)
        for queue, oldest in counts.oldest.items()
    ]
    return sorted(found, key=lambda q: (-q.waiting, q.queue))


async def _efficiency(session: AsyncSession) -> dict[str, list[float]]:
    """What runners reached of their own limit, newest first, where that could be measured."""
    speed = Submission.report["speed"]
    rows = await session.execute(
        select(
            Submission.report["runner"].as_string(),
            speed["efficiency"].as_float(),
            speed["seconds"].as_float(),
        )
        .where(Submission.state == State.SCORED)
        .order_by(Submission.finished_at.desc())
        .limit(_RECENT)
    )
    found: dict[str, list[float]] = defaultdict(list)
    for runner, share, seconds in rows:
        if share is not None and (seconds or 0.0) >= _SHORTEST:
            found[runner].append(share)
    return dict(found)
