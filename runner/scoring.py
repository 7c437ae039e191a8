"""Scores predictions against what is true: the trusted half of an evaluation.

Called by a trusted runner right after it predicted, and by the desk for runners that must not see
labels.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runner import blobs, probing
from runner.contract import DatasetManifest, Ladder, Split
from runner.datasets.truth import read_truth
from runner.datasets.version import read_manifest
from runner.errands import Scored, ScoreErrand
from runner.failures import Refusal
from runner.tasks import classification
from runner.tasks.rows import row_of

if TYPE_CHECKING:
    from runner.desk import Desk


def carry_out(desk: "Desk", errand: ScoreErrand) -> Scored:
    """Score what a runner predicted. Raises Refusal where it cannot be what it claims to be."""
    manifest = read_manifest(desk.datasets, errand.dataset)
    predictions = [
        read_predictions(desk.file(sha256), manifest, split)
        for split, sha256 in zip(errand.splits, errand.predictions, strict=True)
    ]
    scored = score(
        desk.datasets, manifest, errand.splits, predictions,
        metric=errand.metric, ladder=errand.ladder, files=desk.files,
    )  # fmt: skip
    probes = probing.read_npz(desk.file(errand.probe), manifest) if errand.probe else {}
    doubts = probing.warnings(desk.datasets, manifest, errand.splits, predictions, probes)
    return scored.model_copy(update={"warnings": scored.warnings + doubts})


def read_predictions(path: Path, manifest: DatasetManifest, split: str) -> NDArray[Any]:
    """Return the predictions on ``split`` that lie at ``path``; never pickled ones.

    Raises Refusal (E_RUNNER_FETCH) where they have not the form that this dataset's task asks for.
    """
    facts = next((s for s in manifest.splits if s.split == split), None)
    if facts is None:
        raise Refusal("E_RUNNER_DATASET", got=f"no split {split} in {manifest.key}")
    row = row_of(manifest)
    try:
        found: NDArray[Any] = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise Refusal("E_RUNNER_FETCH", "Predictions cannot be read.", got=str(error)) from error
    wanted = (facts.images, *row.shape)
    if not isinstance(found, np.ndarray) or found.shape != wanted or found.dtype != row.dtype:
        raise Refusal("E_RUNNER_FETCH", "Predictions of another form.", expected=f"{wanted}")
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
    """Return the figures of each split, and what is kept of each image, stored in ``files``."""
    del metric, ladder
    scores, artifacts = [], []
    for split, found in zip(splits, predictions, strict=True):
        truth = read_truth(datasets, manifest, split)
        assert isinstance(truth, np.ndarray)
        labels = truth.astype(np.int64, copy=False)
        scores.append(classification.score(split, found, labels, classes=manifest.classes))
        artifacts.append(
            blobs.store(
                files,
                classification.statistics(found, labels),
                name=f"statistics-{split}.npz",
                media_type="application/x-npz",
            )
        )
    return Scored(scores=tuple(scores), artifacts=tuple(artifacts))
