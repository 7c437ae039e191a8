"""Boxes that nobody can have meant: tiny ones, repeated ones, one object of two classes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.datasets.truth import Boxes

_TINY = 4.0  #: pixels of the image as a model is fed: a shorter side is below what a network sees
_SAME = 0.95  # IoU at which two boxes are one
_OVERLAP = 0.85  # IoU at which two boxes are of one object
_MOST_OF_ONE = 2000  # boxes of one image that are compared with each other
_WHOLE = 0.95  # share of its image


@dataclass(frozen=True)
class BoxDoubts:
    """Places of boxes [m] by what is odd about them."""

    tiny: NDArray[np.int64]
    whole: NDArray[np.int64]  #: as large as their image
    repeated: NDArray[np.int64]  #: the same box and class again
    two_classes: NDArray[np.int64]  #: over a box of another class
    empty: NDArray[np.int64]  #: images without a box


def doubtful(boxes: Boxes) -> BoxDoubts:
    """Return what is odd about the boxes of a split. Crowd regions are left alone."""
    single = ~boxes.crowd
    fed = boxes.fed()
    tiny = single & (fed[:, 2:].min(axis=1, initial=np.inf) < _TINY)
    size = boxes.size[boxes.image].astype(np.float64)
    share = boxes.box[:, 2] * boxes.box[:, 3] / np.maximum(size[:, 0] * size[:, 1], 1)
    repeated: set[int] = set()
    two: set[int] = set()
    for rows in _by_image(boxes, single):
        overlap = np.triu(_iou(boxes.box[rows]), 1)
        for one, other in zip(*np.nonzero(overlap >= _OVERLAP), strict=True):
            same = boxes.category[rows[one]] == boxes.category[rows[other]]
            if same and overlap[one, other] >= _SAME:
                repeated.add(int(rows[other]))
            elif not same:
                two |= {int(rows[one]), int(rows[other])}
    empty = np.setdiff1d(np.arange(len(boxes)), boxes.image)
    return BoxDoubts(
        np.flatnonzero(tiny),
        np.flatnonzero(single & (share >= _WHOLE)),
        np.array(sorted(repeated), np.int64),
        np.array(sorted(two), np.int64),
        empty,
    )


def _by_image(boxes: Boxes, single: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    rows = np.flatnonzero(single)
    rows = rows[np.argsort(boxes.image[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(boxes.image[rows], prepend=-1))
    for own in np.split(rows, starts[1:]):
        if len(own) > 1:
            yield own[:_MOST_OF_ONE]


def _iou(box: NDArray[np.float64]) -> NDArray[np.float64]:
    first, last = box[:, :2], box[:, :2] + box[:, 2:]
    inner = np.minimum(last[:, None], last[None]) - np.maximum(first[:, None], first[None])
    shared = np.prod(np.maximum(inner, 0), axis=2)
    area = np.prod(box[:, 2:], axis=1)
    union = area[:, None] + area[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9))
