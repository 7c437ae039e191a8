"""What can be wrong with boxes from outside, and what is done about each."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from runner.datasets.source import DatasetError
from runner.datasets.truth import Boxes


def checked_boxes(boxes: Boxes, where: str) -> tuple[Boxes, tuple[str, ...]]:
    """Return the boxes that can count, and what was done to the others.

    Boxes are cut at the edge of their image; those without an area, and those wholly outside, are
    left out. Raises DatasetError for numbers that are none and for images that are not there.
    """
    if not np.isfinite(boxes.box).all() or not np.isfinite(boxes.area).all():
        raise DatasetError(f"{where}: a box has a number that is infinite or none")
    if (
        len(boxes.image)
        and not ((boxes.image >= 0) & (boxes.image < len(boxes)) & (boxes.category >= 0)).all()
    ):
        raise DatasetError(f"{where}: a box names an image or a class that is not there")
    warnings = []
    flat = (boxes.box[:, 2] <= 0) | (boxes.box[:, 3] <= 0)
    if flat.any():
        warnings.append(f"{flat.sum()} boxes have no area and were left out")
    cut = _cut(boxes)
    outside = ~flat & ((cut[:, 2] <= 0) | (cut[:, 3] <= 0))
    if outside.any():
        warnings.append(f"{outside.sum()} boxes lie outside their image and were left out")
    # Half a pixel beyond the edge is rounding, which COCO itself is full of.
    beyond = ~flat & ~outside & (np.abs(cut - boxes.box).max(axis=1, initial=0) > 1)
    if beyond.any():
        warnings.append(f"{beyond.sum()} boxes reach beyond their image and were cut at its edge")
    empty = len(boxes) - len(np.unique(boxes.image[~flat & ~outside]))
    if empty:
        warnings.append(f"{empty} images have no box")
    box = np.where(beyond[:, None], cut, boxes.box)
    kept = replace(boxes, box=box)
    return _only(kept, ~flat & ~outside), tuple(warnings)


def _cut(boxes: Boxes) -> NDArray[np.float64]:
    size = boxes.size[boxes.image][:, ::-1].astype(np.float64)
    first = np.clip(boxes.box[:, :2], 0, size)
    last = np.clip(boxes.box[:, :2] + boxes.box[:, 2:], 0, size)
    return np.concatenate([first, last - first], axis=1)


def _only(boxes: Boxes, keep: NDArray[np.bool_]) -> Boxes:
    return replace(
        boxes,
        image=boxes.image[keep],
        box=boxes.box[keep],
        category=boxes.category[keep],
        area=boxes.area[keep],
        crowd=boxes.crowd[keep],
    )
