"""Detections matched once, so that COCO's AP can be drawn anew as often as one likes."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner.tasks import statistics as kept
from runner.tasks.coco import Objects
from runner.tasks.matching import THRESHOLDS, match
from runner.tasks.statistics import Kept, Weights

METRICS = ("ap", "ap50", "ap75", "ar_1", "ar_10", "ar_100")
_CAPS: Final = {"ar_1": 1, "ar_10": 10, "ar_100": 100}
_AT: Final = {"ap": slice(None), "ap50": slice(0, 1), "ap75": slice(5, 6)}
# COCO's own: .07 is .07000000000000001 there, and a recall of 7/100 does not reach it.
LEVELS = np.linspace(0.0, 1.0, 101)
_BITS = (1 << np.arange(len(THRESHOLDS))).astype(np.uint16)
_AT_ONCE = 125  # resamples whose rows of one class stay in a cache


@dataclass(frozen=True)
class Detected(Kept):
    """D detections by class and falling score, and G objects that are no crowd, on n images.

    A class's list ends with its last hit at any IoU: what follows changes no precision that counts.
    """

    image: NDArray[np.int32]  #: [D]
    category: NDArray[np.int16]  #: [D]
    rank: NDArray[np.uint8]  #: [D], place among the image's detections of that class
    hits: NDArray[np.uint16]  #: [D], bit t: finds an object at the t-th IoU
    ignored: NDArray[np.uint16]  #: [D], bit t: lies on a crowd at the t-th IoU
    true_image: NDArray[np.int32]  #: [G]
    true_category: NDArray[np.int16]  #: [G]
    count: int  #: n
    classes: int

    @property
    def images(self) -> int:
        return self.count

    def each(self, metric: str) -> NDArray[np.float64] | None:
        kept.refuse_unknown(metric, METRICS)
        return None

    def replicates(self, metric: str, weights: Weights) -> NDArray[np.float64]:
        """Return ``metric`` [B]: the mean over classes that have objects in the resample; 0 without.

        Exact, since only a resample's hits decide: hits of one image drawn w times stand together,
        and the precision after the last of them is the highest of theirs.
        """
        kept.refuse_unknown(metric, METRICS)
        values, objects = self.by_class(metric, weights)
        there = objects > 0
        mean: NDArray[np.float64] = np.where(there, values, 0).sum(axis=0) / np.maximum(
            there.sum(axis=0), 1
        )
        return mean

    def by_class(
        self, metric: str, weights: Weights
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return ``metric`` and the number of objects, both [classes, B]."""
        drawn = [
            self._piece(metric, np.ascontiguousarray(weights[b : b + _AT_ONCE].T))
            for b in range(0, len(weights), _AT_ONCE)
        ]
        values, objects = zip(*drawn, strict=True)
        return np.concatenate(values, axis=1), np.concatenate(objects, axis=1)

    def _piece(
        self, metric: str, drawn: Weights
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return as ``by_class``, of drawn [n, b]."""
        values = np.zeros((self.classes, drawn.shape[1]))
        objects = np.zeros_like(values)
        edges = np.searchsorted(self.category, np.arange(self.classes + 1))
        order = np.argsort(self.true_category, kind="stable")
        true_edges = np.searchsorted(self.true_category[order], np.arange(self.classes + 1))
        for k in range(self.classes):
            whose = self.true_image[order[true_edges[k] : true_edges[k + 1]]]
            objects[k] = drawn[whose].sum(axis=0)
            part = slice(edges[k], edges[k + 1])
            if len(whose) and part.start < part.stop:
                values[k] = self._of_class(metric, part, drawn, np.maximum(objects[k], 1))
        return values, objects

    def _of_class(
        self, metric: str, part: slice, drawn: Weights, objects: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        image, hits = self.image[part], self.hits[part]
        if metric in _CAPS:
            often = np.bitwise_count(hits) * (self.rank[part] < _CAPS[metric])
            recall: NDArray[np.float64] = often.astype(np.float64) @ drawn[image]
            return recall / objects / len(THRESHOLDS)
        bits = _BITS[_AT[metric]]
        rows = drawn[image]
        passed = rows.cumsum(axis=0)
        values = np.zeros(drawn.shape[1])
        for bit in bits:
            place = np.flatnonzero(hits & bit)
            if not len(place):
                continue
            skipped = (self.ignored[part] & bit) > 0
            before = passed if not skipped.any() else (rows * ~skipped[:, None]).cumsum(axis=0)
            values += average_precision(rows[place].cumsum(axis=0), before[place], objects)
        return values / len(bits)

    def take(self, images: NDArray[np.int64]) -> "Detected":
        number = np.full(self.count, -1, np.int32)
        number[images] = np.arange(len(images))
        stays, true = number[self.image] >= 0, number[self.true_image] >= 0
        return Detected(
            number[self.image[stays]], self.category[stays], self.rank[stays], self.hits[stays],
            self.ignored[stays], number[self.true_image[true]], self.true_category[true],
            len(images), self.classes,
        )  # fmt: skip


def average_precision(
    hits: NDArray[np.float32], passed: NDArray[np.float32], objects: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return AP [B] at COCO's 101 levels of recall.

    ``hits`` and ``passed`` [P, B]: objects found and detections seen, each up to the P-th hit;
    ``objects`` [B]. The precision that counts at a level is the highest from where recall first
    reaches it on, so that each hit counts for the levels that it is the first to reach.
    """
    recall = hits.astype(np.float64)
    best = recall / np.maximum(passed, 1)
    best = np.maximum.accumulate(best[::-1], axis=0)[::-1]
    recall /= objects
    near = np.rint(recall * 100).astype(np.intp)
    reached = (near + (LEVELS[near] <= recall)).astype(np.float64)
    levels = np.diff(reached, axis=0, prepend=0.0)
    value: NDArray[np.float64] = (levels * best).sum(axis=0) / len(LEVELS)
    return value


def detected(truth: Objects, found: Objects, *, images: int, classes: int) -> Detected:
    """Return what is kept of detections ``found`` of what is in ``truth``."""
    matches = match(truth, found, classes=classes)
    category = found.category[matches.order]
    hits = (matches.hits * _BITS[:, None]).sum(axis=0, dtype=np.uint16)
    ignored = (matches.ignored * _BITS[:, None]).sum(axis=0, dtype=np.uint16)
    last = np.full(classes, -1)
    place = np.flatnonzero(hits)
    np.maximum.at(last, category[place], place)
    stays = np.arange(len(category)) <= last[category]
    real = slice(None) if truth.crowd is None else ~truth.crowd
    return Detected(
        found.image[matches.order][stays].astype(np.int32), category[stays].astype(np.int16),
        np.minimum(matches.rank[stays], 255).astype(np.uint8), hits[stays], ignored[stays],
        truth.image[real].astype(np.int32), truth.category[real].astype(np.int16), images, classes,
    )  # fmt: skip
