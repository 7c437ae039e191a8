"""What counts on a board: Blum and Hardt's Ladder, kept per team. A team is a member, for now."""

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.leaderboards.models import RANKING, Benchmark, State, Submission
from runner.contract import Artifact, Ladder, Outcome, SplitScore, Verdict

#: a withdrawn best still binds its team: else one could withdraw and ask the board again
_BINDING = (State.SCORED, State.WITHDRAWN)
_log = structlog.get_logger(__name__)


async def best_of(session: AsyncSession, submission: Submission) -> Submission | None:
    """What of the same team counted last on this benchmark; None before its first."""
    if submission.member_id is None:
        return None  # each baseline stands for itself
    found: Submission | None = await session.scalar(
        select(Submission)
        .where(
            Submission.benchmark_id == submission.benchmark_id,
            Submission.member_id == submission.member_id,
            Submission.id != submission.id,
            Submission.purpose.in_(RANKING),
            Submission.state.in_(_BINDING),
            Submission.counts.is_(True),
        )
        .order_by(Submission.released.desc(), Submission.finished_at.desc())
        .limit(1)
    )
    return found


async def ladder_of(session: AsyncSession, submission: Submission) -> Ladder | None:
    """What the next entry of that team must clearly beat."""
    best = await best_of(session, submission)
    if best is None or best.released is None:
        return None
    kept = statistics_of(best)
    return Ladder(released=best.released, statistics=kept.sha256) if kept else None


def statistics_of(submission: Submission, split: str = "board") -> Artifact | None:
    """What is kept of each image of a split, where a scored submission has it."""
    return artifact_of(submission, f"statistics-{split}.npz")


def artifact_of(submission: Submission, name: str) -> Artifact | None:
    """A file of that name that came with the score."""
    report = submission.report or {}
    for found in (*report.get("artifacts", ()), *report.get("predictions", ())):
        if found["name"] == name:
            return Artifact.model_validate(found)
    return None


def main_metric(benchmark: Benchmark, scores: tuple[SplitScore, ...], split: str) -> float | None:
    """The ranking metric's value on a split."""
    for score in scores:
        if score.split == split:
            return next((m.value for m in score.metrics if m.name == benchmark.metric), None)
    return None


def verdict_on(benchmark: Benchmark, outcome: Outcome, best: Submission | None) -> Verdict | None:
    """The Ladder's word on a scored outcome; None without a board score."""
    if outcome.verdict is not None:
        return outcome.verdict
    value = main_metric(benchmark, outcome.scores, "board")
    if value is None:
        return None
    before = best.released if best else None
    if before is None:
        return Verdict(counts=True, released=value)
    # Scored by an older runner, without statistics: an improvement cannot be told from chance.
    _log.warning("verdict.missing", submission=outcome.submission)
    counts = value > before
    return Verdict(counts=counts, released=value if counts else before, best=before)
