"""What waits for a runner that nobody has connected: said to its member, and once to the moderators.

Such a submission keeps its place. It holds up nothing else of its member, and since its job is with
the engine already, the first runner that can do it takes it at once.
"""

from typing import cast

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.leaderboards import lacks, live
from bot.features.leaderboards.models import RANKING, Benchmark, State, Submission
from bot.kit.work import Work
from runner.contract import Format, Purpose, Tier
from runner.needs import needs_of, queue_name

_log = structlog.get_logger(__name__)
_WAITS = (State.QUEUED, State.DISPATCHED)
_AT_ONCE = 200  #: messages that one sweep changes; the next one does the rest


def queue_of(submission: Submission, benchmark: Benchmark) -> str:
    """The engine's queue for what this submission needs."""
    purpose = "score" if submission.purpose in RANKING else submission.purpose
    return queue_of_kind(submission.queue, submission.format, purpose, benchmark.minimum_tier)


def queue_of_kind(line: str, format: str, purpose: str, minimum_tier: str) -> str:
    """The same for all submissions of a kind."""
    return queue_name(
        line,
        needs_of(
            format=cast("Format", format),
            purpose=cast("Purpose", purpose),
            minimum_tier=cast("Tier", minimum_tier),
        ),
    )


async def known(session: AsyncSession, submission: Submission, benchmark: Benchmark) -> str:
    """The mark of a new submission: that of others which wait for the same, if these have one."""
    queue = queue_of(submission, benchmark)
    found = select(Submission.id).where(Submission.lacking == queue, Submission.state.in_(_WAITS))
    return queue if await session.scalar(found.limit(1)) else ""


async def mark(work: Work) -> None:
    """Ask the engine what no runner takes; mark what waits for that, unmark the rest, and say so."""
    waiting = await _waiting(work.session)
    if not waiting:
        return
    try:
        served = await work.services.engine.served({queue for queue, _ in waiting})
    except ConnectionError:
        return
    for queue, is_served in sorted(served.items()):
        if any(marks != ("" if is_served else queue) for q, marks in waiting if q == queue):
            await _turn(work, queue, lacking=not is_served)


async def _waiting(session: AsyncSession) -> set[tuple[str, str]]:
    """Queues that are waited for, each with the marks that what waits for it bears."""
    kinds = (Submission.queue, Submission.format, Submission.purpose, Benchmark.minimum_tier)
    rows = await session.execute(
        select(*kinds, Submission.lacking, func.count())
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(Submission.state.in_(_WAITS))
        .group_by(*kinds, Submission.lacking)
    )
    return {(queue_of_kind(*kind), mark) for *kind, mark, _ in rows}


async def _turn(work: Work, queue: str, *, lacking: bool) -> None:
    """Mark or unmark what waits for *queue*; moderators hear of one need once a day at most."""
    rows = await work.session.execute(
        select(Submission, Benchmark)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(
            Submission.state.in_(_WAITS),
            Submission.lacking != queue if lacking else Submission.lacking != "",
        )
        .order_by(Submission.position)
        # what ends while we write would read "no runner" for ever
        .with_for_update(of=Submission, skip_locked=True)
    )
    changed = [(s, b) for s, b in rows.all() if queue_of(s, b) == queue][:_AT_ONCE]
    for submission, _ in changed:
        submission.lacking = queue if lacking else ""
    await work.session.flush()
    for submission, _ in changed:
        await live.show(work, submission)
    if not changed or not lacking:
        return
    _log.warning("runners.lacking", queue=queue, submissions=len(changed))
    line, lacking_there = lacks.for_moderators(queue)
    for community in {benchmark.community_id for _, benchmark in changed}:
        await work.post_for(
            "moderators",
            "lacking.md.j2",
            {"line": line, "lacks": lacking_there},
            community_id=community,
            key=f"lacking:{community}:{queue}:{work.now:%Y-%m-%d}",
        )
