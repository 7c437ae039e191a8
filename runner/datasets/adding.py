"""Turns sources into a frozen dataset version: one set of classes, one shape, doubts said aloud."""

import hashlib
import io
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from runner import blobs
from runner.contract import Artifact, DatasetManifest, SplitFacts, Task
from runner.datasets.source import DatasetError, Source
from runner.datasets.version import SplitArrays, key_of, read_manifest, write_version

SplitName = Literal["train", "dev", "board", "shadow"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
_PUBLIC = ("train", "dev")
_UNEVEN = 10  # the largest class has this many times the images of the smallest
_MOST_CLASSES = 100_000


@dataclass(frozen=True)
class Card:
    """What is said of a dataset besides its pixels."""

    name: str
    task: Task
    licence: str
    source: str
    conditions: Mapping[str, str]  #: by split, where its images come from another place


def add_dataset(
    card: Card, sources: Mapping[SplitName, Source], *, datasets: Path, artifacts: Path
) -> DatasetManifest:
    """Write a version and its public downloads; return its manifest. Again: the same, unchanged.

    Raises DatasetError for what cannot be a benchmark.
    """
    if card.task != "classification":
        raise DatasetError(f"{card.task} datasets cannot be added yet")
    if "board" not in sources:
        raise DatasetError("a benchmark needs a board split")
    if not card.licence.strip() or not card.source.strip():
        raise DatasetError("say under which licence the images are, and where they come from")
    unknown = card.conditions.keys() - sources.keys()
    if unknown:
        raise DatasetError(f"conditions of a split that is not there: {', '.join(sorted(unknown))}")
    shape = _one_shape(sources)
    classes = _classes(sources)
    if len(classes) < 2:  # noqa: PLR2004 - one class is always right
        raise DatasetError("a classification benchmark needs at least two classes; one was found")
    splits: dict[str, SplitArrays] = {
        split: SplitArrays(sources[split].images, _labels(sources[split], classes, split))
        for split in SPLITS
        if split in sources
    }
    facts = json.dumps(
        [card.task, classes, card.licence, card.source, sorted(card.conditions.items())]
    )
    key = key_of(card.name, facts, splits)
    if (datasets / key).exists():
        return read_manifest(datasets, key)
    manifest = DatasetManifest.model_validate(
        {
            "key": key,
            "name": card.name,
            "task": card.task,
            "classes": classes,
            "height": shape[0],
            "width": shape[1],
            "channels": shape[2],
            "licence": card.licence,
            "source": card.source,
            "splits": tuple(_facts(name, s, classes, card) for name, s in splits.items()),
            "warnings": (
                *(f"{n}: {w}" for n, s in sources.items() for w in s.warnings),
                *_doubts(splits, classes),
            ),
            "downloads": tuple(
                _download(split, splits[split], classes, card, artifacts)
                for split in _PUBLIC
                if split in splits
            ),
        }
    )
    write_version(datasets, manifest, splits)
    return manifest


def _one_shape(sources: Mapping[SplitName, Source]) -> tuple[int, ...]:
    shapes = {name: source.images.shape[1:] for name, source in sources.items()}
    if len(set(shapes.values())) > 1:
        words = ", ".join(f"{name} {h}x{w}x{c}" for name, (h, w, c) in shapes.items())
        raise DatasetError(f"all splits need one height, width and number of channels: {words}")
    return shapes["board"]


def _classes(sources: Mapping[SplitName, Source]) -> tuple[str, ...]:
    """Return the classes of all splits. Named ones in the first split's order, then the rest's."""
    named = [source.classes for source in sources.values() if source.classes is not None]
    if not named:
        most = max(int(source.labels.max()) for source in sources.values())
        if most >= _MOST_CLASSES:
            raise DatasetError(f"a label is {most}; expected less than {_MOST_CLASSES}")
        return tuple(str(number) for number in range(most + 1))
    return tuple(dict.fromkeys(itertools.chain.from_iterable(named)))


def _labels(source: Source, classes: tuple[str, ...], split: str) -> NDArray[np.int64]:
    own = source.classes or classes
    if source.labels.max() >= len(own):
        raise DatasetError(
            f"{split}: a label is {source.labels.max()}, but there are only {len(own)} classes"
        )
    place = {name: number for number, name in enumerate(classes)}
    return np.array([place[name] for name in own], np.int64)[source.labels]


def _facts(split: str, arrays: SplitArrays, classes: tuple[str, ...], card: Card) -> SplitFacts:
    counts = np.bincount(arrays.labels, minlength=len(classes))
    return SplitFacts.model_validate(
        {
            "split": split,
            "images": len(arrays.labels),
            "per_class": tuple(counts.tolist()),
            "conditions": card.conditions.get(split, ""),
        }
    )


def _doubts(splits: Mapping[str, SplitArrays], classes: tuple[str, ...]) -> list[str]:
    found = []
    for split, arrays in splits.items():
        counts = np.bincount(arrays.labels, minlength=len(classes))
        empty = [classes[number] for number in np.flatnonzero(counts == 0)[:5]]
        if empty:
            found.append(
                f"{split}: {int((counts == 0).sum())} classes have no image: {', '.join(empty)}"
            )
        some = counts[counts > 0]
        if some.max() > _UNEVEN * some.min():
            found.append(f"{split}: classes are uneven, from {some.min()} to {some.max()} images")
    hashes = {split: _hashes(arrays.images) for split, arrays in splits.items()}
    for split, own in hashes.items():
        if len(own) > len(set(own)):
            found.append(f"{split}: {len(own) - len(set(own))} images are there more than once")
    for one, other in itertools.combinations(hashes, 2):
        shared = set(hashes[one])
        count = sum(digest in shared for digest in hashes[other])
        if count:
            found.append(f"{count} images of {other} are in {one} too")
    return found


def _hashes(images: NDArray[np.uint8]) -> list[bytes]:
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]


def _download(
    split: str, arrays: SplitArrays, classes: tuple[str, ...], card: Card, artifacts: Path
) -> Artifact:
    file = io.BytesIO()
    np.savez_compressed(
        file,
        images=arrays.images,
        labels=arrays.labels,
        classes=np.array(classes),
        licence=np.array(card.licence),
        source=np.array(card.source),
    )
    return blobs.store(
        artifacts, file.getvalue(), name=f"{split}.npz", media_type="application/x-npz"
    )
