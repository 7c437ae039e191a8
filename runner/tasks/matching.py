"""Which detection finds which object, as COCOeval matches them, for all images at once."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.tasks.coco import Objects

THRESHOLDS = np.linspace(0.5, 0.95, 10)


@dataclass(frozen=True)
class Matches:
    """Detections by class and then falling score, as COCOeval accumulates them; m of them."""

    order: NDArray[np.int64]  #: [m], places among what was given
    hits: NDArray[np.bool_]  #: [10, m], finds an object at that IoU
    ignored: NDArray[np.bool_]  #: [10, m], lies on a crowd, so that it counts as nothing
    rank: NDArray[np.int64]  #: [m], its place among those of the same image and class


@dataclass(frozen=True)
class _Pairs:
    """Detections and objects of the same image and class that overlap, in the order of choice."""

    found: NDArray[np.int64]
    true: NDArray[np.int64]
    iou: NDArray[np.float64]


def match(truth: Objects, found: Objects, *, classes: int) -> Matches:
    """Return the greedy matching of COCOeval (area range "all") at IoU .5, .55 … .95.

    In each image and class, detections choose by falling score: the object with the highest IoU
    that nobody took, of equal ones the last; a crowd only where there is no such object.
    """
    assert found.score is not None
    key = found.image * classes + found.category
    by_key = np.lexsort((-found.score, key))
    rank = _places(key[by_key])
    crowd = np.zeros(len(truth.image), np.bool_) if truth.crowd is None else truth.crowd
    pairs = _pairs(truth, found, crowd, by_key, key, classes)
    hits, ignored = _choose(pairs, rank, crowd, len(by_key))
    by_class = np.lexsort((-found.score[by_key], found.category[by_key]))
    return Matches(by_key[by_class], hits[:, by_class], ignored[:, by_class], rank[by_class])


def _places(key: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each entry's place in its run of equal keys."""
    first = np.r_[True, key[1:] != key[:-1]] if len(key) else np.zeros(0, np.bool_)
    starts = np.flatnonzero(first)
    place: NDArray[np.int64] = np.arange(len(key)) - np.repeat(
        starts, np.diff(np.r_[starts, len(key)])
    )
    return place


def _pairs(
    truth: Objects,
    found: Objects,
    crowd: NDArray[np.bool_],
    by_key: NDArray[np.int64],
    key: NDArray[np.int64],
    classes: int,
) -> _Pairs:
    """Return all pairs with an IoU of .5 and more; ``found`` counts along ``by_key``."""
    true_key = truth.image * classes + truth.category
    by_true = np.argsort(true_key, kind="stable")
    sorted_key = true_key[by_true]
    begin = np.searchsorted(sorted_key, key[by_key], side="left")
    count = np.searchsorted(sorted_key, key[by_key], side="right") - begin
    one = np.repeat(np.arange(len(by_key)), count)
    ends = np.cumsum(count)
    other = by_true[np.arange(len(one)) + np.repeat(begin - ends + count, count)]
    iou = overlap(found.box[by_key[one]], truth.box[other], crowd[other])
    near = iou >= THRESHOLDS[0]
    one, other, iou = one[near], other[near], iou[near]
    chosen = np.lexsort((-other, -iou, crowd[other], one))
    return _Pairs(one[chosen], other[chosen], iou[chosen])


def overlap(
    one: NDArray[np.float64], other: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the IoU [m] of boxes [m, 4] (x, y, width, height); over ``one``'s area for a crowd."""
    low = np.maximum(one[:, :2], other[:, :2])
    high = np.minimum(one[:, :2] + one[:, 2:], other[:, :2] + other[:, 2:])
    width, height = np.maximum(high - low, 0).T
    common = width * height
    area = one[:, 2] * one[:, 3]
    union = np.where(crowd, area, area + other[:, 2] * other[:, 3] - common)
    iou: NDArray[np.float64] = np.divide(common, union, out=np.zeros_like(common), where=common > 0)
    return iou


def _choose(
    pairs: _Pairs, rank: NDArray[np.int64], crowd: NDArray[np.bool_], many: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Let detections choose in turn, those of all images and classes at once."""
    taken = np.zeros((len(THRESHOLDS), len(crowd)), np.bool_)
    hits = np.zeros((len(THRESHOLDS), many), np.bool_)
    ignored = np.zeros_like(hits)
    order = np.argsort(rank[pairs.found], kind="stable")
    turns = np.split(order, np.flatnonzero(np.diff(rank[pairs.found][order])) + 1)
    for turn in turns if len(order) else ():
        one, other, iou = pairs.found[turn], pairs.true[turn], pairs.iou[turn]
        free = (iou >= THRESHOLDS[:, None]) & (crowd[other] | ~taken[:, other])
        at, pair = np.nonzero(free)
        whose = one[pair]
        first = np.r_[True, (whose[1:] != whose[:-1]) | (at[1:] != at[:-1])][: len(pair)]
        at, pair = at[first], pair[first]
        on_crowd = crowd[other[pair]]
        taken[at, other[pair]] = True
        hits[at, one[pair]] = ~on_crowd
        ignored[at, one[pair]] = on_crowd
    return hits, ignored
