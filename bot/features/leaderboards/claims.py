"""A strange runner's outcome is a claim, until the desk has scored what was predicted.

Claims of one team on one benchmark are scored in turn: the Ladder of the next depends on the last.
"""

import structlog
from sqlalchemy import select

from bot.features.leaderboards import answers, doubts, endings, evaluations, ladder, line, live
from bot.features.leaderboards.benchmarks import manifest_of
from bot.features.leaderboards.models import Benchmark, State, Submission
from bot.features.leaderboards.retries import HOPELESS, next_try
from bot.kit.errands import Answered, errands_on_the_way
from bot.kit.work import Work
from runner.contract import Failure, Outcome
from runner.errands import Scored, ScoreErrand

_log = structlog.get_logger(__name__)


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
        metric_version=benchmark.metric_version,
        ladder=await ladder.ladder_of(work.session, first),
        probe=next((a.sha256 for a in claim.artifacts if a.name == doubts.PROBE), None),
        input=claim.model.input if claim.model else "",
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
                "warnings": tuple(dict.fromkeys((*claim.warnings, *scored.warnings))),
                "artifacts": (*scored.artifacts, *claim.artifacts),
            }
        )
        await endings.score(work, submission, merged)
    else:
        await refuse(work, submission, doubts.of_answer(answered.failure))
    await ask_next(work, submission)


async def refuse(work: Work, submission: Submission, failure: Failure) -> None:
    """Have a submission run again whose files the desk could make nothing of, as long as it may."""
    if failure.code == doubts.LIED and submission.claim is not None:
        await doubts.tell(work, submission, submission.claim["runner"], failure)
    _log.warning("claim.not_scored", submission=submission.id, reason=failure.code)
    submission.claim = None
    then = next_try(failure.code, attempt=submission.attempt, losses=submission.losses)
    again = failure.ours and failure.code not in HOPELESS
    if again and await line.try_again(work, submission, lost=then.lost, after=then.after):
        await live.show(work, submission)
    else:
        await endings.fail(work, submission, failure)
