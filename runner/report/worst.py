"""Which dev images a model got most wrong, and what there is to say of each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.datasets.truth import IGNORED, Boxes
from runner.report.detection import SURE, Detections
from runner.report.evidence import Evidence
from runner.tasks.classification import probabilities

MOST = 24


@dataclass(frozen=True)
class Mistake:
    """An image that went wrong: its place in dev, and a line that says how."""

    image: int
    words: str


def quality(evidence: Evidence, detections: Detections | None = None) -> NDArray[np.float64]:
    """Return how well each image [n] was done, 0 to 1.

    Right or wrong; AP at IoU .50 of that image alone; the mean IoU over the classes in it.
    """
    if evidence.task == "detection":
        assert detections is not None
        return detections.quality
    if evidence.task == "segmentation":
        return np.array([_image_iou(evidence, image)[0] for image in range(len(evidence))])
    assert isinstance(evidence.truth, np.ndarray)
    right: NDArray[np.bool_] = evidence.predictions.argmax(axis=1) == evidence.truth
    return right.astype(np.float64)


def worst(evidence: Evidence, detections: Detections | None = None) -> list[Mistake]:
    """Return up to ``MOST`` mistakes, the worst first; none where everything is right.

    Classification: wrong and most sure of it. Detection: invented with high scores, and missed.
    Segmentation: the lowest IoU.
    """
    order = _worst_first(evidence, detections)[:MOST]
    return [describe(evidence, int(image), detections) for image in order]


def describe(evidence: Evidence, image: int, detections: Detections | None = None) -> Mistake:
    """Return what is wrong with one image."""
    if evidence.task == "detection":
        assert detections is not None
        return Mistake(image, _box_words(evidence, detections, image))
    names = evidence.manifest.classes
    if evidence.task == "segmentation":
        iou, (there, instead) = _image_iou(evidence, image)
        taken = f"{names[there]} taken for {names[instead]}"
        return Mistake(image, f"IoU {100 * iou:.0f} %, most: {taken}")
    assert isinstance(evidence.truth, np.ndarray)
    shares = probabilities(evidence.predictions[image : image + 1])[0]
    said = int(evidence.predictions[image].argmax())
    sure = f"({100 * shares[said]:.0f} % sure)"
    true = names[int(evidence.truth[image])]
    return Mistake(image, f"is {true}, taken for {names[said]} {sure}")


def _worst_first(evidence: Evidence, detections: Detections | None) -> NDArray[np.int64]:
    """Return the places of all images that are not perfect, the worst first."""
    if evidence.task == "detection":
        assert detections is not None
        badness = detections.harm
    elif evidence.task == "segmentation":
        badness = 1 - quality(evidence)
    else:
        said = evidence.predictions.argmax(axis=1)
        sure = probabilities(evidence.predictions)[np.arange(len(said)), said]
        badness = np.where(said != evidence.truth, sure.astype(np.float64), 0.0)
    order = np.argsort(-badness, kind="stable")
    return order[badness[order] > 0]


def _box_words(evidence: Evidence, detections: Detections, image: int) -> str:
    names = evidence.manifest.classes
    found = detections.found(image)
    said = []
    if len(found.missed):
        said.append(f"missed {_listed([names[c] for c in found.missed_classes])}")
    sure = np.argsort(-found.false_scores, kind="stable")
    invented = [
        f"{names[found.false_classes[k]]} ({100 * found.false_scores[k]:.0f} % sure)"
        for k in sure
        if found.false_scores[k] >= SURE
    ]
    if invented:
        said.append(f"wrongly found {_listed(invented)}")
    return "; ".join(said) or "found, but with less certainty"


def _listed(names: list[str], most: int = 2) -> str:
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def _image_iou(evidence: Evidence, image: int) -> tuple[float, tuple[int, int]]:
    """Return the mean IoU over the classes in one image, as truth or prediction.

    With it what most wrong pixels are: the true class, and the one that was said.
    """
    assert not isinstance(evidence.truth, Boxes)
    classes = len(evidence.manifest.classes)
    true = evidence.truth[image].ravel().astype(np.int64)
    seen = true != IGNORED
    cells = true * classes + evidence.predictions[image].ravel()
    counts = np.bincount(cells[seen], minlength=classes * classes).reshape(classes, classes)
    both = np.diagonal(counts)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    there = either > 0
    if not there.any():
        return 1.0, (0, 0)
    wrong = counts - np.diag(both)
    return float((both[there] / either[there]).mean()), divmod(int(wrong.argmax()), classes)
