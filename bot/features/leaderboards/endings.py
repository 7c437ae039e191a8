"""How a submission ends: with a score or without one. Each ends once."""

from bot.community import audit
from bot.community.facts import JobEnded, SubmissionScored
from bot.features.leaderboards import boards, ladder, line, live, ranks, report_pages, unserved
from bot.features.leaderboards.models import Benchmark, Purpose, Score, State, Submission
from bot.features.leaderboards.ranking import place
from bot.features.leaderboards.retries import OF_STORAGE
from bot.kit.outbox import place_of
from bot.kit.work import Work
from runner.contract import Failure, Outcome


async def fail(work: Work, submission: Submission, failure: Failure) -> None:
    """End it without a score. Costs no quota; a fault of ours goes to the moderators' log."""
    submission.state, submission.finished_at = State.FAILED, work.now
    submission.failure = failure.model_dump(mode="json")
    submission.claim = None
    await work.session.flush()
    await announce(work, submission)
    await live.show(work, submission)
    if submission.member_id is not None and submission.purpose == Purpose.SCORE:
        values = await live.values_of(work, submission)
        key = f"{live.key_of(submission)}:why"
        await work.tell(submission.member_id, "failed_private.md.j2", values, key=key)
    if failure.ours:
        await _tell_moderators(work, submission, failure)
    await line.dispatch_next(work, submission)


async def announce(work: Work, submission: Submission) -> None:
    """Tell whoever counts that a submission has its end, which is its state."""
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    await work.announce(
        JobEnded(
            queue=unserved.queue_of(submission, benchmark),
            end=submission.state,
            seconds=(work.now - submission.accepted_at).total_seconds(),
            attempts=submission.attempt,
            lost=submission.losses,
        )
    )


async def _tell_moderators(work: Work, submission: Submission, failure: Failure) -> None:
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    storage = failure.code in OF_STORAGE
    key = f"{live.key_of(submission)}:gave-up"
    if storage:  # all that meet it end the same way: the first one speaks for them
        key = f"gave-up:{failure.code}:{work.now:%Y-%m-%d}"
    if not storage or await place_of(work.session, key) is None:
        await work.post_for(
            "moderators",
            "gave_up.md.j2",
            {"submission": submission, "benchmark": benchmark, "failure": failure, "more": storage},
            community_id=benchmark.community_id,
            key=key,
        )
    await audit.record_own(
        work,
        benchmark.community_id,
        "evaluation.gave_up",
        subject=f"submission {submission.id}",
        reason=failure.problem,
    )


async def score(work: Work, submission: Submission, outcome: Outcome) -> None:
    """End it with the scores of *outcome*, which the trusted side computed."""
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    best = await ladder.best_of(work.session, submission)
    verdict = ladder.verdict_on(benchmark, outcome, best)
    outcome = outcome.model_copy(update={"verdict": verdict, "token": ""})
    submission.state, submission.finished_at, submission.done = State.SCORED, work.now, 1.0
    submission.report, submission.claim = outcome.model_dump(mode="json"), None
    submission.counts = verdict.counts if verdict else None
    submission.released = verdict.released if verdict else None
    for split in outcome.scores:
        for metric in split.metrics:
            work.session.add(
                Score(
                    submission_id=submission.id,
                    split=split.split,
                    metric=metric.name[:20],
                    value=metric.value,
                    low=metric.low,
                    high=metric.high,
                    images=split.images,
                )
            )
    await work.session.flush()
    if submission.counts:
        await ranks.refresh(work, benchmark)
    await report_pages.ask(work, submission, previous=best)
    await announce(work, submission)
    await live.show(work, submission)
    await _tell_of_a_best(work, submission, benchmark)
    await line.dispatch_next(work, submission)


async def _tell_of_a_best(work: Work, submission: Submission, benchmark: Benchmark) -> None:
    """Only of what counts: of the rest nobody is told more than that."""
    if not submission.counts or submission.member_id is None or submission.released is None:
        return
    await live.tell_best(work, submission)
    best = place(await boards.entries(work.session, benchmark))
    rank = next(p.rank for p in best if p.entry.submission == submission.id)
    await work.announce(
        SubmissionScored(
            submission.id,
            submission.member_id,
            submission.benchmark_id,
            benchmark.metric,
            submission.released,
            rank,
        )
    )
