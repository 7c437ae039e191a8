"""The same bytes under the same conditions have one answer, whoever hands them in: it is kept.

Only the runner's part is taken over. The desk scores the kept predictions again, against the Ladder
of who hands in now, so that a member's own best decides what counts of it.
"""

from sqlalchemy import select

from bot.features.leaderboards import claims, evaluations
from bot.features.leaderboards.benchmarks import manifest_of
from bot.features.leaderboards.models import RANKING, Benchmark, State, Submission
from bot.kit.work import Work
from runner.contract import Outcome

NOTE = (
    "These very bytes were run here before: speed and memory were measured then, "
    "and the score is computed from the same answers."
)


def score_key(submission: Submission, benchmark: Benchmark) -> tuple[object, ...]:
    """What a score belongs to: the model's bytes, dataset and metric version, and the profile.

    The profile is all that decides how a runner opens and runs a file.
    """
    profile = (submission.format, submission.declared, benchmark.limits, benchmark.minimum_tier)
    versions = (benchmark.dataset_key, benchmark.metric, benchmark.metric_version)
    return (submission.sha256, *versions, *profile)


async def kept(work: Work, submission: Submission) -> Outcome | None:
    """What a runner made of the same key in this community, if all its predictions are there."""
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    manifest = await manifest_of(work.session, benchmark)
    assert manifest is not None, "only open benchmarks take submissions"
    rows = await work.session.execute(
        select(Submission, Benchmark)
        .join(Benchmark, Benchmark.id == Submission.benchmark_id)
        .where(
            Submission.sha256 == submission.sha256,
            Submission.id != submission.id,
            Submission.purpose.in_(RANKING),
            Submission.state.in_((State.SCORED, State.WITHDRAWN)),
            Benchmark.community_id == benchmark.community_id,
        )
        .order_by(Submission.finished_at)
    )
    names = [f"predictions-{s.split}.npy" for s in evaluations.splits_for(submission, manifest)]
    key, files = score_key(submission, benchmark), work.services.files
    for earlier, its_benchmark in rows:
        if earlier.report is None or score_key(earlier, its_benchmark) != key:
            continue
        found = Outcome.model_validate(earlier.report)
        there = all(files.path(p.sha256).exists() for p in found.predictions)
        if there and [p.name for p in found.predictions] == names:
            return found
    return None


async def answer(work: Work, submission: Submission) -> bool:
    """Have a submission that waits scored from what is kept. False: a runner has to run it."""
    found = await kept(work, submission)
    if found is None:
        return False
    # Statistics come anew with the score; those of the earlier one are not this member's.
    artifacts = tuple(a for a in found.artifacts if not a.name.startswith("statistics-"))
    warnings = (*(w for w in found.warnings if w != NOTE), NOTE)
    mine = {"submission": submission.id, "attempt": submission.attempt}
    said = found.model_copy(update={**mine, "artifacts": artifacts, "warnings": warnings})
    await claims.take(work, submission, said)
    return True
