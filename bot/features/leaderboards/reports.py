"""What runners report, and what got lost: applied to the rows, once, whoever says it how often."""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select

from bot.community import audit
from bot.community.facts import SubmissionScored
from bot.features.leaderboards import boards, line
from bot.features.leaderboards.advice import advice
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.models import GIVEN, Benchmark, Score, State, Submission
from bot.kit import outbox
from bot.kit.message import Place
from bot.kit.work import Work
from runner.contract import HANDED_BACK, Failure, Outcome, Progress, Stage

_log = structlog.get_logger(__name__)
STAGES = {
    Stage.FETCH: "fetching the model",
    Stage.CHECK: "checking the model",
    Stage.PREDICT: "predicting",
    Stage.SCORE: "scoring",
    Stage.REPORT: "drawing the report",
}
GAVE_UP = Failure(
    code="E_RUNNER_LOST",
    ours=True,
    problem="Our runner was lost three times while it scored this model.",
    expected="a score",
    got="three attempts without an end",
    fix="This was our fault and cost you nothing. The moderators know; submit it again later.",
)


@feature.on(Progress)
async def note_progress(work: Work, progress: Progress) -> None:
    """Show how far it is. Never changes how it ends."""
    submission = await _current(work, progress)
    if submission is None:
        return
    if submission.state == State.DISPATCHED:
        submission.state, submission.started_at = State.RUNNING, work.now
    submission.stage, submission.done = progress.stage, max(submission.done, progress.done)
    await show(work, submission, hurry=False)


@feature.on(Outcome)
async def apply_outcome(work: Work, outcome: Outcome) -> None:
    """Take the end of an attempt, if it is the current attempt's and the row has no end yet."""
    submission = await _current(work, outcome)
    if submission is None:
        _log.info("outcome.stale", submission=outcome.submission, attempt=outcome.attempt)
        return
    failure = outcome.failure
    if failure is None and not outcome.scores:
        failure = Failure(
            code="E_RUNNER_SILENT", ours=True, problem="The runner ended without a score."
        )
    if failure is not None and failure.ours:
        _log.warning(
            "evaluation.lost",
            submission=submission.id,
            attempt=submission.attempt,
            reason=failure.code,
        )
        if await line.try_again(work, submission, lost=failure.code != HANDED_BACK):
            await show(work, submission)
            return
    if failure is not None:
        await fail(work, submission, failure)
        return
    await _score(work, submission, outcome)


async def fail(work: Work, submission: Submission, failure: Failure) -> None:
    """End it without a score. Costs no quota; a fault of ours goes to the moderators' log."""
    submission.state, submission.finished_at = State.FAILED, work.now
    submission.failure = failure.model_dump(mode="json")
    await work.session.flush()
    await show(work, submission)
    if submission.member_id is not None:
        values = await values_of(work, submission)
        await work.tell(
            submission.member_id, "failed_private.md.j2", values, key=f"{key_of(submission)}:why"
        )
    if failure.ours:
        benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
        await work.post_for(
            "moderators",
            "gave_up.md.j2",
            {"submission": submission, "benchmark": benchmark, "failure": failure},
            community_id=benchmark.community_id,
            key=f"{key_of(submission)}:gave-up",
        )
        await audit.record_own(
            work,
            benchmark.community_id,
            "evaluation.gave_up",
            subject=f"submission {submission.id}",
            reason=failure.problem,
        )
    await line.dispatch_next(work, submission)


async def _score(work: Work, submission: Submission, outcome: Outcome) -> None:
    submission.state, submission.finished_at, submission.done = State.SCORED, work.now, 1.0
    submission.report = outcome.model_dump(mode="json", exclude={"token"}) | {"token": ""}
    for split in outcome.scores:
        for metric in split.metrics:
            work.session.add(
                Score(
                    submission_id=submission.id,
                    split=split.split,
                    metric=metric.name,
                    value=metric.value,
                    low=metric.low,
                    high=metric.high,
                    images=split.images,
                )
            )
    await work.session.flush()
    await show(work, submission)
    card = await boards.card(work.session, submission)
    if card.placed and submission.member_id is not None:
        if card.best_before is None or card.placed.entry.value > card.best_before.value:
            await work.post_for(
                "leaderboards",
                "best.md.j2",
                {"card": card, "benchmark": card.benchmark},
                community_id=card.benchmark.community_id,
                key=f"{key_of(submission)}:best",
            )
        await work.announce(
            SubmissionScored(
                submission.id,
                submission.member_id,
                submission.benchmark_id,
                card.benchmark.metric,
                card.placed.entry.value,
                card.placed.rank,
            )
        )
    await line.dispatch_next(work, submission)


@feature.schedule(
    "sweep", "Look for submissions that got lost on the way", every=timedelta(seconds=5)
)
async def sweep(work: Work) -> None:
    """Compare the rows with the engine: what it does not know gets a new attempt."""
    given = (
        await work.session.scalars(select(Submission).where(Submission.state.in_(GIVEN)))
    ).all()
    await _start_forgotten(work)
    if not given:
        return
    on_the_way = await outbox.jobs_on_the_way(work.session)
    judged = [s for s in given if s.job not in on_the_way]
    try:
        alive = await work.services.engine.alive([s.job for s in judged]) if judged else set()
    except ConnectionError:
        _log.warning("sweep.engine_away")
        return
    for submission, job in [(s, s.job) for s in judged if s.job not in alive]:
        # Its outcome may have been applied while we asked: look again, and keep others away.
        await work.session.refresh(submission, with_for_update=True)
        if submission.state not in GIVEN or submission.job != job:
            continue
        # A job that no runner had begun was lost by a restart, not by what is in it.
        lost = submission.state == State.RUNNING
        _log.warning(
            "evaluation.lost",
            submission=submission.id,
            attempt=submission.attempt,
            reason="not alive",
        )
        if await line.try_again(work, submission, lost=lost):
            await show(work, submission)
        else:
            await fail(work, submission, GAVE_UP)


async def _start_forgotten(work: Work) -> None:
    """Hand over waiting ones whose member has none out: after a moderator's UPDATE, say."""
    heads = await work.session.scalars(
        select(Submission)
        .where(Submission.state == State.QUEUED)
        .order_by(Submission.position)
        .limit(200)
    )
    for submission in heads.all():
        if submission.state == State.QUEUED:
            await line.dispatch_next(work, submission)


async def show(work: Work, submission: Submission, *, hurry: bool = True) -> None:
    """Bring the live message to where the submission is."""
    if submission.place is None:
        return
    ended = submission.state not in {State.QUEUED, *GIVEN}
    template = {State.SCORED: "card.md.j2", State.FAILED: "failed.md.j2"}.get(
        State(submission.state), "live.md.j2"
    )
    await work.post(
        Place.model_validate(submission.place),
        template,
        await values_of(work, submission),
        key=key_of(submission),
        hurry=hurry,
        pending=not ended,
        failed=submission.state == State.FAILED,
    )


def key_of(submission: Submission) -> str:
    return f"submission:{submission.id}"


async def values_of(work: Work, submission: Submission) -> dict[str, Any]:
    card = await boards.card(work.session, submission)
    return {
        "card": card,
        "submission": submission,
        "benchmark": card.benchmark,
        "waiting": await line.waiting(work.session, submission)
        if submission.state in {State.QUEUED, *GIVEN}
        else None,
        "stage": STAGES.get(Stage(submission.stage)) if submission.stage else None,
        "advice": advice(card),
        "failure": Failure.model_validate(submission.failure) if submission.failure else None,
    }


async def _current(work: Work, report: Outcome | Progress) -> Submission | None:
    """The submission a report speaks of, if it names the current attempt, its token, and no end."""
    submission = await work.session.get(Submission, report.submission, with_for_update=True)
    if submission is None or submission.state not in GIVEN:
        return None
    if (submission.attempt, submission.token) != (report.attempt, report.token):
        return None
    return submission
