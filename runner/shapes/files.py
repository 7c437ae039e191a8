"""Writes the shapes world to a folder, in the field's own formats.

``images/<split>/*.png`` are shared by both tasks; ``boxes/<split>.json`` (COCO) and
``masks/<split>/*.png`` are their truths, ``classes.json`` names the masks' numbers and
``attributes.csv`` tells what is known of each image.
"""

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runner.shapes.painting import Painted, paint
from runner.shapes.world import CLASSES, SIDE, Camera, Scene, scene

LICENCE = "CC0 1.0"
SOURCE = "Painted by Bookwiz from fixed seeds: nobody's photographs, and nothing to be cleared"
CONDITIONS = "night only, and another camera: blurred, yellow, noisier"
BACKGROUND = "background"
_SEED = 20261124
_FAST = 1  # level of PNG's compression: noise does not shrink, and a demo should start


@dataclass(frozen=True)
class Part:
    """One split: how many images, how many of them at night, and by which camera."""

    images: int
    nights: float = 0.3
    camera: Camera = "A"


SPLITS = {
    "train": Part(300),
    "dev": Part(150),
    "board": Part(300),
    "shadow": Part(150, nights=1.0, camera="B"),
}


@dataclass(frozen=True)
class Split:
    """The scenes of a split, and what they look like."""

    scenes: list[Scene]
    painted: list[Painted]

    @property
    def images(self) -> NDArray[np.uint8]:
        """Return the pixels [n, SIDE, SIDE, 3]."""
        return np.stack([one.pixels for one in self.painted])

    @property
    def masks(self) -> NDArray[np.uint8]:
        """Return the masks [n, SIDE, SIDE], 0 for the background, else 1 + class."""
        return np.stack([one.mask for one in self.painted])

    def boxes(self) -> list[NDArray[np.float64]]:
        """Return what is seen of each image's shapes [k, 6]: x, y, width, height, class, pixels."""
        return [
            boxes_of(one.owner, [shape.kind for shape in plan.shapes])
            for plan, one in zip(self.scenes, self.painted, strict=True)
        ]


def split(name: str, part: Part) -> Split:
    """Return ``part`` of one of the ``SPLITS``; the same images every time."""
    place = list(SPLITS).index(name)
    scenes = [
        scene((_SEED, place, number), nights=part.nights, camera=part.camera)
        for number in range(part.images)
    ]
    return Split(scenes, [paint(plan) for plan in scenes])


def boxes_of(owner: NDArray[np.int64], kinds: list[int]) -> NDArray[np.float64]:
    """Return [k, 6]: x, y, width, height, class and pixels of each shape that ``owner`` shows."""
    found = []
    for number, kind in enumerate(kinds):
        rows, columns = np.nonzero(owner == number)
        if len(rows):
            x, y = columns.min(), rows.min()
            size = (columns.max() + 1 - x, rows.max() + 1 - y)
            found.append((x, y, *size, kind, len(rows)))
    return np.array(found, np.float64).reshape(-1, 6)


def write_split(folder: Path, name: str, made: Split) -> None:
    """Write images, boxes and masks of a split below ``folder``."""
    (folder / "images" / name).mkdir(parents=True, exist_ok=True)
    (folder / "masks" / name).mkdir(parents=True, exist_ok=True)
    (folder / "boxes").mkdir(exist_ok=True)
    for number, one in enumerate(made.painted):
        file = file_of(name, number)
        Image.fromarray(one.pixels).save(folder / "images" / name / file, compress_level=_FAST)
        Image.fromarray(one.mask).save(folder / "masks" / name / file, compress_level=_FAST)
    (folder / "boxes" / f"{name}.json").write_text(json.dumps(_coco(name, made)))


def write_words(folder: Path, splits: dict[str, Split]) -> None:
    """Write what is known of all images, and the classes of the masks."""
    rows: Iterable[dict[str, str]] = (
        {"file": file_of(name, number), **plan.attributes()}
        for name, made in splits.items()
        for number, plan in enumerate(made.scenes)
    )
    with (folder / "attributes.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "light", "ground", "size", "overlap"])
        writer.writeheader()
        writer.writerows(rows)
    (folder / "classes.json").write_text(json.dumps([BACKGROUND, *CLASSES]))


def file_of(name: str, number: int) -> str:
    """Return the file name of a split's image; no two splits share one."""
    return f"{name}-{number:04}.png"


def _coco(name: str, made: Split) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for number, boxes in enumerate(made.boxes()):
        for x, y, width, height, kind, pixels in boxes.tolist():
            annotations.append({
                "id": len(annotations) + 1, "image_id": number, "category_id": int(kind),
                "bbox": [x, y, width, height], "area": pixels, "iscrowd": 0,
            })  # fmt: skip
    return {
        "images": [
            {"id": number, "file_name": file_of(name, number), "height": SIDE, "width": SIDE}
            for number in range(len(made.scenes))
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": kind} for number, kind in enumerate(CLASSES)],
    }
