"""Scores predictions against what is true: the trusted half of an evaluation.

Called by a trusted runner right after it predicted, and by the desk for runners that must not see
labels.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from runner import blobs, opening, probing
from runner.contract import DatasetManifest, Ladder, Split, Verdict
from runner.datasets.truth import read_attributes, read_truth
from runner.datasets.version import read_manifest
from runner.errands import Scored, ScoreErrand
from runner.failures import Refusal
from runner.metrics import version_of
from runner.predictions import refuse_bad_rows
from runner.ranking import entrants
from runner.ranking import ladder as ladders
from runner.tasks.rows import row_of
from runner.tasks.statistics import Statistics
from runner.tasks.table import task_of

if TYPE_CHECKING:
    from runner.desk import Desk


def carry_out(desk: "Desk", errand: ScoreErrand) -> Scored:
    """Score what a runner predicted. Raises Refusal where it cannot be what it claims to be."""
    refuse_other_version(errand.metric, errand.metric_version)
    manifest = read_manifest(desk.datasets, errand.dataset)
    predictions = [
        read_predictions(desk, sha256, manifest, split)
        for split, sha256 in zip(errand.splits, errand.predictions, strict=True)
    ]
    scored = score(
        desk.datasets, manifest, errand.splits, predictions,
        metric=errand.metric, ladder=errand.ladder, files=desk.files,
    )  # fmt: skip
    probes = probing.read_npz(desk, errand.probe, manifest) if errand.probe else {}
    doubts = probing.warnings(
        desk.datasets, manifest, errand.splits, predictions, probes, said=errand.input
    )
    return scored.model_copy(update={"warnings": scored.warnings + doubts})


def refuse_other_version(metric: str, version: int) -> None:
    """Raise Refusal, E_RUNNER_METRIC: the figures would not be those that the benchmark ranks by."""
    ours = version_of(metric)
    if version != ours:
        words = f"{metric} version {{}}".format
        raise Refusal("E_RUNNER_METRIC", expected=words(ours), got=words(version))


def read_predictions(
    desk: "Desk", sha256: str, manifest: DatasetManifest, split: str
) -> NDArray[Any]:
    """Return the predictions on ``split`` that a runner made, if they are what it named.

    Raises Refusal: E_DESK_FILE where they are not there; E_RUNNER_FORM where they have not the form
    that this dataset's task asks for, E_NAN or E_OUTPUT_SHAPE what no model's answers can have.
    """
    facts = next((s for s in manifest.splits if s.split == split), None)
    if facts is None:
        raise Refusal("E_RUNNER_DATASET", got=f"no split {split} in {manifest.key}")
    row = row_of(manifest)
    shape, what = (facts.images, *row.shape), f"predictions on {split}"
    data = desk.read(sha256, what=what, most=opening.npy_size(shape, row.dtype))
    found = opening.npy(data, shape=shape, dtype=row.dtype, what=what)
    refuse_bad_rows(found, row, manifest)
    return found


def score(
    datasets: Path,
    manifest: DatasetManifest,
    splits: Sequence[Split],
    predictions: Sequence[NDArray[Any]],
    *,
    metric: str,
    ladder: Ladder | None,
    files: Path,
) -> Scored:
    """Return the figures of each split, and what is kept of each image, stored in ``files``.

    With board among the splits there is a verdict, beside the best so far that ``ladder`` names;
    none where what was kept of that is lost: else its member could never better it.
    Raises Refusal (E_TASK) for a metric of another task.
    """
    kind = task_of(manifest.task)
    scores, artifacts, verdict = [], [], None
    for split, found in zip(splits, predictions, strict=True):
        judged = kind.judge(
            split,
            found,
            read_truth(datasets, manifest, split),
            manifest,
            metric=metric,
            attributes=read_attributes(datasets, manifest, split) if split == "dev" else {},
        )
        scores.append(judged.score)
        kept = {f"statistics-{split}.npz": judged.statistics.save(), **judged.files}
        artifacts += [
            blobs.store(files, data, name=name, media_type="application/x-npz")
            for name, data in kept.items()
        ]
        if split == "board":
            verdict = _verdict(judged.statistics, manifest, metric, ladder=ladder, files=files)
    return Scored(scores=tuple(scores), artifacts=tuple(artifacts), verdict=verdict)


def _verdict(
    new: Statistics, manifest: DatasetManifest, metric: str, *, ladder: Ladder | None, files: Path
) -> Verdict | None:
    if ladder is None:
        return ladders.verdict(new, metric)
    best = entrants.read_one(files, manifest, new.images, ladder.statistics)
    if best is None:
        return None
    return ladders.verdict(new, metric, best=best, released=ladder.released)
