"""What no honest runner says: it is not believed, is tried again, and moderators hear whose it was."""

import asyncio
import json
from pathlib import Path

from bot.community import audit
from bot.features.leaderboards.metrics import METRICS
from bot.features.leaderboards.models import Benchmark, Submission
from bot.kit.work import Work
from runner import codes
from runner.contract import Artifact, Failure, Outcome

LIED = "E_RUNNER_LIED"
MOST_BYTES = 8_000_000  #: of one outcome; a confusion matrix of 1,000 classes is 3 MB
# A runner refuses these itself before it sends anything.
_NEVER_SENT = frozenset({"E_NAN", "E_OUTPUT_SHAPE", "E_RUNNER_FORM"})
PROBE = "probe.npz"  #: what a runner adds for whoever doubts how a model is fed
MOST_FILES = 300  #: of one analysis
_TIERS = ("none", "reduced", "full")


def unbelievable(outcome: Outcome, *, minimum_tier: str) -> Failure | None:
    """Why an outcome cannot be what it says, whoever sent it; None where it may be."""
    try:
        said = json.dumps(outcome.model_dump(mode="json"), allow_nan=False)
    except ValueError:
        return lie("figures that are not numbers")
    if len(said) > MOST_BYTES:
        return lie(f"{len(said) / 1e6:.0f} MB of words", f"at most {MOST_BYTES / 1e6:.0f} MB")
    if outcome.failure is not None:
        return _false_failure(outcome.failure)
    absurd = [
        metric.name
        for split in outcome.scores
        for metric in split.metrics
        if metric.name in METRICS
        and METRICS[metric.name].task  # what ranks lies between 0 and 1; log loss has no such end
        and not all(0 <= v <= 1 for v in (metric.value, metric.low, metric.high) if v is not None)
    ]
    if absurd:
        return lie(f"absurd {absurd[0]}")
    speed = outcome.speed
    if speed and min(speed.p50_ms, speed.p95_ms, speed.images_per_second, speed.seconds) < 0:
        return lie("time that ran backwards")
    if _TIERS.index(outcome.tier) < _TIERS.index(minimum_tier):
        return lie(f"sandbox {outcome.tier}", f"sandbox {minimum_tier} or better")
    return None


def _false_failure(failure: Failure) -> Failure | None:
    """Why a runner's reason for no score is none; None where an honest one may give it."""
    known = codes.CODES.get(failure.code)
    if known is None or known.ours != failure.ours:
        return lie(f"a failure {failure.code[:40]} that does not exist")
    return None


async def false_claim(outcome: Outcome, splits: tuple[str, ...], files: Path) -> Failure | None:
    """Why predictions cannot be scored: missing, of another name or size."""
    names = tuple(f"predictions-{split}.npy" for split in splits)
    if tuple(p.name for p in outcome.predictions) != names:
        return lie(f"predictions {_listed(outcome.predictions)}")
    # Whatever else lay among the files of a score would pass for what the desk made of it.
    if [a.name for a in outcome.artifacts] not in ([], [PROBE]):
        return lie(f"files that nobody asked for: {_listed(outcome.artifacts)}")
    return await _false_files((*outcome.predictions, *outcome.artifacts), files)


async def false_analysis(outcome: Outcome, files: Path) -> Failure | None:
    """Why an analysis cannot be drawn: no files, too many, or of another size."""
    made = (*outcome.predictions, *outcome.artifacts)
    if not 0 < len(made) <= MOST_FILES or len({a.name for a in made}) < len(made):
        return lie(f"{len(made)} files for an analysis", f"1 to {MOST_FILES}, each name once")
    return await _false_files(made, files)


def _listed(found: tuple[Artifact, ...]) -> str:
    return ", ".join(a.name for a in found)[:80] or "none"


async def _false_files(found: tuple[Artifact, ...], files: Path) -> Failure | None:
    """Look for them alone: who asks holds the row's lock, and the desk hashes what it opens."""
    for artifact in found:
        path = files / artifact.sha256[:2] / artifact.sha256
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
        except OSError as error:  # it had come, so it is our store that lost it
            words = codes.CODES["E_RUNNER_STORE"]
            return Failure(
                code="E_RUNNER_STORE",
                ours=True,
                problem=words.meaning,
                expected=words.expected,
                got=f"{artifact.name[:80]}: {error.strerror}",
                fix=words.fix,
            )
        if size != artifact.size:
            return lie(f"{artifact.name[:80]} of {size} bytes", f"{artifact.size} bytes")
    return None


def of_answer(failure: Failure | None) -> Failure:
    """What it means that the desk could not score a claim: an honest runner had looked itself."""
    if failure is None:
        return lie("no score")
    return lie(failure.problem, failure.expected) if failure.code in _NEVER_SENT else failure


def lie(got: str, expected: str = "what an honest runner says") -> Failure:
    return Failure(
        code=LIED,
        ours=True,
        problem="A runner of ours gave an answer that cannot be.",
        expected=expected,
        got=got,
        fix="Nothing to mend on your side: we try again, and it costs no quota.",
    )


async def tell(work: Work, submission: Submission, runner: str, failure: Failure) -> None:
    """Tell the moderators which runner is not to be believed: one message a runner and day."""
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    name = runner[:60]
    await work.post_for(
        "moderators",
        "lied.md.j2",
        {"runner": name, "failure": failure, "submission": submission, "benchmark": benchmark},
        community_id=benchmark.community_id,
        key=f"lied:{name}:{work.now:%Y-%m-%d}",
    )
    await audit.record_own(
        work,
        benchmark.community_id,
        "runner.lied",
        subject=f"runner {name}",
        reason=f"{failure.got}, of submission {submission.id}, attempt {submission.attempt}",
    )
