"""Boxes of one image: their corners in the image's pixels, NMS, and the best of them as rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.predict.heads.head import Want

_FIRST_LOOK = 2000  # candidates; the rest is looked at only where these leave places free


@dataclass(frozen=True)
class Found:
    """Boxes [k, 4] as corners in the benchmark's pixels, scores [k], labels [k]."""

    boxes: NDArray[np.float32]
    scores: NDArray[Any]
    labels: NDArray[Any]
    raw: bool = False  #: not yet thinned out by NMS


@dataclass(frozen=True)
class Corners:
    """Turns the boxes that a model gives into x1, y1, x2, y2 of the benchmark's image."""

    form: str  #: xyxy, xywh or cxcywh
    scale: NDArray[np.float32]  #: [4], benchmark's pixels for one unit of the model's
    shift: NDArray[np.float32]  #: [4], the model's units that are padding at the left and top

    @classmethod
    def declared(cls, want: Want) -> "Corners":
        """Return what the contract and the way in which images are fed make of a box."""
        fed = want.fed
        unit = (fed.width, fed.height) if want.contract.normalised else (1, 1)
        x, y = unit[0] / fed.scale_x, unit[1] / fed.scale_y
        left, top = fed.left / unit[0], fed.top / unit[1]
        return cls(
            want.contract.boxes or "xyxy",
            np.array([x, y, x, y], np.float32),
            np.array([left, top, left, top], np.float32),
        )

    def of(self, boxes: NDArray[Any]) -> NDArray[np.float32]:
        """Return corners [k, 4] of ``boxes`` [k, 4]."""
        corners = boxes.astype(np.float32)
        if self.form == "cxcywh":
            corners[:, :2] -= corners[:, 2:] / 2
        if self.form != "xyxy":
            corners[:, 2:] += corners[:, :2]
        corners -= self.shift
        corners *= self.scale
        return corners


def best_of(found: Found, want: Want, row: NDArray[np.float32]) -> None:
    """Write the best boxes to ``row`` [100, 6], best first, then -1.

    Raises Refusal: E_NAN; E_OUTPUT_SHAPE for a class that the benchmark has not.
    """
    if not np.isfinite(found.scores).all() or not np.isfinite(found.boxes).all():
        raise Refusal("E_NAN", got="boxes or scores that are not finite numbers")
    labels = found.labels
    if (
        len(labels)
        and not ((labels >= 0) & (labels < want.classes) & (labels == np.floor(labels))).all()
    ):
        raise Refusal(
            "E_OUTPUT_SHAPE",
            expected=f"classes from 0 to {want.classes - 1}",
            got=f"{labels.min():g} to {labels.max():g}",
        )
    boxes, scores = found.boxes, found.scores.astype(np.float32)
    # A box without an area can never match.
    real = np.flatnonzero(
        (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        & (scores >= (want.contract.score_threshold if found.raw else -np.inf))
    )  # fmt: skip
    most = min(want.contract.max_detections, len(row))
    order = real[np.argsort(-scores[real], kind="stable")]
    if found.raw:
        order = _thinned(boxes, labels, order, most=most, iou=want.contract.iou_threshold)
    order = order[:most]
    row[...] = -1
    row[: len(order), :4] = boxes[order]
    row[: len(order), 4] = scores[order]
    row[: len(order), 5] = labels[order]


def _thinned(
    boxes: NDArray[np.float32],
    labels: NDArray[Any],
    order: NDArray[np.intp],
    *,
    most: int,
    iou: float,
) -> NDArray[np.intp]:
    """Return the places, best first, that no better box of their class overlaps by more than ``iou``."""
    kept = nms(boxes[order[:_FIRST_LOOK]], labels[order[:_FIRST_LOOK]], most=most, iou=iou)
    if len(kept) < most and len(order) > _FIRST_LOOK:
        kept = nms(boxes[order], labels[order], most=most, iou=iou)
    return order[kept]


def nms(
    boxes: NDArray[np.float32], labels: NDArray[Any], *, most: int, iou: float
) -> NDArray[np.intp]:
    """Return at most ``most`` places that greedy per-class NMS keeps of boxes sorted by score.

    One pass for each box that is kept and none for the others, so 8,400 anchors cost a hundred.
    """
    x1, y1, x2, y2 = (np.ascontiguousarray(side) for side in boxes.T)
    areas = (x2 - x1) * (y2 - y1)
    alive = np.ones(len(boxes), np.bool_)
    kept: list[int] = []
    place = 0
    while len(kept) < most and place < len(boxes):
        step = int(alive[place:].argmax())
        place += step
        if not alive[place]:
            break
        kept.append(place)
        rest = slice(place + 1, None)
        wide = np.minimum(x2[rest], x2[place]) - np.maximum(x1[rest], x1[place])
        high = np.minimum(y2[rest], y2[place]) - np.maximum(y1[rest], y1[place])
        shared = np.maximum(wide, 0) * np.maximum(high, 0)
        over = shared > iou * (areas[rest] + areas[place] - shared)
        alive[rest] &= ~(over & (labels[rest] == labels[place]))
        place += 1
    return np.array(kept, np.intp)
