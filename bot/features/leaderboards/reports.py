"""What runners report: applied to the rows, once, whoever says it how often."""

import structlog

from bot.features.leaderboards import (
    analyses,
    attempts,
    claims,
    doubts,
    endings,
    evaluations,
    ladder,
    line,
    live,
)
from bot.features.leaderboards.benchmarks import manifest_of
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.models import GIVEN, RANKING, Benchmark, Submission
from bot.features.leaderboards.retries import HOPELESS, next_try
from bot.kit.work import Work
from runner.contract import Failure, Outcome, Progress

_log = structlog.get_logger(__name__)


@feature.on(Progress)
async def note_progress(work: Work, progress: Progress) -> None:
    """Show how far it is. Never changes how it ends."""
    submission = await _current(work, progress)
    if submission is None:
        return
    await attempts.begin(work, submission)
    submission.stage, submission.done = progress.stage, max(submission.done, progress.done)
    await live.show(work, submission, hurry=False)


@feature.on(Outcome)
async def apply_outcome(work: Work, outcome: Outcome) -> None:
    """Take the end of an attempt, if it is the current attempt's and the row has no end yet."""
    submission = await _current(work, outcome)
    if submission is None:
        _log.info("outcome.stale", submission=outcome.submission, attempt=outcome.attempt)
        return
    failure = await _doubt(work, submission, outcome) or outcome.failure
    if failure is not None and failure.code == doubts.LIED:
        await doubts.tell(work, submission, outcome.runner, failure)
    if failure is not None and failure.ours and failure.code not in HOPELESS:
        _log.warning(
            "evaluation.lost",
            submission=submission.id,
            attempt=submission.attempt,
            reason=failure.code,
        )
        then = next_try(failure.code, attempt=submission.attempt, losses=submission.losses)
        if await line.try_again(work, submission, lost=then.lost, after=then.after):
            await live.show(work, submission)
            return
    if failure is not None:
        await endings.fail(work, submission, failure)
    elif submission.purpose not in RANKING:
        await analyses.draw(work, submission, outcome)
    elif await _is_claim(work, submission, outcome):
        await claims.take(work, submission, outcome)
    else:
        await endings.score(work, submission, outcome)


async def _doubt(work: Work, submission: Submission, outcome: Outcome) -> Failure | None:
    """Why an outcome is not what it says: a failure of ours."""
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    trusted = work.services.engine.trusted
    if not trusted and (outcome.scores or outcome.verdict):  # it had no labels to know any
        return doubts.lie("scores", "predictions alone")
    minimum = benchmark.minimum_tier
    if trusted and outcome.tier == "none" and await evaluations.is_vouched(work, submission):
        minimum = "none"  # our own runner, whose host's owner allows it; the card says so
    found = doubts.unbelievable(outcome, minimum_tier=minimum)
    if found is not None or outcome.failure is not None:
        return found
    files = work.services.files.root
    if submission.purpose not in RANKING:
        return await doubts.false_analysis(outcome, files)
    if trusted:
        if outcome.scores:
            return None
        return Failure(
            code="E_RUNNER_SILENT", ours=True, problem="The runner ended without a score."
        )
    manifest = await manifest_of(work.session, benchmark)
    assert manifest is not None
    splits = tuple(s.split for s in evaluations.splits_for(submission, manifest))
    return await doubts.false_claim(outcome, splits, files)


async def _is_claim(work: Work, submission: Submission, outcome: Outcome) -> bool:
    """Whether the desk must score it: nobody's word is taken for a score but a trusted runner's.

    And his neither where the team's best changed while he worked, so that his verdict is on a
    Ladder that stands no more.
    """
    if not work.services.engine.trusted:
        return True
    if outcome.verdict is None or not outcome.predictions:
        return False
    best = await ladder.best_of(work.session, submission)
    return outcome.verdict.best != (best.released if best else None)


async def _current(work: Work, report: Outcome | Progress) -> Submission | None:
    """The submission a report speaks of, if it names the current attempt, its token, and no end."""
    submission = await work.session.get(Submission, report.submission, with_for_update=True)
    if submission is None or submission.state not in GIVEN:
        return None
    if (submission.attempt, submission.token) != (report.attempt, report.token):
        return None
    return submission
