"""Tells by its folders and files how a dataset is laid out, as those who pack one do it.

==================================  ==========================================================
``train/cat/1.png``                 class folders; without split folders: one split, "all"
``train.npz``, ``data.npz``         arrays, as public splits are downloaded
``images/a.png``, ``masks/a.png``   masks, below each split (or split folders below these)
``train/*.json`` with its images    COCO (Roboflow's form), or ``annotations/instances_train….json``
``train-images-idx3-ubyte`` …       IDX pairs
==================================  ==========================================================
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from runner.contract import Task
from runner.datasets.pictures import ENDINGS, size_of
from runner.datasets.source import DatasetError

_SPLITS = {
    "train": "train", "training": "train",
    "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev",
    "board": "board", "test": "board", "testing": "board", "t10k": "board",
    "shadow": "shadow",
}  # fmt: skip
ALL = "all"
_IMAGES = ("images", "imgs", "jpegimages", "image")
_MASKS = ("masks", "mask", "labels", "annotations", "segmentationclass")
_JSON_BYTES = 1_000_000_000
_ANY_ARRAYS: dict[Task, set[str]] = {
    "segmentation": {"images", "masks"},
    "detection": {"images", "image", "box", "category"},
    "classification": {"images", "labels"},
}


@dataclass(frozen=True)
class Layout:
    """How to read a folder: the task, and for each split what ``load_source`` takes."""

    task: Task
    splits: dict[str, str]
    classes: Path | None = None
    attributes: Path | None = None


def recognised(folder: Path) -> Layout:
    """Return the layout of ``folder``. Raises DatasetError saying what was found instead."""
    folder = _unwrapped(folder)
    for recognise in (_arrays, _idx, _coco, _masks, _classes):
        found = recognise(folder)
        if found is not None:
            named = (folder / name for name in ("attributes.csv", "attributes.json"))
            return replace(found, attributes=next((p for p in named if p.is_file()), None))
    names = ", ".join(sorted(path.name for path in folder.iterdir())[:8])
    raise DatasetError(
        f"no dataset was recognised in: {names}; expected class folders, COCO instances beside "
        "their images, images/ and masks/, IDX pairs or .npz files"
    )


def _unwrapped(folder: Path) -> Path:
    """Step into folders that only wrap another one."""
    while True:
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir() or _split_of(inside[0].name):
            return folder
        if _has_pictures(inside[0]):
            return folder  # that one is a class
        folder = inside[0]


def _split_of(name: str) -> str | None:
    for word in re.split(r"[^a-z0-9]+", re.sub(r"\d{4}", "", name.lower())):
        if word in _SPLITS:
            return _SPLITS[word]
    return None


def _split_folders(folder: Path) -> dict[str, Path]:
    """Return the folders that are splits, by split; ``folder`` itself where there are none."""
    found: dict[str, Path] = {}
    for path in sorted(p for p in folder.iterdir() if p.is_dir()):
        split = _SPLITS.get(path.name.lower())
        if split in found:
            raise DatasetError(f"{found[split].name} and {path.name} are both {split}")
        if split:
            found[split] = path
    return found or {ALL: folder}


def _arrays(folder: Path) -> Layout | None:
    files = _ending(folder, ".npz")
    if not files:
        return None
    splits = _by_split(files)
    tasks = {_task_of(path) for path in files}
    if len(tasks) > 1:
        raise DatasetError(f"the .npz files are of several tasks: {', '.join(sorted(tasks))}")
    return Layout(tasks.pop(), {split: str(path) for split, path in splits.items()})


def _ending(folder: Path, ending: str) -> list[Path]:
    """Return the files of a folder that end so, in large letters or small, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ending)


def _by_split(files: Sequence[Path]) -> dict[str, Path]:
    if len(files) == 1:
        return {_split_of(files[0].stem) or ALL: files[0]}
    splits: dict[str, Path] = {}
    for path in files:
        split = _split_of(path.stem)
        if split is None or split in splits:
            raise DatasetError(
                f"{path.name}: which split is it? Name the files train, dev, board, shadow"
            )
        splits[split] = path
    return splits


def _task_of(path: Path) -> Task:
    try:
        with np.load(path, allow_pickle=False) as archive:
            names = set(archive.files)
    except Exception as error:
        raise DatasetError(f"{path.name}: cannot be read ({type(error).__name__})") from error
    for task, needed in _ANY_ARRAYS.items():
        if needed <= names:
            return task
    raise DatasetError(
        f"{path.name} holds {', '.join(sorted(names)) or 'nothing'}; expected images with labels, "
        "masks, or image, box and category"
    )


def _idx(folder: Path) -> Layout | None:
    images = sorted(folder.glob("*images*idx3*")) + sorted(folder.glob("*images*idx4*"))
    splits = {}
    for path in images:
        labels = sorted(folder.glob(re.sub(r"images(.)idx\d", r"labels\1idx1", path.name)))
        if not labels:
            raise DatasetError(f"{path.name}: its labels are not there")
        splits[_split_of(path.name) or ALL] = f"{path},{labels[0]}"
    return Layout("classification", splits) if splits else None


def _coco(folder: Path) -> Layout | None:
    splits: dict[str, str] = {}
    parts = _split_folders(folder)
    shared = [folder / "annotations"] if (folder / "annotations").is_dir() else []
    for place in (*parts.values(), *shared, *([folder] if ALL not in parts else [])):
        for path in _ending(place, ".json"):
            if not _is_instances(path):
                continue
            own = next((s for s, part in parts.items() if part == place and s != ALL), None)
            split = own or _split_of(path.stem) or ALL
            if split in splits:
                raise DatasetError(f"{path.name}: there are two COCO files for {split}")
            splits[split] = f"{_images_for(folder, place, split, parts)},{path}"
    return Layout("detection", splits) if splits else None


def _is_instances(path: Path) -> bool:
    """Look for the three lists; what cannot be parsed is told by the reader of COCO files."""
    if path.stat().st_size > _JSON_BYTES:
        raise DatasetError(f"{path.name} is larger than {_JSON_BYTES // 1_000_000} MB")
    text = path.read_bytes()
    if not all(f'"{name}"'.encode() in text for name in ("images", "annotations", "categories")):
        return False
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return True
    return isinstance(said, dict) and "categories" in said


def _images_for(folder: Path, place: Path, split: str, parts: dict[str, Path]) -> Path:
    wanted = [parts.get(split, folder), place, folder]
    beside = [p for p in sorted(folder.iterdir()) if p.is_dir() and _split_of(p.name) == split]
    for base in (*wanted, *beside):
        for inner in (base, *(base / name for name in ("images", split))):
            if inner.is_dir() and _has_pictures(inner):
                return inner
    return wanted[0]


def _masks(folder: Path) -> Layout | None:
    splits = {}
    for split, part in _split_folders(folder).items():
        if pair := _pair(part):
            splits[split] = f"{pair[0]},{pair[1]}"
    if not splits and (pair := _pair(folder)):
        for split, images in _split_folders(pair[0]).items():
            masks = pair[1] / images.name if split != ALL else pair[1]
            splits[split] = f"{images},{masks}"
    if not splits:
        return None
    named = [folder / name for name in ("classes.txt", "classes.json", "labels.txt")]
    return Layout("segmentation", splits, next((p for p in named if p.is_file()), None))


def _pair(folder: Path) -> tuple[Path, Path] | None:
    by_name = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    images = next((by_name[name] for name in _IMAGES if name in by_name), None)
    masks = next((by_name[name] for name in _MASKS if name in by_name), None)
    return (images, masks) if images and masks else None


def _classes(folder: Path) -> Layout | None:
    # A folder called "train" may hold vehicles on rails: then it is a class beside the others.
    for parts in (_split_folders(folder), {ALL: folder}):
        splits = {split: str(part) for split, part in parts.items() if _has_classes(part)}
        if splits:
            return Layout("classification", splits)
    return None


def _has_classes(folder: Path) -> bool:
    return any(_has_pictures(inner) for inner in folder.iterdir() if inner.is_dir())


def _has_pictures(folder: Path) -> bool:
    return any(path.suffix.lower() in ENDINGS for path in folder.iterdir())


def sizes_in(splits: dict[str, str]) -> set[tuple[int, int]]:
    """Return the heights and widths that the files of image folders state, without decoding one."""
    folders = {Path(text.partition(",")[0]) for text in splits.values()}
    paths = (path for folder in folders if folder.is_dir() for path in folder.rglob("*"))
    return {size for path in paths if (size := size_of(path)) is not None}
