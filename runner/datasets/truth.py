"""What is true of a split's images. Only the scoring side ever opens it.

``labels/<split>.npy``: int64 [n] (classification) or uint8 [n, h, w] masks (segmentation, 255 is
ignored); ``labels/<split>.npz``: ``Boxes`` (detection). ``attributes/<split>.json``: what is known
of each image, a list of n words by name.
"""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from runner.contract import DatasetManifest
from runner.failures import Refusal

IGNORED = 255

Labels = NDArray[np.int64]  # [n]
Masks = NDArray[np.uint8]  # [n, h, w], IGNORED where no class counts


@dataclass(frozen=True)
class Boxes:
    """The objects of a split, m of them on n images, in pixels of the original images.

    A fed image is the original times ``scale``, shifted by ``pad``: fed = original * scale + pad.
    """

    image: NDArray[np.int64]  #: [m], place of the image in the split
    box: NDArray[np.float64]  #: [m, 4], x, y, width, height
    category: NDArray[np.int64]  #: [m], place in the manifest's classes
    area: NDArray[np.float64]  #: [m], which COCO's small, medium and large go by
    crowd: NDArray[np.bool_]  #: [m]
    size: NDArray[np.int64]  #: [n, 2], height and width
    scale: NDArray[np.float64]  #: [n, 2], of x and y
    pad: NDArray[np.float64]  #: [n, 2], of x and y

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.size)

    def fed(self) -> NDArray[np.float64]:
        """Return the boxes [m, 4] as x, y, width, height in pixels of the fed images."""
        scale, pad = self.scale[self.image], self.pad[self.image]
        return np.concatenate([self.box[:, :2] * scale + pad, self.box[:, 2:] * scale], axis=1)


Truth = Labels | Masks | Boxes


def arrays_of(truth: Truth) -> dict[str, NDArray[Any]]:
    """Return everything that ``truth`` consists of, by name, always in the same order."""
    if isinstance(truth, Boxes):
        return {f.name: getattr(truth, f.name) for f in fields(Boxes)}
    return {"masks" if truth.ndim > 1 else "labels": truth}


def most_of(truth: Truth) -> int:
    """Return the highest class number; -1 where there is none."""
    if isinstance(truth, Boxes):
        return int(truth.category.max(initial=-1))
    if truth.ndim == 1:
        return int(truth.max(initial=-1))
    counts = np.bincount(truth.ravel(), minlength=IGNORED + 1)[:IGNORED]
    return int(np.flatnonzero(counts).max(initial=-1))


def renumbered(truth: Truth, place: NDArray[np.int64]) -> Truth:
    """Return ``truth`` with class ``i`` called ``place[i]``; what is ignored stays so."""
    if isinstance(truth, Boxes):
        return replace(truth, category=place[truth.category])
    if truth.ndim == 1:
        return place[truth]
    table = np.full(IGNORED + 1, IGNORED, np.uint8)
    table[: len(place)] = place
    masks: Masks = table[truth]
    return masks


def per_class(truth: Truth, classes: int) -> NDArray[np.int64]:
    """Return how many images, boxes or pixels there are of each class."""
    if isinstance(truth, Boxes):
        return np.bincount(truth.category, minlength=classes)
    if truth.ndim == 1:
        return np.bincount(truth, minlength=classes)
    return np.bincount(truth.ravel(), minlength=IGNORED + 1)[:classes]


def ending_of(truth: Truth) -> str:
    """Return ``npz`` or ``npy``: what ``labels/<split>`` ends with."""
    return "npz" if isinstance(truth, Boxes) else "npy"


def save_truth(file: BinaryIO, truth: Truth) -> None:
    """Write ``truth`` in the form that ``read_truth`` reads."""
    if isinstance(truth, Boxes):
        np.savez(file, allow_pickle=False, **arrays_of(truth))
    else:
        np.save(file, np.ascontiguousarray(truth), allow_pickle=False)


def read_truth(datasets: Path, manifest: DatasetManifest, split: str) -> Truth:
    """Return what is true of ``split``. Raises Refusal (E_RUNNER_DATASET) where it cannot be read."""
    folder = datasets / manifest.key / "labels"
    try:
        if manifest.task == "detection":
            with np.load(folder / f"{split}.npz", allow_pickle=False) as archive:
                return Boxes(**{f.name: archive[f.name] for f in fields(Boxes)})
        found: Truth = np.load(folder / f"{split}.npy", allow_pickle=False)
    except (OSError, ValueError, KeyError) as error:
        raise Refusal("E_RUNNER_DATASET", got=f"{split} labels: {type(error).__name__}") from error
    return found


def read_attributes(datasets: Path, manifest: DatasetManifest, split: str) -> dict[str, list[str]]:
    """Return what is known of each image, by name; empty where nothing is."""
    path = datasets / manifest.key / "attributes" / f"{split}.json"
    if not path.exists():
        return {}
    said: Any = json.loads(path.read_bytes())
    return {str(name): [str(value) for value in values] for name, values in said.items()}
