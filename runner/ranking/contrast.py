"""What two models' kept statistics say image by image and class by class. For dev alone."""

import numpy as np
from numpy.typing import NDArray

from runner import stats
from runner.tasks.classification import Classified
from runner.tasks.detected import Detected
from runner.tasks.segmentation import Segmented, mean_iou
from runner.tasks.statistics import Statistics

_IOU50 = np.uint16(1)  # the bit of a hit at the first threshold


def by_image(statistics: Statistics) -> tuple[NDArray[np.float64], str]:
    """Return how well each image [n] was done, 0 to 1, and the words for it.

    Labels: right or wrong. Masks: the mean IoU of the image alone. Boxes: the share of its objects
    that are found at IoU .50, 1 where it has none.
    """
    if isinstance(statistics, Classified):
        return statistics.right.astype(np.float64), "right"
    if isinstance(statistics, Segmented):
        hits = statistics.hits.astype(np.float64)
        both = (statistics.support + statistics.taken).astype(np.float64)
        return mean_iou(hits, both), "mean IoU of the image"
    assert isinstance(statistics, Detected)
    found = (statistics.hits & _IOU50) > 0
    hits = np.bincount(statistics.image[found], minlength=statistics.count).astype(np.float64)
    objects = np.bincount(statistics.true_image, minlength=statistics.count)
    share: NDArray[np.float64] = np.where(objects > 0, hits / np.maximum(objects, 1), 1.0)
    return share, "share of its objects found"


def by_class(statistics: Statistics) -> tuple[NDArray[np.float64], str]:
    """Return F1, IoU or AP of each class, and its name; NaN for a class that is not there."""
    if isinstance(statistics, Classified):
        counts = stats.confusion(
            statistics.true.astype(np.int64), statistics.predicted.astype(np.int64),
            classes=statistics.classes,
        )  # fmt: skip
        of = stats.per_class(counts)
        return np.where(of.support > 0, of.f1, np.nan), "F1"
    if isinstance(statistics, Segmented):
        hits, support = statistics.hits.sum(axis=0), statistics.support.sum(axis=0)
        union = support + statistics.taken.sum(axis=0) - hits
        return np.where(support > 0, hits / np.maximum(union, 1), np.nan), "IoU"
    assert isinstance(statistics, Detected)
    values, objects = statistics.by_class("ap", np.ones((1, statistics.count), np.float32))
    return np.where(objects[:, 0] > 0, values[:, 0], np.nan), "AP"
