"""Finds what got lost on the way: between our rows and the engine, and between them and the desk."""

from datetime import timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from bot.features.leaderboards import (
    analyses,
    attempts,
    claims,
    deadlines,
    endings,
    line,
    live,
    unserved,
)
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.models import (
    GIVEN,
    RANKING,
    Benchmark,
    Purpose,
    State,
    Submission,
)
from bot.kit import outbox
from bot.kit.work import Work
from runner.contract import Failure, Limits

_log = structlog.get_logger(__name__)
GAVE_UP = Failure(
    code="E_RUNNER_LOST",
    ours=True,
    problem="Our runner was lost three times while it scored this model.",
    expected="a score",
    got="three attempts without an end",
    fix="This was our fault and cost you nothing. The moderators know; submit it again later.",
)


@feature.schedule(
    "sweep", "Look for submissions that got lost on the way", every=timedelta(seconds=5)
)
async def sweep(work: Work) -> None:
    """Compare the rows with the engine: what it does not know gets a new attempt."""
    await unserved.mark(work)
    given = (
        await work.session.scalars(select(Submission).where(Submission.state.in_(GIVEN)))
    ).all()
    await _start_forgotten(work)
    await _ask_forgotten(work)
    if not given:
        return
    on_the_way = await outbox.jobs_on_the_way(work.session)
    judged = [s for s in given if s.job not in on_the_way]
    try:
        # In this order: what ends between the two is not alive any more, and has its end in our rows.
        taken = await work.services.engine.taken([s.job for s in judged]) if judged else set()
        alive = await work.services.engine.alive([s.job for s in judged]) if judged else set()
    except ConnectionError:
        _log.warning("sweep.engine_away")
        return
    for submission, job in [(s, s.job) for s in judged]:
        if job not in alive:
            await _start_anew(work, submission, job, reason="not alive")
        elif job in taken and await _begins_or_is_late(work, submission, job):
            await _start_anew(work, submission, job, reason="overdue")


async def _begins_or_is_late(work: Work, submission: Submission, job: str) -> bool:
    """Note that a runner has it, if it did not say so itself; whether it has had it for too long."""
    if submission.state == State.DISPATCHED:
        await work.session.refresh(submission, with_for_update=True)
        if submission.job == job:
            await attempts.begin(work, submission)
        return False
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    limits = Limits.model_validate(benchmark.limits)
    return deadlines.is_overdue(submission.started_at, limits, now=work.now)


async def _start_anew(work: Work, submission: Submission, job: str, *, reason: str) -> None:
    # Its outcome may have been applied while we asked: look again, and keep others away.
    await work.session.refresh(submission, with_for_update=True)
    if submission.state not in GIVEN or submission.job != job:
        return
    # A job that no runner had begun was lost by a restart, not by what is in it.
    lost = submission.state == State.RUNNING
    _log.warning(
        "evaluation.lost", submission=submission.id, attempt=submission.attempt, reason=reason
    )
    if await line.try_again(work, submission, lost=lost):
        await live.show(work, submission)
    else:
        await endings.fail(work, submission, GAVE_UP)


@feature.schedule(
    "line", "Tell those who wait in the line how it moves", every=timedelta(seconds=5)
)
async def tell_places(work: Work) -> None:
    await live.move_up(work)


async def _start_forgotten(work: Work) -> None:
    """Hand over waiting ones whose member has none out: after a moderator's UPDATE, say.

    Only those are looked at: to look takes a member's turn, and one who hands over a result waits
    for that until this transaction ends.
    """
    out = aliased(Submission)
    rescored = Submission.purpose == Purpose.RESCORE
    has_one_out = (
        select(out.id)
        .where(
            out.state.in_(GIVEN),
            out.lacking == "",
            out.queue == Submission.queue,
            (out.purpose == Purpose.RESCORE) == rescored,
            rescored | (func.coalesce(out.member_id, 0) == func.coalesce(Submission.member_id, 0)),
        )
        .exists()
    )
    heads = await work.session.scalars(
        select(Submission)
        .where(Submission.state == State.QUEUED, Submission.lacking == "", ~has_one_out)
        .order_by(rescored, Submission.position)
        .limit(200)
    )
    seen = set()
    for submission in heads.all():
        is_rescored = submission.purpose == Purpose.RESCORE
        turn = (submission.queue, is_rescored, None if is_rescored else submission.member_id)
        if turn not in seen:
            seen.add(turn)
            await line.dispatch_next(work, submission)


async def _ask_forgotten(work: Work) -> None:
    """Ask the desk again for what waits for it without an errand: a claim of an older bot, say."""
    waiting = await work.session.scalars(
        select(Submission).where(Submission.state == State.SCORING).limit(200)
    )
    for submission in waiting.all():
        if submission.purpose in RANKING:
            await claims.ask_next(work, submission)
        else:
            await analyses.ask_again(work, submission)
