"""Scores of a segmentation: what class each pixel has, judged over the whole split at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner import stats
from runner.contract import ClassScore, DatasetManifest, Split, SplitScore
from runner.tasks import statistics as kept
from runner.tasks.classification import most_confused
from runner.tasks.statistics import Attributes, Judged, Kept, Weights

METRICS = ("miou", "dice", "pixel_accuracy")


class Segmentation:
    """What the task knows how to do."""

    metrics = METRICS

    def judge(
        self,
        split: Split,
        predictions: NDArray[Any],
        truth: Any,
        manifest: DatasetManifest,
        *,
        metric: str,
        attributes: Attributes,
    ) -> Judged:
        """Score one split; ``metric`` comes first in what is told. Raises Refusal (E_TASK)."""
        kept.refuse_unknown(metric, METRICS)
        found, counts = read(predictions, truth, classes=len(manifest.classes))
        metrics = kept.ranking_first([kept.as_metric(found, name) for name in METRICS], metric)
        told = SplitScore(split=split, images=found.images, metrics=metrics)
        if split == "dev":
            told = SplitScore(
                split=split,
                images=found.images,
                metrics=metrics,
                classes=_class_scores(counts, manifest.classes),
                confusion=tuple(tuple(row) for row in counts.tolist()),
                confused=most_confused(counts, manifest.classes),
                slices=kept.slices(found, metric, attributes),
            )
        return Judged(told, found)

    def statistics(
        self, predictions: NDArray[Any], truth: Any, manifest: DatasetManifest
    ) -> "Segmented":
        """Return what is kept of each image."""
        return read(predictions, truth, classes=len(manifest.classes))[0]

    def load(self, data: bytearray) -> "Segmented":
        """Read what ``save`` returned. Raises Refusal (E_RUNNER_FORM) where it is none of that."""
        return Segmented.load(data)


@dataclass(frozen=True)
class Segmented(Kept):
    """Pixels of each of n images and each class; the ones that truth ignores are in none.

    ``miou``: intersection and union of each class are summed over all images, and their ratios
    averaged over the classes that occur as truth or prediction anywhere (Pascal VOC, mmseg; not
    torchmetrics' MeanIoU, which averages over images). ``dice``: 2·|A∩B| / (|A|+|B|) of the same
    sums, averaged alike. Every class of the dataset counts, a background class too.
    """

    hits: NDArray[np.int64]  #: [n, classes], truth and prediction agree
    support: NDArray[np.int64]  #: [n, classes], truth
    taken: NDArray[np.int64]  #: [n, classes], prediction

    @property
    def images(self) -> int:
        return len(self.hits)

    def each(self, metric: str) -> NDArray[np.float64] | None:
        kept.refuse_unknown(metric, METRICS)
        return None

    def replicates(self, metric: str, weights: Weights) -> NDArray[np.float64]:
        kept.refuse_unknown(metric, METRICS)
        columns = np.hstack([self.hits, self.support + self.taken]).astype(np.float64)
        # One product in double precision, where sums of pixels stay whole.
        sums = weights.astype(np.float64) @ columns
        hits, both = np.hsplit(sums, 2)
        if metric == "miou":
            return mean_iou(hits, both)
        if metric == "dice":
            return stats.mean_f1(hits, both)
        # Truths and predictions are equally many: half of both is all pixels.
        total = np.maximum(both.sum(axis=1) / 2, 1)
        accuracy: NDArray[np.float64] = hits.sum(axis=1) / total
        return accuracy

    def take(self, images: NDArray[np.int64]) -> "Segmented":
        return Segmented(self.hits[images], self.support[images], self.taken[images])


def mean_iou(hits: NDArray[np.float64], both: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean IoU [...] of sums [..., classes], over the classes that occur as either."""
    union = both - hits
    iou = np.divide(hits, union, out=np.zeros_like(hits), where=union > 0)
    mean: NDArray[np.float64] = iou.sum(axis=-1) / np.maximum((union > 0).sum(axis=-1), 1)
    return mean


def read(
    predictions: NDArray[np.uint8], masks: NDArray[np.uint8], *, classes: int
) -> tuple[Segmented, stats.Counts]:
    """Return what is kept of each image, and the confusion [classes, classes] of all pixels.

    Raises ValueError if the shapes of predictions and masks differ.
    """
    if predictions.shape != masks.shape:
        raise ValueError(f"{predictions.shape} predicted for {masks.shape}")
    counts = np.zeros((len(masks), classes, classes), np.int64)
    # Truth times 256 plus prediction fits 16 bits, and what is ignored falls out with row 255.
    for number, (mask, found) in enumerate(zip(masks, predictions, strict=True)):
        cells = (mask.astype(np.uint16) << 8) | found
        table = np.bincount(cells.ravel(), minlength=1 << 16).reshape(256, 256)
        counts[number] = table[:classes, :classes]
    return (
        Segmented(
            np.ascontiguousarray(np.diagonal(counts, axis1=1, axis2=2)),
            counts.sum(axis=2),
            counts.sum(axis=1),
        ),
        counts.sum(axis=0),
    )


def _class_scores(counts: stats.Counts, classes: tuple[str, ...]) -> tuple[ClassScore, ...]:
    of = stats.per_class(counts)
    hits = np.diagonal(counts).astype(np.float64)
    union = counts.sum(axis=0) + counts.sum(axis=1) - hits
    iou = np.divide(hits, union, out=np.zeros_like(hits), where=union > 0)
    return tuple(
        ClassScore(
            name=name, support=int(of.support[k]), precision=float(of.precision[k]),
            recall=float(of.recall[k]), iou=float(iou[k]), dice=float(of.f1[k]),
        )
        for k, name in enumerate(classes)
    )  # fmt: skip
