"""A strange runner's outcome is a claim, until the desk has scored what was predicted.

Claims of one team on one benchmark are scored in turn: the Ladder of the next depends on the last.
"""

import asyncio
import hashlib
import json
from pathlib import Path

import structlog
from sqlalchemy import select

from bot.features.leaderboards import answers, endings, evaluations, ladder, line, live
from bot.features.leaderboards.benchmarks import manifest_of
from bot.features.leaderboards.metrics import METRICS
from bot.features.leaderboards.models import Benchmark, State, Submission
from bot.kit.errands import Answered, errands_on_the_way
from bot.kit.work import Work
from runner.contract import Artifact, Failure, Outcome
from runner.errands import Scored, ScoreErrand

_CHUNK = 1 << 20
_TIERS = ("none", "reduced", "full")
_log = structlog.get_logger(__name__)


def unbelievable(outcome: Outcome, *, minimum_tier: str) -> Failure | None:
    """Why an outcome cannot be what it says, whoever sent it; None where it may be."""
    try:
        json.dumps(outcome.model_dump(mode="json"), allow_nan=False)
    except ValueError:
        return _lie("figures that are not numbers")
    absurd = [
        metric.name
        for split in outcome.scores
        for metric in split.metrics
        if metric.name in METRICS
        and not all(0 <= v <= 1 for v in (metric.value, metric.low, metric.high) if v is not None)
    ]
    if absurd:
        return _lie(f"absurd {absurd[0]}")
    speed = outcome.speed
    if speed and min(speed.p50_ms, speed.p95_ms, speed.images_per_second, speed.seconds) < 0:
        return _lie("time that ran backwards")
    if _TIERS.index(outcome.tier) < _TIERS.index(minimum_tier):
        return _lie(f"sandbox {outcome.tier}", f"sandbox {minimum_tier} or better")
    return None


async def false_claim(outcome: Outcome, splits: tuple[str, ...], files: Path) -> Failure | None:
    """Why predictions cannot be scored: missing, of another name, or not what their hash says."""
    names = tuple(f"predictions-{split}.npy" for split in splits)
    if tuple(p.name for p in outcome.predictions) != names:
        return _lie(f"predictions {', '.join(p.name for p in outcome.predictions)[:80] or 'none'}")
    for artifact in outcome.predictions:
        path = files / artifact.sha256[:2] / artifact.sha256
        if not await asyncio.to_thread(_is_what_it_says, path, artifact):
            return _lie(f"{artifact.name} that is not what its hash says")
    return None


def _is_what_it_says(path: Path, artifact: Artifact) -> bool:
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while part := file.read(_CHUNK):
                digest.update(part)
            return file.tell() == artifact.size and digest.hexdigest() == artifact.sha256
    except OSError:
        return False


def _lie(got: str, expected: str = "what an honest runner says") -> Failure:
    return Failure(
        code="E_RUNNER_LIED",
        ours=True,
        problem="A runner of ours gave an answer that cannot be.",
        expected=expected,
        got=got,
        fix="Nothing to mend on your side: we try again, and it costs no quota.",
    )


async def take(work: Work, submission: Submission, outcome: Outcome) -> None:
    """Keep a claim, and have it scored when its turn has come. Its own scores are thrown away."""
    bare = outcome.model_copy(update={"scores": (), "verdict": None, "token": ""})
    submission.state = State.SCORING
    submission.claim = bare.model_dump(mode="json")
    await work.session.flush()
    await ask_next(work, submission)
    await live.show(work, submission)
    await line.dispatch_next(work, submission)


async def ask_next(work: Work, like: Submission) -> None:
    """Have the first waiting claim of a team on a benchmark scored, unless one is being scored."""
    await line.take_turn(work.session, like.member_id)
    team = Submission.member_id == like.member_id if like.member_id else Submission.id == like.id
    first = await work.session.scalar(
        select(Submission)
        .where(
            team,
            Submission.benchmark_id == like.benchmark_id,
            Submission.state == State.SCORING,
            Submission.claim.is_not(None),
        )
        .order_by(Submission.position, Submission.accepted_at)
        .limit(1)
    )
    if (
        first is None
        or first.claim is None
        or errand_key(first) in await errands_on_the_way(work.session)
    ):
        return
    benchmark = await work.session.get_one(Benchmark, first.benchmark_id)
    manifest = await manifest_of(work.session, benchmark)
    assert manifest is not None
    claim = Outcome.model_validate(first.claim)
    errand = ScoreErrand(
        task=benchmark.task,  # pydantic checks it
        dataset=manifest.key,
        splits=tuple(s.split for s in evaluations.splits_for(first, manifest)),
        predictions=tuple(p.sha256 for p in claim.predictions),
        metric=benchmark.metric,
        ladder=await ladder.ladder_of(work.session, first),
        probe=next((a.sha256 for a in claim.artifacts if a.name == "probe.npz"), None),
    )
    await work.ask(errand, key=errand_key(first), urgent=True)


def errand_key(submission: Submission) -> str:
    return f"score:{submission.job}"


@answers.to("score")
async def take_score(work: Work, job: str, answered: Answered) -> None:
    """Apply what the desk found, if it is the current attempt's claim."""
    id_, _, attempt = job.rpartition(":")
    submission = await work.session.get(Submission, id_, with_for_update=True)
    if submission is None or submission.state != State.SCORING or submission.claim is None:
        return
    if submission.attempt != int(attempt):
        return
    if isinstance(scored := answered.answer, Scored):
        claim = Outcome.model_validate(submission.claim)
        merged = claim.model_copy(
            update={
                "scores": scored.scores,
                "verdict": scored.verdict,
                "warnings": (*claim.warnings, *scored.warnings),
                "artifacts": (*claim.artifacts, *scored.artifacts),
            }
        )
        await endings.score(work, submission, merged)
    else:
        failure = answered.failure or _lie("no score")
        _log.warning("claim.not_scored", submission=submission.id, reason=failure.code)
        submission.claim = None
        if not failure.ours:
            await endings.fail(work, submission, failure)
        elif await line.try_again(work, submission, lost=True):
            await live.show(work, submission)
        else:
            await endings.fail(work, submission, failure)
    await ask_next(work, submission)
