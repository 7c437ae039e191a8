"""What is asked of a runner for a submission. Reads rows, writes nothing."""

from bot.community.speakers import role_of
from bot.features.leaderboards import ladder
from bot.features.leaderboards.benchmarks import manifest_of
from bot.features.leaderboards.deadlines import longest
from bot.features.leaderboards.models import RANKING, Benchmark, Submission
from bot.kit.command import Refusal, Role
from bot.kit.links import LIFETIME
from bot.kit.work import Work
from runner.contract import Blob, DatasetManifest, Declared, Evaluation, Limits, SplitFacts


def splits_for(submission: Submission, manifest: DatasetManifest) -> tuple[SplitFacts, ...]:
    """Every split but train for what ranks; dev for an analysis."""
    ranks = submission.purpose in RANKING
    wanted = ("dev", "board", "shadow") if ranks else ("dev",)
    return tuple(s for s in manifest.splits if s.split in wanted)


async def evaluation_of(work: Work, submission: Submission) -> Evaluation:
    """The current attempt at *submission*.

    Where runners are not trusted they get images alone: no labels, no Ladder, no folder of ours.
    """
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    manifest = await manifest_of(work.session, benchmark)
    assert manifest is not None, "only open benchmarks take submissions"
    files, links, trusted = work.services.files, work.services.links, work.services.engine.trusted
    datasets = work.services.data / "datasets"
    splits = splits_for(submission, manifest)
    limits = Limits.model_validate(benchmark.limits)
    model, artifacts = files.path(submission.sha256).as_uri(), files.root.as_uri()
    inputs: tuple[Blob, ...] = ()
    if not trusted:
        # From here it waits in the engine's queue, then runs, then sends what it made.
        attempt, lasts = submission.job, LIFETIME + longest(limits)
        model = links.file(submission.sha256, attempt=attempt, lasts=lasts)
        artifacts = links.made(attempt=attempt, lasts=lasts)
        inputs = tuple(
            _blob(s, links.images(manifest.key, s.split, attempt=attempt, lasts=lasts))
            for s in splits
        )
    ranks = submission.purpose in RANKING
    return Evaluation(
        submission=submission.id,
        attempt=submission.attempt,
        token=submission.token,
        task=benchmark.task,  # pydantic checks it
        model=Blob(sha256=submission.sha256, size=submission.size, url=model),
        dataset=manifest.key,
        datasets=datasets.as_uri() if trusted else "",
        splits=tuple(s.split for s in splits),
        artifacts=artifacts,
        purpose="score" if ranks else submission.purpose,
        format=submission.format,
        declared=Declared.model_validate(submission.declared),
        options=submission.options,
        metric=benchmark.metric,
        metric_version=benchmark.metric_version,
        ladder=await ladder.ladder_of(work.session, submission) if trusted and ranks else None,
        manifest=None if trusted else without_counts(manifest),
        inputs=inputs,
        limits=limits,
        minimum_tier=benchmark.minimum_tier,
        vouched=await is_vouched(work, submission),
    )


async def is_vouched(work: Work, submission: Submission) -> bool:
    """Whether somebody answers for the file whom the host trusts: a moderator, or all, in a demo."""
    if work.services.own_files or submission.member_id is None:
        return True
    return await role_of(work.session, submission.member_id, now=work.now) >= Role.MODERATOR


def without_counts(manifest: DatasetManifest) -> DatasetManifest:
    """What a strange runner may know of a dataset: how many images of a class are hidden tells labels."""
    splits = tuple(s.model_copy(update={"per_class": ()}) for s in manifest.splits)
    return manifest.model_copy(update={"splits": splits, "downloads": (), "warnings": ()})


def _blob(split: SplitFacts, url: str) -> Blob:
    if split.sha256 is None:
        raise Refusal(
            "This benchmark's images cannot be given to runners on other machines.",
            code="E_DATASET",
            expected="a dataset version that names its files by their hashes",
            got=f"a {split.split} split that was frozen by an older version",
            fix="Ask the admin to add the dataset again: bookwiz dataset add.",
        )
    return Blob(sha256=split.sha256, size=split.size, url=url)
