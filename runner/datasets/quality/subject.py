"""What is looked through: a frozen version, or what was read from an archive."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.contract import DatasetManifest, Task
from runner.datasets.adding import classes_of, truth_in
from runner.datasets.source import Source, chosen
from runner.datasets.truth import Boxes, Truth, read_attributes, read_truth
from runner.datasets.version import read_manifest, split_file

MOST = 5000  #: images of a split that are looked at; of more a sample is
_PUBLIC = ("train", "dev")


@dataclass(frozen=True)
class Part:
    """One split: images uint8 [n, h, w, c], what is true of them, and what is known besides."""

    split: str
    images: NDArray[np.uint8]
    truth: Truth
    total: int  #: images, of which these n are all or a sample
    hidden: bool = False  #: its images and labels are nobody's to see: only counts may be told
    places: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(0, np.int64)
    )  #: in the split
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    names: tuple[str, ...] = ()  #: of files, where they were files
    sizes: NDArray[np.int64] | None = None  #: [n, 2], heights and widths of the originals
    unreadable: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()  #: what reading it told

    def __len__(self) -> int:
        """Return the number of images that are looked at."""
        return len(self.images)

    def name_of(self, image: int) -> str:
        """Return what its owner finds an image by."""
        return self.names[image] if self.names else f"#{int(self.places[image])}"


@dataclass(frozen=True)
class Subject:
    """A dataset to look through."""

    name: str
    task: Task
    classes: tuple[str, ...]
    parts: tuple[Part, ...]
    origin: str  #: key of the version, or what kind of upload it was
    licence: str = ""
    source: str = ""
    resized: str = ""  #: in words, where pictures were made smaller for looking

    @property
    def shown(self) -> tuple[Part, ...]:
        """Return the splits whose images and labels may be shown."""
        return tuple(part for part in self.parts if not part.hidden)

    @property
    def total(self) -> int:
        """Return the number of all images."""
        return sum(part.total for part in self.parts)


def taken(truth: Truth, rows: NDArray[np.int64]) -> Truth:
    """Return what is true of the images ``rows``, in that order (ascending)."""
    if not isinstance(truth, Boxes):
        found: Truth = truth[rows]
        return found
    place = np.full(len(truth), -1)
    place[rows] = np.arange(len(rows))
    keep = place[truth.image] >= 0
    return replace(
        truth,
        image=place[truth.image[keep]],
        box=truth.box[keep],
        category=truth.category[keep],
        area=truth.area[keep],
        crowd=truth.crowd[keep],
        size=truth.size[rows],
        scale=truth.scale[rows],
        pad=truth.pad[rows],
    )


def frozen(datasets: Path, key: str) -> Subject:
    """Return a dataset version. Its board and shadow are hidden. Raises Refusal."""
    manifest = read_manifest(datasets, key)
    parts = tuple(_part(datasets, manifest, facts.split) for facts in manifest.splits)
    return Subject(
        manifest.name,
        manifest.task,
        manifest.classes,
        parts,
        key,
        licence=manifest.licence,
        source=manifest.source,
    )


def _part(datasets: Path, manifest: DatasetManifest, split: str) -> Part:
    file = split_file(datasets, manifest, split)
    rows = chosen(file.rows, MOST)
    truth = taken(read_truth(datasets, manifest, split), rows)
    images = np.load(file.path, mmap_mode="r", allow_pickle=False)
    said = read_attributes(datasets, manifest, split)
    said_of_split = [w for w in manifest.warnings if w.startswith(f"{split}: ")]
    return Part(
        split,
        images if len(rows) == file.rows else images[rows],
        truth,
        file.rows,
        hidden=split not in _PUBLIC,
        places=rows,
        attributes={name: tuple(words[row] for row in rows) for name, words in said.items()},
        sizes=truth.size if isinstance(truth, Boxes) else None,
        warnings=tuple(warning.removeprefix(f"{split}: ") for warning in said_of_split),
    )


def brought(
    name: str, task: Task, sources: Mapping[str, Source], *, origin: str, resized: str = ""
) -> Subject:
    """Return what somebody brought: nothing of it is hidden from them. Raises DatasetError."""
    classes = classes_of(sources, task)
    parts = tuple(
        Part(
            split,
            source.images[:MOST],
            taken(truth_in(source, classes, split), np.arange(min(len(source.images), MOST))),
            source.total or len(source.images),
            places=np.arange(min(len(source.images), MOST)),
            attributes={key: words[:MOST] for key, words in source.attributes.items()},
            names=source.names[:MOST],
            sizes=np.array(source.sizes[:MOST], np.int64) if source.sizes else None,
            unreadable=source.unreadable,
            warnings=source.warnings,
        )
        for split, source in sources.items()
    )
    return Subject(name, task, classes, parts, origin, resized=resized)
