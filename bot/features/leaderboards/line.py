"""The line in which submissions wait. It is kept here, in rows; the engine only carries.

At most one job per member and queue is with the engine. When it ends, that member's next one
follows, behind what others handed in meanwhile: so the order is round robin and nobody starves.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.models import Member
from bot.features.leaderboards import unserved
from bot.features.leaderboards.evaluations import evaluation_of
from bot.features.leaderboards.models import (
    GIVEN,
    WAITING,
    Benchmark,
    Purpose,
    State,
    Submission,
)
from bot.kit import outbox
from bot.kit.command import Refusal, Upload
from bot.kit.message import Place
from bot.kit.work import Work
from runner.contract import Declared, Format

MOST_ATTEMPTS = 20  #: whatever ended them; nothing is tried for ever
MOST_LOSSES = 3  #: attempts ended by faults of ours, before we give up and say so
TRIES_PER_SCORE = 5  #: submissions a day for each that may be scored: a cap on abuse, not a quota
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is misread aloud


def new_id() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(8))


def day_start(now: datetime, zone: str) -> datetime:
    """Midnight, where the member is: a day's quota is a day of theirs."""
    local = now.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date(), time(), tzinfo=ZoneInfo(zone))


@dataclass(frozen=True)
class Quota:
    """What a member has used of a day on a benchmark."""

    used: int  #: scored or on the way to it
    tried: int  #: all that were accepted
    per_day: int

    @property
    def left(self) -> int:
        return max(0, self.per_day - self.used)


async def quota(
    session: AsyncSession, benchmark: Benchmark, member_id: int, *, since: datetime
) -> Quota:
    """Only scores use a day up, and what may become one; failures cost nothing."""
    rows = await session.execute(
        select(Submission.state, func.count())
        .where(
            Submission.benchmark_id == benchmark.id,
            Submission.member_id == member_id,
            Submission.accepted_at >= since,
            Submission.purpose == Purpose.SCORE,
        )
        .group_by(Submission.state)
    )
    counts = {State(state): count for state, count in rows}
    spends = (*WAITING, State.SCORED, State.WITHDRAWN)
    return Quota(sum(counts.get(s, 0) for s in spends), sum(counts.values()), benchmark.per_day)


def refuse_over(quota: Quota, benchmark: Benchmark, *, tomorrow: datetime) -> None:
    """Raise a Refusal when nothing is left of a day."""
    if quota.left and quota.tried < benchmark.per_day * TRIES_PER_SCORE:
        return
    many = not quota.left
    raise Refusal(
        "That is all for today on this benchmark." if many else "That were many tries for one day.",
        code="E_QUOTA",
        expected=f"at most {benchmark.per_day} scored a day"
        if many
        else f"at most {benchmark.per_day * TRIES_PER_SCORE} submissions a day, failed ones included",
        got=f"{quota.used} scored or waiting" if many else f"{quota.tried} submissions",
        fix=f"Your next day begins at {tomorrow:%H:%M} on {tomorrow:%A}. On the dev split you can measure as often as you like, at home.",
    )


async def take_turn(session: AsyncSession, member_id: int | None) -> None:
    """Let one transaction at a time count and move a member's submissions.

    SQLite has one writer anyway; on Postgres two commands at once would both find the quota free.
    """
    if member_id is not None:
        await session.execute(select(Member.id).filter_by(id=member_id).with_for_update())


async def enter(work: Work, benchmark: Benchmark, file: Upload, **given: Any) -> Submission:
    """Put a model in the line, and hand it to the engine if its member has none there."""
    submission = await add(work, benchmark, file, **given)
    await dispatch_next(work, submission)
    return submission


async def add(
    work: Work,
    benchmark: Benchmark,
    file: Upload,
    *,
    member_id: int | None = None,
    baseline: str | None = None,
    notes: str = "",
    place: Place | None = None,
    purpose: Purpose = Purpose.SCORE,
    origin: Submission | None = None,
    options: dict[str, str] | None = None,
    config: str = "",
    format: Format = "onnx",
    declared: Declared | None = None,
) -> Submission:
    """Put a model in the line, for `dispatch_next` to find.

    What runs another submission's model again (*origin*) takes its format and its contract over.
    """
    last = await work.session.scalar(select(func.max(Submission.position))) or 0
    submission = Submission(
        id=new_id(),
        position=last + 1,
        benchmark_id=benchmark.id,
        member_id=member_id,
        baseline=baseline,
        file_name=file.name[-100:],
        sha256=file.sha256,
        size=file.size,
        notes=notes,
        place=place.model_dump() if place else None,
        queue=benchmark.queue,
        token=secrets.token_hex(16),
        state=State.QUEUED,
        accepted_at=work.now,
        purpose=purpose,
        origin_id=origin.id if origin else None,
        options=options or {},
        config=origin.config if origin else config,
        format=origin.format if origin else format,
        declared=origin.declared if origin else (declared or Declared()).model_dump(),
    )
    submission.lacking = await unserved.known(work.session, submission, benchmark)
    work.session.add(submission)
    await work.session.flush()
    return submission


def _same_turn(like: Submission) -> tuple[Any, ...]:
    """Whose turn a submission takes: its member's; all re-scorings share one."""
    if like.purpose == Purpose.RESCORE:
        return (Submission.purpose == Purpose.RESCORE, Submission.queue == like.queue)
    return (
        Submission.member_id == like.member_id
        if like.member_id is not None
        else Submission.member_id.is_(None),
        Submission.purpose != Purpose.RESCORE,
        Submission.queue == like.queue,
    )


async def dispatch_next(work: Work, like: Submission) -> Submission | None:
    """Hand over the first waiting submission of the same member and queue, unless one is out.

    When nobody else waits or runs there, the next re-scoring follows instead.
    """
    await take_turn(work.session, like.member_id)
    mine = _same_turn(like)
    if await _one_out(work.session, *mine):
        return None
    if like.purpose == Purpose.RESCORE and await _one_out(
        work.session,
        Submission.queue == like.queue,
        states=(State.QUEUED, *GIVEN),
        but_rescored=True,
    ):
        return None
    following = await _head(work.session, *mine)
    if following is not None:
        await hand_over(work, following)
    elif like.purpose != Purpose.RESCORE and (head := await _rescored_head(work.session, like)):
        await dispatch_next(work, head)
    return following


async def _one_out(
    session: AsyncSession,
    *of: Any,
    states: tuple[State, ...] = GIVEN,
    but_rescored: bool = False,
) -> bool:
    """Whether one of those is with the engine, or in another of *states*."""
    # One that no runner can do for now holds up nothing.
    can = Submission.lacking == ""
    found = select(Submission.id).where(*of, can, Submission.state.in_(states)).limit(1)
    if but_rescored:
        found = found.where(Submission.purpose != Purpose.RESCORE)
    return await session.scalar(found) is not None


async def _head(session: AsyncSession, *of: Any) -> Submission | None:
    """The first of those that waits for its turn; re-scorings of a paused benchmark do not."""
    paused = select(Benchmark.id).where(Benchmark.paused)
    found: Submission | None = await session.scalar(
        select(Submission)
        .where(
            *of,
            Submission.state == State.QUEUED,
            Submission.lacking == "",
            (Submission.purpose != Purpose.RESCORE) | Submission.benchmark_id.not_in(paused),
        )
        .order_by(Submission.position, Submission.accepted_at)
        .limit(1)
        .with_for_update()
    )
    return found


async def _rescored_head(session: AsyncSession, like: Submission) -> Submission | None:
    return await _head(
        session, Submission.purpose == Purpose.RESCORE, Submission.queue == like.queue
    )


async def hand_over(work: Work, submission: Submission, *, after: timedelta = timedelta()) -> None:
    """Write the current attempt's job into the outbox, to leave *after* a pause."""
    evaluation = await evaluation_of(work, submission)
    submission.state, submission.dispatched_at = State.DISPATCHED, work.now
    submission.stage, submission.done, submission.started_at = None, 0.0, None
    submission.claim = None
    await outbox.put_job(
        work.session,
        key=submission.job,
        queue=submission.queue,
        lock=lock_of(submission),
        payload=evaluation.model_dump_json(),
        now=work.now + after,
    )


def lock_of(submission: Submission) -> str:
    """Jobs of one lock run one after another."""
    if submission.purpose == Purpose.RESCORE:
        return "rescoring"
    return str(submission.member_id or "baselines")


async def try_again(
    work: Work, submission: Submission, *, lost: bool, after: timedelta = timedelta()
) -> bool:
    """Begin a new attempt: the old one's token is void from here on. False when it is enough."""
    submission.losses += lost
    # The last one too: left with a dead runner, it would hold its member's lock for ever.
    await outbox.put_cancel(work.session, key=submission.job, now=work.now)
    if submission.losses >= MOST_LOSSES or submission.attempt >= MOST_ATTEMPTS:
        return False
    submission.attempt += 1
    submission.token = secrets.token_hex(16)
    await work.session.flush()
    await hand_over(work, submission, after=after)
    return True
