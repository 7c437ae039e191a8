"""Turns sources into a frozen dataset version: one set of classes, one shape, doubts said aloud."""

import io
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from runner import blobs
from runner.contract import Artifact, DatasetManifest, SplitFacts, Task
from runner.datasets.checks import doubts
from runner.datasets.npz import ATTRIBUTE
from runner.datasets.source import DatasetError, Source
from runner.datasets.truth import IGNORED, Truth, arrays_of, most_of, per_class, renumbered
from runner.datasets.version import (
    SplitArrays,
    images_file,
    key_of,
    read_manifest,
    write_version,
)

SplitName = Literal["train", "dev", "board", "shadow"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
_PUBLIC = ("train", "dev")
_MOST_CLASSES = {"classification": 100_000, "detection": 10_000, "segmentation": IGNORED}
_LEAST_CLASSES = {"classification": 2, "detection": 1, "segmentation": 2}


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
    if "board" not in sources:
        raise DatasetError("a benchmark needs a board split")
    if not card.licence.strip() or not card.source.strip():
        raise DatasetError("say under which licence the images are, and where they come from")
    unknown = card.conditions.keys() - sources.keys()
    if unknown:
        raise DatasetError(f"conditions of a split that is not there: {', '.join(sorted(unknown))}")
    shape = _one_shape(sources)
    classes = classes_of(sources, card.task)
    if len(classes) < _LEAST_CLASSES[card.task]:  # one class is always right
        raise DatasetError(f"a {card.task} benchmark needs at least two classes; one was found")
    splits: dict[str, SplitArrays] = {
        split: SplitArrays(
            sources[split].images,
            truth_in(sources[split], classes, split),
            dict(sources[split].attributes),
        )
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
                *doubts(card.task, splits, classes),
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


def classes_of(sources: Mapping[Any, Source], task: Task) -> tuple[str, ...]:
    """Return the classes of all splits. Named ones in the first split's order, then the rest's."""
    named = [source.classes for source in sources.values() if source.classes is not None]
    if not named:
        most = max(most_of(source.truth) for source in sources.values())
        if most >= _MOST_CLASSES[task]:
            raise DatasetError(f"a label is {most}; expected less than {_MOST_CLASSES[task]}")
        return tuple(str(number) for number in range(most + 1))
    return tuple(dict.fromkeys(itertools.chain.from_iterable(named)))


def truth_in(source: Source, classes: tuple[str, ...], split: str) -> Truth:
    """Return what is true of ``source``, counted in ``classes``. Raises DatasetError."""
    own = source.classes or classes
    most = most_of(source.truth)
    if most >= len(own):
        raise DatasetError(f"{split}: a label is {most}, but there are only {len(own)} classes")
    place = {name: number for number, name in enumerate(classes)}
    return renumbered(source.truth, np.array([place[name] for name in own], np.int64))


def _facts(split: str, arrays: SplitArrays, classes: tuple[str, ...], card: Card) -> SplitFacts:
    sha256, size = images_file(arrays.images)
    return SplitFacts.model_validate(
        {
            "split": split,
            "images": len(arrays.images),
            "per_class": tuple(per_class(arrays.truth, len(classes)).tolist()),
            "sha256": sha256,
            "size": size,
            "attributes": tuple(arrays.attributes),
            "conditions": card.conditions.get(split, ""),
        }
    )


def _download(
    split: str, arrays: SplitArrays, classes: tuple[str, ...], card: Card, artifacts: Path
) -> Artifact:
    file = io.BytesIO()
    np.savez_compressed(
        file,
        images=arrays.images,
        classes=np.array(classes),
        licence=np.array(card.licence),
        source=np.array(card.source),
        allow_pickle=False,
        **arrays_of(arrays.truth),
        **{ATTRIBUTE + name: np.array(words) for name, words in arrays.attributes.items()},
    )
    return blobs.store(
        artifacts, file.getvalue(), name=f"{split}.npz", media_type="application/x-npz"
    )
