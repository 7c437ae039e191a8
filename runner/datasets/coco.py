"""Reads COCO: a folder of images, and a json with ``images``, ``annotations`` and ``categories``.

Images and annotations keep the json's order of image ids. https://cocodataset.org/#format-data
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from runner.datasets.boxes import checked_boxes
from runner.datasets.pictures import SHOWN, Pictures
from runner.datasets.resizing import Resize
from runner.datasets.source import DatasetError, Source, chosen, named
from runner.datasets.truth import Boxes

_MOST_BYTES = 1_000_000_000


@dataclass(frozen=True)
class _Instances:
    images: dict[int, dict[str, Any]]  #: by id
    annotations: dict[int, list[dict[str, Any]]]  #: by image id
    categories: dict[int, str]  #: names by id, sorted by id
    warnings: tuple[str, ...]


def load_coco(
    folder: Path, instances: Path, *, resize: Resize | None, most: int | None = None
) -> Source:
    """Return the split that ``instances`` describes of the images in ``folder``.

    Pictures of several sizes need ``resize``; boxes stay in the pixels of the originals. Of more
    than ``most`` images a sample is read. Raises DatasetError.
    """
    if not folder.is_dir():
        raise DatasetError(
            f"{folder} is no folder; expected the images that {instances.name} names"
        )
    said = _read(instances)
    pictures = Pictures(resize, folder.name)
    ids: list[int] = []
    missing: list[str] = []
    numbers = sorted(said.images)
    for number in (numbers[place] for place in chosen(len(numbers), most)):
        name = str(said.images[number]["file_name"])
        path = _inside(folder, name)
        if not path.is_file():
            missing.append(name)
        elif pictures.add(path, name):
            ids.append(number)
    if not ids and missing:
        raise DatasetError(
            f"{folder.name}: none of the {len(missing)} images that {instances.name} names is there "
            f"({missing[0]} for one)"
        )
    images = pictures.stacked()
    boxes, warnings = _boxes(said, ids, pictures, instances.name)
    gone = (
        (f"{len(missing)} images are not there and were left out: {', '.join(missing[:SHOWN])}",)
        if missing
        else ()
    )
    return Source(
        images,
        boxes,
        named(list(said.categories.values())),
        (*gone, *pictures.warnings(), *said.warnings, *_sizes(said, ids, pictures), *warnings),
        **pictures.facts(),
        total=len(numbers),
    )


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except ValueError as error:  # a zero in it, or half a letter
        raise DatasetError(f"{name[:80]!a} is no file_name ({error})") from error
    if not inside:
        raise DatasetError(f"{name[:80]} leads out of {folder.name}")
    return path


def _boxes(
    said: _Instances, ids: list[int], pictures: Pictures, where: str
) -> tuple[Boxes, tuple[str, ...]]:
    place = {number: n for n, number in enumerate(said.categories)}
    rows = [
        (n, annotation) for n, number in enumerate(ids) for annotation in said.annotations[number]
    ]
    try:
        boxes = Boxes(
            image=np.array([n for n, _ in rows], np.int64),
            box=np.array([a["bbox"] for _, a in rows], np.float64).reshape(len(rows), 4),
            category=np.array([place[int(a["category_id"])] for _, a in rows], np.int64),
            area=np.array(
                [a.get("area", a["bbox"][2] * a["bbox"][3]) for _, a in rows], np.float64
            ),
            crowd=np.array([bool(a.get("iscrowd", 0)) for _, a in rows], np.bool_),
            size=np.array(pictures.sizes, np.int64),
            scale=np.array([p.scale for p in pictures.placed], np.float64),
            pad=np.array([p.pad for p in pictures.placed], np.float64),
        )
        return checked_boxes(boxes, where)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise DatasetError(
            f"{where}: an annotation is not as expected: image_id, category_id (of a category that "
            f"is there) and bbox [x, y, width, height] ({type(error).__name__}: {error})"
        ) from error


def _sizes(said: _Instances, ids: list[int], pictures: Pictures) -> tuple[str, ...]:
    other = [
        name
        for number, name, size in zip(ids, pictures.names, pictures.sizes, strict=True)
        if (said.images[number].get("height", size[0]), said.images[number].get("width", size[1]))
        != size
    ]
    words = (
        f"{len(other)} images have another size than the json says (turned by EXIF, perhaps), so "
        f"their boxes may be misplaced: {', '.join(other[:SHOWN])}"
    )
    return (words,) if other else ()


def _read(path: Path) -> _Instances:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DatasetError(f"{path.name} is larger than {_MOST_BYTES // 1_000_000} MB")
        said: Any = json.loads(path.read_bytes())
        listed = {name: list(said[name]) for name in ("images", "annotations", "categories")}
        images = {int(image["id"]): dict(image) for image in listed["images"]}
        names = {int(c["id"]): str(c["name"]) for c in listed["categories"]}
        nameless = [number for number, image in images.items() if "file_name" not in image]
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise DatasetError(
            f"{path.name}: not COCO instances, which have images (id, file_name), annotations and "
            f"categories (id, name) ({type(error).__name__}: {error})"
        ) from error
    for what, found in (("images", images), ("categories", names)):
        if len(found) != len(listed[what]):
            raise DatasetError(f"{path.name}: some {what} have the same id")
    if not images or nameless:
        raise DatasetError(
            f"{path.name}: {len(nameless)} images have no file_name, or none is there"
        )
    if not names:
        raise DatasetError(f"{path.name}: no category is there; expected id and name of each class")
    return _grouped(images, listed["annotations"], names, path.name)


def _id(said: Any) -> int | None:
    """Return a number that some programs write as 1.0 or "1"; None for what is none."""
    try:
        return int(said)
    except (TypeError, ValueError, OverflowError):
        return None


def _grouped(
    images: dict[int, dict[str, Any]], annotations: list[Any], names: dict[int, str], where: str
) -> _Instances:
    by_image: dict[int, list[dict[str, Any]]] = defaultdict(list)
    stray = 0
    for annotation in annotations:
        number = _id(annotation.get("image_id")) if isinstance(annotation, dict) else None
        if number is None or number not in images:
            stray += 1
        else:
            by_image[number].append(annotation)
    if annotations and stray == len(annotations):
        raise DatasetError(f"{where}: no annotation belongs to any of its images")
    warnings = [f"{stray} annotations belong to no image and were left out"] if stray else []
    numbers = sorted(names)
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        warnings.append(
            f"category ids have gaps ({len(numbers)} between {numbers[0]} and {numbers[-1]}); "
            "classes are numbered from 0 in their order"
        )
    return _Instances(images, by_image, {n: names[n] for n in numbers}, tuple(warnings))
