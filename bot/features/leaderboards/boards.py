"""Reads boards and submissions for whoever wants to see them. Changes nothing."""

from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.models import Member
from bot.features.leaderboards.metrics import METRICS
from bot.features.leaderboards.models import (
    RANKING,
    WAITING,
    Benchmark,
    Board,
    Purpose,
    Score,
    State,
    Submission,
)
from bot.features.leaderboards.ranking import Entry, Placed, Standing, place, standing
from bot.kit.command import Choice, Refusal, Role
from bot.kit.work import Context
from runner.contract import Outcome
from runner.errands import Made, Ranking


async def board(session: AsyncSession, benchmark: Benchmark) -> Standing:
    """Everybody's best on the board split, in the places that were last computed."""
    row = await session.get(Board, benchmark.id)
    ranking = Ranking.model_validate(row.ranking) if row else None
    return standing(await entries(session, benchmark), ranking)


async def entries(session: AsyncSession, benchmark: Benchmark) -> list[Entry]:
    """All that counts on a board. What does not count is not in it: its score would leak."""
    rows = await session.execute(
        select(
            Submission.id,
            Submission.member_id,
            Submission.baseline,
            Submission.released,
            Submission.size,
            Submission.report["speed"]["p50_ms"].as_float(),
            Submission.report["model"]["memory_mb"].as_integer(),
            Submission.report["tier"].as_string(),
            Score.low,
            Score.high,
            Member.name,
        )
        .outerjoin(
            Score,
            (Score.submission_id == Submission.id)
            & (Score.split == "board")
            & (Score.metric == benchmark.metric),
        )
        .outerjoin(Member, Member.id == Submission.member_id)
        .where(
            Submission.benchmark_id == benchmark.id,
            Submission.purpose.in_(RANKING),
            Submission.state == State.SCORED,
            Submission.counts.is_(True),
        )
    )
    return [
        Entry(
            submission=id_,
            who=name or f"baseline {baseline}",
            member_id=member_id,
            value=released,
            low=low,
            high=high,
            p50_ms=p50,
            size=size,
            memory_mb=memory,
            unsandboxed=tier == "none",
        )
        for id_, member_id, baseline, released, size, p50, memory, tier, low, high, name in rows
    ]


async def by_dev(session: AsyncSession, benchmark: Benchmark, stands: Standing) -> Standing:
    """The entries of a board, and no others, by what they reach on dev. Equal values tie.

    Of what does not count nobody else reads anything, of dev neither.
    """
    rows = await session.scalars(
        select(Score).where(
            Score.submission_id.in_([p.entry.submission for p in stands.placed]),
            Score.split == "dev",
            Score.metric == benchmark.metric,
        )
    )
    on_dev = {row.submission_id: row for row in rows}
    entries = [
        replace(p.entry, value=score.value, low=score.low, high=score.high)
        for p in stands.placed
        if (score := on_dev.get(p.entry.submission))
    ]
    front = {p.entry.submission: p.front for p in stands.placed}
    placed = (replace(p, front=front[p.entry.submission]) for p in place(entries))
    return replace(stands, placed=tuple(placed), tested=False)


@dataclass(frozen=True)
class Card:
    """All that a result card shows. ``scores`` is split → metric → Score.

    Shadow is never in it, nor the board of what does not count: neither reaches a template.
    """

    submission: Submission
    benchmark: Benchmark
    who: str
    outcome: Outcome | None  #: its scores are as ``scores``
    scores: dict[str, dict[str, Score]]
    placed: Placed | None  #: where this very submission stands; None: not, or not yet
    standing: Standing
    best: float | None  #: what was shown for its team before it
    page: Made | None  #: picture and report, when they are drawn
    origin: Submission | None = None  #: whose model it is, of an analysis

    @property
    def dev(self) -> list[Score]:
        """What dev says, the ranking metric first, the others in the order of METRICS."""
        order = [self.benchmark.metric, *METRICS]
        return sorted(
            (s for s in self.scores.get("dev", {}).values() if s.metric in order),
            key=lambda s: order.index(s.metric),
        )

    @property
    def on_board(self) -> int:
        return len(self.standing.placed)


def shown_splits(submission: Submission) -> tuple[str, ...]:
    """Splits whose figures may be said of it."""
    return ("dev", "board") if submission.counts else ("dev",)


async def card(session: AsyncSession, submission: Submission) -> Card:
    benchmark = await session.get_one(Benchmark, submission.benchmark_id)
    member = await session.get(Member, submission.member_id) if submission.member_id else None
    splits = shown_splits(submission)
    rows = await session.scalars(
        select(Score).where(Score.submission_id == submission.id, Score.split.in_(splits))
    )
    scores: dict[str, dict[str, Score]] = {}
    for score in rows:
        if score.split == "dev" or score.metric == benchmark.metric:
            scores.setdefault(score.split, {})[score.metric] = score
    outcome = Outcome.model_validate(submission.report) if submission.report else None
    best = outcome.verdict.best if outcome and outcome.verdict else None
    if outcome:
        kept = tuple(s for s in outcome.scores if s.split in splits)
        outcome = outcome.model_copy(update={"scores": kept})
    stands = await board(session, benchmark)
    origin = await session.get(Submission, submission.origin_id) if submission.origin_id else None
    return Card(
        submission=submission,
        benchmark=benchmark,
        who=member.name if member else f"baseline {submission.baseline}",
        outcome=outcome,
        scores=scores,
        placed=stands.of(submission.id),
        standing=stands,
        best=best,
        page=Made.model_validate(submission.page) if submission.page else None,
        origin=origin,
    )


async def own_submission(ctx: Context, id: str) -> Submission:
    """The member's own submission of that id; without one, the newest that has a score.

    A baseline is every moderator's.

    Raises:
        Refusal: There is none, or it is somebody else's.
    """
    if not id.strip():
        return await _newest_scored(ctx)
    submission = await ctx.session.get(Submission, id.strip().lower())
    if submission is not None and submission.baseline and ctx.role >= Role.MODERATOR:
        return submission
    if submission is None or submission.member_id != ctx.member.id:
        raise Refusal(
            f"You have no submission {id[:20]}."
            if submission is None
            else f"Submission {submission.id} is somebody else's.",
            code="E_SUBMISSION",
            expected="the id of one of your submissions",
            fix="Type /model status to see them.",
            field="submission",
        )
    return submission


async def _newest_scored(ctx: Context) -> Submission:
    found: Submission | None = await ctx.session.scalar(
        select(Submission)
        .where(
            Submission.member_id == ctx.member.id,
            Submission.purpose == Purpose.SCORE,
            Submission.state == State.SCORED,
        )
        .order_by(Submission.position.desc())
        .limit(1)
    )
    if found is None:
        raise Refusal(
            "You have no scored submission yet.",
            code="E_SUBMISSION",
            expected="a submission of yours that has a score",
            fix="Hand a model in with /model submit, and ask again when its card is here.",
            field="submission",
        )
    return found


async def recent(
    session: AsyncSession, member_id: int, *, limit: int = 10
) -> list[tuple[Submission, Benchmark]]:
    """A member's last submissions, newest first; analyses and re-scorings are no submissions."""
    rows = await session.execute(
        select(Submission, Benchmark)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(Submission.member_id == member_id, Submission.purpose == "score")
        .order_by(Submission.position.desc())
        .limit(limit)
    )
    return [(s, b) for s, b in rows]


async def open_ones(session: AsyncSession, community_id: int) -> list[Benchmark]:
    """All benchmarks with a board, the newest versions first."""
    rows = await session.scalars(
        select(Benchmark)
        .where(Benchmark.community_id == community_id, Benchmark.dataset_key.is_not(None))
        .order_by(Benchmark.version.desc(), Benchmark.name)
    )
    return list(rows.all())


async def suggest_own(ctx: Context, text: str) -> list[Choice]:
    return [
        Choice(s.id, f"{s.id} · {b.name} · {s.file_name} · {s.state}"[:100])
        for s, b in await recent(ctx.session, ctx.member.id, limit=25)
        if text.lower() in s.id
    ]


async def suggest_waiting(ctx: Context, text: str) -> list[Choice]:
    rows = await ctx.session.execute(
        select(Submission, Benchmark.name)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(Submission.member_id == ctx.member.id, Submission.state.in_(WAITING))
        .order_by(Submission.position.desc())
        .limit(25)
    )
    return [
        Choice(s.id, f"{s.id} · {name} · {s.file_name} · {s.purpose}"[:100])
        for s, name in rows
        if text.lower() in s.id
    ]
