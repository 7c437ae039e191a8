"""A benchmark never changes: another dataset, metric or version of it is a new one, and its old board stays."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.leaderboards import benchmarks, line
from bot.features.leaderboards.metrics import METRICS, refuse_old_version, refuse_other_task
from bot.features.leaderboards.models import (
    RANKING,
    WAITING,
    Benchmark,
    Purpose,
    State,
    Submission,
)
from bot.kit.command import Refusal, Upload
from bot.kit.work import Work


async def create(
    session: AsyncSession,
    old: Benchmark,
    *,
    dataset: str | None,
    metric: str | None,
    why: str,
    now: datetime,
) -> Benchmark:
    """A new version of *old*, which takes no more models from now on.

    Raises:
        Refusal: Nothing is new, the dataset is unknown or of another task.
    """
    found = await benchmarks.find_dataset(session, dataset or old.dataset_key or "")
    metric = metric or old.metric
    if found.manifest["task"] != old.task:
        raise Refusal(
            "That dataset is of another task: it would be another benchmark.",
            code="E_DATASET",
            expected=f"a dataset for {old.task}",
            got=f"{found.key}, for {found.manifest['task']}",
            fix="Open one with /benchmark create.",
            field="dataset",
        )
    refuse_other_task(old.task, metric)
    version = METRICS[metric].version
    if (found.key, metric, version) == (old.dataset_key, old.metric, old.metric_version):
        raise Refusal(
            "That would be the same benchmark again.",
            code="E_SAME",
            expected="another dataset version, another metric or a newer version of it",
            got=f"{found.key} by {metric}, version {version}",
        )
    newest = await session.scalar(
        select(func.max(Benchmark.version)).filter_by(community_id=old.community_id, name=old.name)
    )
    made = Benchmark(
        community_id=old.community_id,
        name=old.name,
        version=(newest or old.version) + 1,
        title=old.title,
        task=old.task,
        dataset_key=found.key,
        metric=metric,
        metric_version=version,
        why=why or old.why,
        rules=old.rules,
        per_day=old.per_day,
        queue=old.queue,
        limits=old.limits,
        formats=old.formats,
        minimum_tier=old.minimum_tier,
        frame=old.frame,
        created_at=now,
    )
    session.add(made)
    old.frozen_at = old.frozen_at or now
    await session.flush()
    return made


async def before(session: AsyncSession, benchmark: Benchmark) -> Benchmark:
    """The version before *benchmark*. Raises Refusal where there is none."""
    found: Benchmark | None = await session.scalar(
        select(Benchmark)
        .where(
            Benchmark.community_id == benchmark.community_id,
            Benchmark.name == benchmark.name,
            Benchmark.version < benchmark.version,
        )
        .order_by(Benchmark.version.desc())
        .limit(1)
    )
    if found is None:
        raise Refusal(
            f"{benchmark.title} has no earlier version, so nothing is to be scored again.",
            code="E_VERSION",
            expected="a benchmark with an earlier version",
            fix="Make a new version with /leaderboard create.",
        )
    return found


async def to_rescore(session: AsyncSession, old: Benchmark, new: Benchmark) -> list[Submission]:
    """Entries of *old*, in their order, that are not on *new* yet nor on their way to it."""
    known = select(Submission.origin_id).where(
        Submission.benchmark_id == new.id,
        Submission.origin_id.is_not(None),
        Submission.state.in_((*WAITING, State.SCORED, State.WITHDRAWN)),
    )
    rows = await session.scalars(
        select(Submission)
        .where(
            Submission.benchmark_id == old.id,
            Submission.purpose.in_(RANKING),
            Submission.state == State.SCORED,
            Submission.id.not_in(known),
        )
        .order_by(Submission.position, Submission.accepted_at)
    )
    return list(rows.all())


async def rescore(work: Work, old: Benchmark, new: Benchmark) -> int:
    """Put every entry of *old* in the line for *new*, behind all that members hand in.

    Raises Refusal where *new* is by a version of its metric that is computed no more.
    """
    refuse_old_version(new.metric, new.metric_version, benchmark=new.name)
    entries = await to_rescore(work.session, old, new)
    last = None
    for entry in entries:
        last = await line.add(
            work,
            new,
            Upload(name=entry.file_name, sha256=entry.sha256, size=entry.size),
            member_id=entry.member_id,
            baseline=entry.baseline,
            notes=entry.notes,
            purpose=Purpose.RESCORE,
            origin=entry,
        )
    if last is not None:
        await line.dispatch_next(work, last)
    return len(entries)


async def waiting(session: AsyncSession, benchmark: Benchmark) -> int:
    """Re-scorings that have no end yet."""
    found = await session.scalar(
        select(func.count()).where(
            Submission.benchmark_id == benchmark.id,
            Submission.purpose == Purpose.RESCORE,
            Submission.state.in_(WAITING),
        )
    )
    return found or 0
