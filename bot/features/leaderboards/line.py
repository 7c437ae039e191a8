"""The line in which submissions wait. It is kept here, in rows; the engine only carries.

At most one job per member and queue is with the engine. When it ends, that member's next one
follows, behind what others handed in meanwhile: so the order is round robin and nobody starves.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, time
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.models import Member
from bot.features.leaderboards.benchmarks import manifest_of
from bot.features.leaderboards.models import GIVEN, WAITING, Benchmark, State, Submission
from bot.kit import outbox
from bot.kit.command import Refusal, Upload
from bot.kit.work import Work
from runner.contract import Blob, Evaluation, Limits

MOST_ATTEMPTS = 20  #: whatever ended them; nothing is tried for ever
MOST_LOSSES = 3  #: attempts ended by faults of ours, before we give up and say so
TRIES_PER_SCORE = 5  #: submissions a day for each that may be scored: a cap on abuse, not a quota
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is misread aloud
_DEFAULT_SECONDS = 3.0  # of an evaluation, before any was measured


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


async def enter(
    work: Work,
    benchmark: Benchmark,
    file: Upload,
    *,
    member_id: int | None = None,
    baseline: str | None = None,
    notes: str = "",
) -> Submission:
    """Put a model in the line, and hand it to the engine if its member has none there."""
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
        queue=benchmark.queue,
        token=secrets.token_hex(16),
        state=State.QUEUED,
        accepted_at=work.now,
    )
    work.session.add(submission)
    await work.session.flush()
    await dispatch_next(work, submission)
    return submission


async def dispatch_next(work: Work, like: Submission) -> Submission | None:
    """Hand over the first waiting submission of the same member and queue, unless one is out."""
    await take_turn(work.session, like.member_id)
    mine = (
        Submission.member_id == like.member_id
        if like.member_id is not None
        else Submission.member_id.is_(None),
        Submission.queue == like.queue,
    )
    if await work.session.scalar(
        select(Submission.id).where(*mine, Submission.state.in_(GIVEN)).limit(1)
    ):
        return None
    waiting = (
        select(Submission)
        .where(*mine, Submission.state == State.QUEUED)
        .order_by(Submission.position, Submission.accepted_at)
        .limit(1)
    )
    following = await work.session.scalar(waiting.with_for_update())
    if following is not None:
        await hand_over(work, following)
    return following


async def hand_over(work: Work, submission: Submission) -> None:
    """Write the current attempt's job into the outbox."""
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    manifest = await manifest_of(work.session, benchmark)
    assert manifest is not None, "only open benchmarks take submissions"
    files = work.services.files
    evaluation = Evaluation(
        submission=submission.id,
        attempt=submission.attempt,
        token=submission.token,
        task=benchmark.task,  # pydantic checks it
        model=Blob(
            sha256=submission.sha256,
            size=submission.size,
            url=files.path(submission.sha256).as_uri(),
        ),
        dataset=manifest.key,
        datasets=(work.services.data / "datasets").as_uri(),
        splits=tuple(s.split for s in manifest.splits if s.split != "train"),
        artifacts=files.root.as_uri(),
        metric_version=benchmark.metric_version,
        limits=Limits.model_validate(benchmark.limits),
    )
    submission.state, submission.dispatched_at = State.DISPATCHED, work.now
    submission.stage, submission.done, submission.started_at = None, 0.0, None
    await outbox.put_job(
        work.session,
        key=submission.job,
        queue=submission.queue,
        lock=str(submission.member_id or "baselines"),
        payload=evaluation.model_dump_json(),
        now=work.now,
    )


async def try_again(work: Work, submission: Submission, *, lost: bool) -> bool:
    """Begin a new attempt: the old one's token is void from here on. False when it is enough."""
    submission.losses += lost
    if submission.losses >= MOST_LOSSES or submission.attempt >= MOST_ATTEMPTS:
        return False
    await outbox.put_cancel(work.session, key=submission.job, now=work.now)
    submission.attempt += 1
    submission.token = secrets.token_hex(16)
    await work.session.flush()
    await hand_over(work, submission)
    return True


@dataclass(frozen=True)
class Waiting:
    """How long it may take until a submission's turn."""

    ahead: int
    seconds: float


async def waiting(session: AsyncSession, submission: Submission, *, runners: int = 1) -> Waiting:
    """How many are ahead in the queue, and how long they may take: the median of the last 20."""
    ahead = await session.scalar(
        select(func.count()).where(
            Submission.queue == submission.queue,
            Submission.state.in_(WAITING),
            Submission.position < submission.position,
        )
    )
    spent = await _last_seconds(session, submission.queue)
    return Waiting(
        ahead or 0, (ahead or 0) * (median(spent) if spent else _DEFAULT_SECONDS) / max(1, runners)
    )


async def _last_seconds(session: AsyncSession, queue: str) -> list[float]:
    rows = await session.execute(
        select(Submission.dispatched_at, Submission.finished_at)
        .where(
            Submission.queue == queue,
            Submission.state == State.SCORED,
            Submission.dispatched_at.is_not(None),
        )
        .order_by(Submission.finished_at.desc())
        .limit(20)
    )
    return [(end - start).total_seconds() for start, end in rows if start and end]
