"""Reads boards and submissions for whoever wants to see them. Changes nothing."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.models import Member
from bot.features.leaderboards.models import WAITING, Benchmark, Score, State, Submission
from bot.features.leaderboards.ranking import Entry, Placed, best_of_each, place
from bot.kit.command import Choice, Refusal
from bot.kit.work import Context
from runner.contract import Outcome


async def board(session: AsyncSession, benchmark: Benchmark) -> list[Placed]:
    """Everybody's best on the board split, in order."""
    return place(best_of_each(await _entries(session, benchmark)))


async def _entries(session: AsyncSession, benchmark: Benchmark) -> list[Entry]:
    rows = await session.execute(
        select(Submission, Score, Member.name)
        .join(Score, Score.submission_id == Submission.id)
        .outerjoin(Member, Member.id == Submission.member_id)
        .where(
            Submission.benchmark_id == benchmark.id,
            Submission.state == State.SCORED,
            Score.split == "board",
            Score.metric == benchmark.metric,
        )
    )
    return [
        Entry(
            submission=s.id,
            who=name or f"baseline {s.baseline}",
            member_id=s.member_id,
            value=score.value,
            low=score.low,
            high=score.high,
            p50_ms=_speed(s).get("p50_ms"),
            size=s.size,
        )
        for s, score, name in rows
    ]


def _speed(submission: Submission) -> dict[str, Any]:
    return (submission.report or {}).get("speed") or {}


@dataclass(frozen=True)
class Card:
    """All that a result card shows. ``scores`` is split → metric → Score; shadow is never in it."""

    submission: Submission
    benchmark: Benchmark
    who: str
    outcome: Outcome | None
    scores: dict[str, dict[str, Score]]
    placed: Placed | None  #: where this very submission stands, or would
    on_board: int  #: entries on the board
    best_before: Score | None  #: the member's best of the earlier ones


async def card(session: AsyncSession, submission: Submission) -> Card:
    benchmark = await session.get_one(Benchmark, submission.benchmark_id)
    member = await session.get(Member, submission.member_id) if submission.member_id else None
    rows = await session.scalars(
        select(Score).where(Score.submission_id == submission.id, Score.split != "shadow")
    )
    scores: dict[str, dict[str, Score]] = {}
    for score in rows:
        scores.setdefault(score.split, {})[score.metric] = score
    entries = await _entries(session, benchmark)
    others = [
        e
        for e in best_of_each(entries)
        if e.member_id != submission.member_id or e.member_id is None
    ]
    own = next((e for e in entries if e.submission == submission.id), None)
    field = [e for e in others if e.submission != submission.id] + ([own] if own else [])
    placed = next((p for p in place(field) if p.entry is own), None) if own else None
    return Card(
        submission=submission,
        benchmark=benchmark,
        who=member.name if member else f"baseline {submission.baseline}",
        outcome=Outcome.model_validate(submission.report) if submission.report else None,
        scores=scores,
        placed=placed,
        on_board=len(field),
        best_before=await _best_before(session, submission, benchmark),
    )


async def _best_before(
    session: AsyncSession, submission: Submission, benchmark: Benchmark
) -> Score | None:
    if submission.member_id is None:
        return None
    found: Score | None = await session.scalar(
        select(Score)
        .join(Submission)
        .where(
            Submission.benchmark_id == benchmark.id,
            Submission.member_id == submission.member_id,
            Submission.state == State.SCORED,
            Submission.position < submission.position,
            Score.split == "board",
            Score.metric == benchmark.metric,
        )
        .order_by(Score.value.desc())
        .limit(1)
    )
    return found


async def own_submission(ctx: Context, id: str) -> Submission:
    """The member's own submission of that id.

    Raises:
        Refusal: There is none, or it is somebody else's.
    """
    submission = await ctx.session.get(Submission, id.strip().lower())
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


async def recent(
    session: AsyncSession, member_id: int, *, limit: int = 10
) -> list[tuple[Submission, Benchmark, Score | None]]:
    """A member's last submissions, newest first, with the score that ranks."""
    rows = await session.execute(
        select(Submission, Benchmark, Score)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .outerjoin(
            Score,
            (Score.submission_id == Submission.id)
            & (Score.split == "board")
            & (Score.metric == Benchmark.metric),
        )
        .where(Submission.member_id == member_id)
        .order_by(Submission.position.desc())
        .limit(limit)
    )
    return [(s, b, score) for s, b, score in rows]


async def suggest_own(ctx: Context, text: str) -> list[Choice]:
    return [
        Choice(s.id, f"{s.id} · {b.name} · {s.file_name} · {s.state}")
        for s, b, _ in await recent(ctx.session, ctx.member.id, limit=25)
        if text.lower() in s.id
    ]


async def suggest_waiting(ctx: Context, text: str) -> list[Choice]:
    return [
        Choice(s.id, f"{s.id} · {b.name} · {s.file_name}")
        for s, b, _ in await recent(ctx.session, ctx.member.id, limit=25)
        if s.state in WAITING and text.lower() in s.id
    ]
