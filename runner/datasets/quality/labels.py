"""Which class labels the images themselves speak against.

Confident learning (Northcutt, Jiang & Chuang 2021, J. Artif. Intell. Res. 70) with the plainest of
models: each image's nearest neighbours among all others, on small copies of the pixels. An image is
never among its own neighbours nor are its copies, so what it is said to be is out of fold.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runner.datasets.quality.subject import Part

_SIDE = 12
_NEIGHBOURS = 10
_DIMENSIONS = 48
_BLOCK = 1024
_LEAST = 50  # images, below which neighbours are far away
_USABLE = 0.6  #: balanced accuracy of the neighbours, below which pixels cannot tell these classes
_SURE = 0.6  # share of the neighbours' votes for another class


@dataclass(frozen=True)
class Suspect:
    """An image whose neighbours are of another class."""

    part: int
    image: int
    label: int
    looks_like: int
    score: float  #: share of the neighbours' votes for ``looks_like`` minus that for the label


@dataclass(frozen=True)
class Suspicion:
    """The suspects, worst first, and how well neighbours can tell the classes apart at all."""

    suspects: tuple[Suspect, ...]
    accuracy: float | None  #: balanced, out of fold; None: too few images

    @property
    def usable(self) -> bool:
        """Say whether the neighbours can be believed."""
        return self.accuracy is not None and self.accuracy >= _USABLE


def suspicious(parts: Sequence[Part], classes: int) -> Suspicion:
    """Return suspects among the labels of all splits that are not hidden.

    Hidden images do not vote either: what a public image "rather is" would tell their labels.
    """
    open_ = [p for p, part in enumerate(parts) if not part.hidden]
    parts = [parts[p] for p in open_]
    if not parts:
        return Suspicion((), None)
    labels = np.concatenate([np.asarray(part.truth, np.int64) for part in parts])
    if len(labels) < _LEAST or len(np.unique(labels)) < 2:  # noqa: PLR2004
        return Suspicion((), None)
    votes = _votes(_features(parts), labels, classes)
    said = votes.argmax(axis=1)
    accuracy = float(np.mean([(said[labels == c] == c).mean() for c in np.unique(labels)]))
    if accuracy < _USABLE:
        return Suspicion((), accuracy)
    places = [(p, n) for p, part in zip(open_, parts, strict=True) for n in range(len(part))]
    suspects = [
        Suspect(
            *places[row],
            int(labels[row]),
            int(other),
            float(votes[row, other] - votes[row, labels[row]]),
        )
        for row, other in _confident(votes, labels)
    ]
    return Suspicion(tuple(sorted(suspects, key=lambda s: -s.score)), accuracy)


def _confident(votes: NDArray[np.float64], labels: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return rows with the class they confidently belong to, where that is not their label.

    A class's threshold is the mean of what images with that label get for it (Northcutt et al.,
    equation 2), so that a class that neighbours know badly asks for less. Not less than _SURE.
    """
    classes = votes.shape[1]
    own = votes[np.arange(len(labels)), labels]
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    thresholds = np.maximum(np.bincount(labels, own, minlength=classes) / counts, _SURE)
    above = np.where(votes >= thresholds, votes, -1.0)
    best = above.argmax(axis=1)
    found = (above.max(axis=1) >= 0) & (best != labels)
    return [(int(row), int(best[row])) for row in np.flatnonzero(found)]


def _features(parts: Sequence[Part]) -> NDArray[np.float32]:
    """Return rows [n, d] of length one: small copies, each with its own mean and spread taken out."""
    colour = all(part.images.shape[3] == 3 for part in parts)  # noqa: PLR2004
    rows = np.stack([_copy(image, colour=colour) for part in parts for image in part.images])
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(rows.std(axis=1, keepdims=True), 1.0)
    rows -= rows.mean(axis=0)
    # Principal components of a sample: the rest is noise, and neighbours are found sooner.
    sample = rows[:: max(1, len(rows) // 4000)]
    _, _, axes = np.linalg.svd(sample, full_matrices=False)
    rows = rows @ axes[:_DIMENSIONS].T
    found: NDArray[np.float32] = rows / np.maximum(
        np.linalg.norm(rows, axis=1, keepdims=True), 1e-6
    )
    return found


def _copy(image: NDArray[np.uint8], *, colour: bool) -> NDArray[np.float32]:
    pixels = image if colour else image.mean(axis=2).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(
        picture.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32
    ).ravel()  # fmt: skip


def _votes(
    rows: NDArray[np.float32], labels: NDArray[np.int64], classes: int
) -> NDArray[np.float64]:
    """Return [n, classes]: each neighbour's vote counts by its likeness, and they add up to one."""
    votes = np.zeros((len(rows), classes))
    near = min(_NEIGHBOURS, len(rows) - 1)
    for start in range(0, len(rows), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(rows)))
        likeness = rows[block] @ rows.T
        likeness[likeness > 1 - 1e-5] = -1.0  # itself, and copies that may bear the same mistake
        best = np.argpartition(likeness, -near, axis=1)[:, -near:]
        weight = np.maximum(np.take_along_axis(likeness, best, axis=1), 1e-3).astype(np.float64)
        place = np.repeat(np.arange(block.start, block.stop), near)
        np.add.at(votes, (place, labels[best].ravel()), weight.ravel())
    votes /= votes.sum(axis=1, keepdims=True)
    return votes
