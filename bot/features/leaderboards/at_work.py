"""What an admin sees of the submissions behind the runners: who is on what, what waits, how well it runs."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.facts import JobAtWork, QueueLine, RunnersAsked
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.live import STAGES
from bot.features.leaderboards.models import GIVEN, Benchmark, State, Submission
from bot.features.leaderboards.unserved import queue_of_kind
from bot.kit.work import Work
from runner.contract import Stage

_RECENT = 200  #: scored submissions whose efficiency is looked at
_SHORTEST = 0.1  #: seconds of predicting; in less, efficiency cannot be measured


@feature.on(RunnersAsked)
async def tell_of_runners(work: Work, asked: RunnersAsked) -> None:
    asked.jobs.update(await _jobs(work.session, asked.keys))
    asked.queues.extend(await waiting_by_queue(work.session))
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


async def waiting_by_queue(session: AsyncSession) -> list[QueueLine]:
    """What waits for a runner, by the engine's names of queues; longest line first."""
    kinds = (Submission.queue, Submission.format, Submission.purpose, Benchmark.minimum_tier)
    rows = await session.execute(
        select(*kinds, func.count(), func.min(Submission.accepted_at))
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(Submission.state.in_((State.QUEUED, State.DISPATCHED)))
        .group_by(*kinds)
    )
    lines: dict[str, tuple[int, datetime]] = {}
    for *kind, count, oldest in rows:
        queue = queue_of_kind(*kind)
        before, since = lines.get(queue, (0, oldest))
        lines[queue] = (before + count, min(since, oldest))
    found = [QueueLine(queue, count, oldest) for queue, (count, oldest) in lines.items()]
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
