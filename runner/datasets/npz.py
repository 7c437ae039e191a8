"""Reads numpy archives, in the form in which public splits are downloaded.

==============  ===============================================================================
task            arrays besides ``images`` uint8 [n, h, w(, c)] and, perhaps, ``classes``
==============  ===============================================================================
classification  ``labels`` int [n]
segmentation    ``masks`` uint8 [n, h, w], 255 where no class counts
detection       ``image`` int [m], ``box`` [m, 4] (x, y, width, height), ``category`` int [m];
                perhaps ``area`` [m], ``crowd`` bool [m], ``size``, ``scale`` and ``pad`` [n, 2]
all             perhaps ``attribute_NAME`` [n], words
==============  ===============================================================================
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.contract import Task
from runner.datasets.boxes import checked_boxes
from runner.datasets.source import DatasetError, Source, as_images, as_labels, as_masks, named
from runner.datasets.truth import Boxes, Truth

_NEEDED = {
    "classification": {"labels"},
    "segmentation": {"masks"},
    "detection": {"image", "box", "category"},
}
_MORE = {"classes", "area", "crowd", "size", "scale", "pad"}
ATTRIBUTE = "attribute_"


def load_npz(path: Path, task: Task = "classification") -> Source:
    """Return the split in ``path``. Raises DatasetError; pickled arrays are never opened."""
    try:
        with np.load(path, allow_pickle=False) as opened:
            archive = _wanted(opened, task, path.name)
            images = as_images(archive["images"], path.name)
            truth, warnings = _truth(archive, task, images, path.name)
            classes = named(archive["classes"].tolist()) if "classes" in archive else None
            attributes = {
                name.removeprefix(ATTRIBUTE): _words(array, len(images), name)
                for name, array in archive.items()
                if name.startswith(ATTRIBUTE)
            }
    except (DatasetError, MemoryError):
        raise
    except Exception as error:  # numpy has Python's own parser read heads, and zipfile the rest
        raise DatasetError(f"{path.name}: cannot be read ({error})") from error
    return Source(images, truth, classes, warnings, attributes)


def _wanted(opened: Mapping[str, NDArray[Any]], task: Task, where: str) -> dict[str, NDArray[Any]]:
    """Return the arrays that are read for ``task``, by name."""
    needed = {"images"} | _NEEDED[task]
    missing = needed - set(opened)
    if missing:
        found = ", ".join(opened) or "nothing"
        raise DatasetError(f"{where}: no array {' and '.join(sorted(missing))}; found {found}")
    names = [n for n in opened if n in needed | _MORE or n.startswith(ATTRIBUTE)]
    arrays = {name: opened[name] for name in names}
    strange = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if strange:
        raise DatasetError(f"{where}: {', '.join(strange)} is no array")
    return arrays


def _truth(
    archive: Mapping[str, NDArray[Any]], task: Task, images: NDArray[np.uint8], where: str
) -> tuple[Truth, tuple[str, ...]]:
    if task == "classification":
        return as_labels(archive["labels"], len(images), where), ()
    if task == "segmentation":
        return as_masks(archive["masks"], images.shape[:3], where), ()
    return _boxes(archive, images, where)


def _boxes(
    archive: Mapping[str, NDArray[Any]], images: NDArray[np.uint8], where: str
) -> tuple[Boxes, tuple[str, ...]]:
    n, h, w = images.shape[:3]
    place = np.asarray(archive["image"])
    category = as_labels(archive["category"], len(place), where)
    box = np.asarray(archive["box"], np.float64)
    if place.dtype.kind not in "iu" or box.shape != (len(place), 4):
        raise DatasetError(
            f"{where}: image is {place.dtype} {list(place.shape)} and box {list(box.shape)}, "
            "expected whole numbers [m] and [m, 4]"
        )

    def given(name: str, otherwise: NDArray[Any]) -> NDArray[Any]:
        array = np.asarray(archive[name]) if name in archive else otherwise
        if array.shape != otherwise.shape or array.dtype.kind not in "iufb":
            raise DatasetError(
                f"{where}: {name} is {array.dtype} {list(array.shape)}, expected numbers "
                f"{list(otherwise.shape)}"
            )
        return array.astype(otherwise.dtype)

    boxes = Boxes(
        image=place.astype(np.int64),
        box=box,
        category=category,
        area=given("area", box[:, 2] * box[:, 3]),
        crowd=given("crowd", np.zeros(len(box), np.bool_)),
        size=given("size", np.tile(np.array([h, w]), (n, 1))),
        scale=given("scale", np.ones((n, 2))),
        pad=given("pad", np.zeros((n, 2))),
    )
    return checked_boxes(boxes, where)


def _words(array: NDArray[Any], count: int, name: str) -> tuple[str, ...]:
    if array.shape != (count,):
        raise DatasetError(f"{name} is {list(array.shape)}, expected [{count}]")
    return tuple(str(value) for value in array.tolist())
