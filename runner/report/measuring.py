"""The ranking figure of a few dev images under other circumstances: corrupted, or by int8 weights."""

import numpy as np
from numpy.typing import NDArray

from runner.datasets.truth import IGNORED, Boxes, Truth
from runner.report.detection import Detections
from runner.report.evidence import Evidence

TITLES = {"classification": "Accuracy", "detection": "AP", "segmentation": "Mean IoU"}


def measured(evidence: Evidence) -> float:
    """Return accuracy, AP (IoU .50 to .95) or mean IoU over all images, 0 to 1."""
    if evidence.task == "detection":
        return Detections(evidence).mean_ap()
    if evidence.task == "segmentation":
        return _mean_iou(evidence)
    assert isinstance(evidence.truth, np.ndarray)
    return float((evidence.predictions.argmax(axis=1) == evidence.truth).mean())


def _mean_iou(evidence: Evidence) -> float:
    assert not isinstance(evidence.truth, Boxes)
    classes = len(evidence.manifest.classes)
    counts = np.zeros(classes * classes, np.int64)
    for true, said in zip(evidence.truth, evidence.predictions, strict=True):
        seen = true != IGNORED
        cells = true[seen].astype(np.int64) * classes + said[seen]
        counts += np.bincount(cells, minlength=classes * classes)
    square = counts.reshape(classes, classes)
    both = np.diagonal(square)
    either = square.sum(axis=0) + square.sum(axis=1) - both
    there = either > 0
    return float((both[there] / either[there]).mean()) if there.any() else 0.0


def some(
    evidence: Evidence, places: NDArray[np.int64], predictions: NDArray[np.generic]
) -> Evidence:
    """Return the images at ``places`` with what a model said of them, rows [k, …]."""
    return Evidence(
        evidence.manifest,
        evidence.images[places],
        _some_truth(evidence.truth, places),
        predictions,
        {name: [values[p] for p in places] for name, values in evidence.attributes.items()},
    )


def _some_truth(truth: Truth, places: NDArray[np.int64]) -> Truth:
    if not isinstance(truth, Boxes):
        return truth[places]
    # An image may be asked for twice: each of its places gets the objects.
    mine = [np.flatnonzero(truth.image == place) for place in places]
    rows = np.concatenate([*mine, np.empty(0, np.int64)])
    image = np.repeat(np.arange(len(places)), [len(found) for found in mine])
    return Boxes(
        image.astype(np.int64), truth.box[rows], truth.category[rows], truth.area[rows],
        truth.crowd[rows], truth.size[places], truth.scale[places], truth.pad[places],
    )  # fmt: skip
