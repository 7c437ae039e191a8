"""Dataset versions on disk: ``<datasets>/<key>/`` with a manifest, images and truth apart.

``images/<split>.npy`` is uint8 [n, h, w, c] and goes to the predicting process as a descriptor;
``labels/`` and ``attributes/`` (see ``truth``) never do. A version is written once and never changed.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from runner.contract import DATASET_KEY, DatasetManifest
from runner.datasets.truth import Truth, arrays_of, ending_of, save_truth
from runner.failures import Refusal

_LAYOUT = b"2"  # part of every key: another layout on disk is another version


@dataclass(frozen=True)
class SplitArrays:
    """The images uint8 [n, h, w, c] of one split, what is true of them, and n words by attribute."""

    images: NDArray[np.uint8]
    truth: Truth
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class SplitFile:
    """Where a split's pixels lie: ``rows`` images from byte ``offset`` of ``path``."""

    path: Path
    offset: int
    rows: int


def key_of(name: str, facts: str, splits: Mapping[str, SplitArrays]) -> str:
    """Return the key of a version: a readable name and twelve digits of its content.

    ``facts`` is whatever else the card says (classes, licence, source), as one string.
    """
    digest = hashlib.sha256(_LAYOUT + facts.encode())
    for split, arrays in sorted(splits.items()):
        digest.update(f"\0{split}{arrays.images.shape}".encode())
        digest.update(np.ascontiguousarray(arrays.images).data)
        for part, array in arrays_of(arrays.truth).items():
            digest.update(f"{part}{array.dtype}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(json.dumps(sorted(arrays.attributes.items())).encode())
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "dataset"
    return f"{slug}-{digest.hexdigest()[:12]}"


def write_version(
    datasets: Path, manifest: DatasetManifest, splits: Mapping[str, SplitArrays]
) -> None:
    """Write a version, whole or not at all. Does nothing where it is already there."""
    target = datasets / manifest.key
    if target.exists():
        return
    datasets.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=datasets, prefix=".adding-"))
    try:
        building.chmod(0o755)
        for split, arrays in splits.items():
            _write_split(building, split, arrays)
        with _kept(building / "manifest.json") as file:
            file.write(manifest.model_dump_json(indent=1).encode())
        for folder in (*(path for path in building.iterdir() if path.is_dir()), building):
            _sync_folder(folder)
        try:
            building.rename(target)
        except OSError:
            if not target.exists():  # otherwise somebody else has just added the same version
                raise
        _sync_folder(datasets)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def images_file(images: NDArray[np.uint8]) -> tuple[str, int]:
    """Return sha256 and size of the file that ``write_version`` makes of a split's images."""
    counted = _Counted()
    np.lib.format.write_array_header_1_0(
        counted, np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(images))
    )
    counted.write(np.ascontiguousarray(images).data)
    return counted.digest.hexdigest(), counted.size


class _Counted:
    """A file that keeps only the hash and the number of its bytes."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes | memoryview) -> None:
        self.digest.update(data)
        self.size += memoryview(data).nbytes


def _write_split(building: Path, split: str, arrays: SplitArrays) -> None:
    with _kept(building / "images" / f"{split}.npy") as file:
        np.save(file, np.ascontiguousarray(arrays.images), allow_pickle=False)
    with _kept(building / "labels" / f"{split}.{ending_of(arrays.truth)}") as file:
        save_truth(file, arrays.truth)
    if arrays.attributes:
        with _kept(building / "attributes" / f"{split}.json") as file:
            file.write(json.dumps(dict(arrays.attributes), ensure_ascii=False).encode())


@contextmanager
def _kept(path: Path) -> Iterator[BinaryIO]:
    """Open a new file whose bytes are on the disk when it is closed."""
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_manifest(datasets: Path, key: str) -> DatasetManifest:
    """Return a version's manifest. Raises Refusal (E_RUNNER_DATASET) where it is missing."""
    if not re.fullmatch(DATASET_KEY, key):
        raise Refusal("E_RUNNER_DATASET", got=f"a key that is none: {key[:80]}")
    try:
        return DatasetManifest.model_validate_json((datasets / key / "manifest.json").read_bytes())
    except (OSError, ValueError) as error:
        raise Refusal("E_RUNNER_DATASET", got=f"{key}: {type(error).__name__}") from error


def split_file(datasets: Path, manifest: DatasetManifest, split: str) -> SplitFile:
    """Return where a split's images are. Raises Refusal (E_RUNNER_DATASET) where they are not."""
    return images_at(datasets / manifest.key / "images" / f"{split}.npy", manifest, split)


def images_at(path: Path, manifest: DatasetManifest, split: str) -> SplitFile:
    """Return ``path`` as a split's images. Raises Refusal (E_RUNNER_DATASET) where they are none."""
    facts = next((s for s in manifest.splits if s.split == split), None)
    if facts is None:
        raise Refusal("E_RUNNER_DATASET", got=f"no split {split} in {manifest.key}")
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Refusal("E_RUNNER_DATASET", got=f"{split}: {type(error).__name__}") from error
    wanted = (facts.images, manifest.height, manifest.width, manifest.channels)
    if images.shape != wanted or images.dtype != np.uint8 or not images.flags.c_contiguous:
        raise Refusal("E_RUNNER_DATASET", expected=f"{wanted}", got=f"{images.shape}")
    assert isinstance(images, np.memmap)
    return SplitFile(path, images.offset, facts.images)
