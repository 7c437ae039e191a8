"""Masks that nobody can have meant: all one class, all ignored, sprinkled with specks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.datasets.truth import IGNORED, Masks

_SPECK = 4  #: pixels: a patch of one class this small is a slip of the brush
_STEPS = _SPECK + 1
_BLOCK = 64
_AROUND = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


@dataclass(frozen=True)
class MaskDoubts:
    """Places of images by what is odd about their mask."""

    ignored: NDArray[np.int64]  #: no pixel counts
    single: NDArray[np.int64]  #: one class from edge to edge
    specks: NDArray[np.int64]  #: with patches of at most ``_SPECK`` pixels
    speck_count: int


def doubtful(masks: Masks) -> MaskDoubts:
    """Return what is odd about the masks [n, h, w] of a split."""
    ignored, single, specked, count = [], [], [], 0
    for start in range(0, len(masks), _BLOCK):
        block = np.asarray(masks[start : start + _BLOCK])
        flat = block.reshape(len(block), -1)
        counted = flat != IGNORED
        most = np.where(counted, flat, 0).max(axis=1)
        least = np.where(counted, flat, IGNORED).min(axis=1)
        ignored.append(start + np.flatnonzero(~counted.any(axis=1)))
        single.append(start + np.flatnonzero(counted.any(axis=1) & (most == least)))
        found = specks(block)
        specked.append(start + np.flatnonzero(found))
        count += int(found.sum())
    first, second, third = (np.concatenate(places) for places in (ignored, single, specked))
    return MaskDoubts(first, second, third, count)


def specks(masks: Masks) -> NDArray[np.int64]:
    """Return [n]: how many patches of at most four pixels, corners touching, each mask has.

    Each pixel takes the least number among its like neighbours, often enough for a speck to agree on
    one; a group whose members all have like neighbours of their own group only is a patch.
    """
    n, h, w = masks.shape
    padded = np.full((n, h + 2, w + 2), -1, np.int32)
    padded[:, 1:-1, 1:-1] = masks
    number = np.full(padded.shape, -1, np.int64)
    number[:, 1:-1, 1:-1] = np.arange(n * h * w).reshape(n, h, w)
    own = padded[:, 1:-1, 1:-1]
    alike = [own == _moved(padded, step) for step in _AROUND]
    for _ in range(_STEPS):
        least = number[:, 1:-1, 1:-1].copy()
        for step, same in zip(_AROUND, alike, strict=True):
            np.minimum(least, np.where(same, _moved(number, step), least), out=least)
        number[:, 1:-1, 1:-1] = least
    group = number[:, 1:-1, 1:-1]
    open_ = np.zeros(group.shape, np.bool_)
    for step, same in zip(_AROUND, alike, strict=True):
        open_ |= same & (_moved(number, step) != group)
    size = np.bincount(group.ravel(), minlength=group.size)
    leaks = np.bincount(group.ravel(), open_.ravel(), minlength=group.size)
    small = (size > 0) & (size <= _SPECK) & (leaks == 0) & (masks.ravel() != IGNORED)
    found: NDArray[np.int64] = small.reshape(n, -1).sum(axis=1)
    return found


def _moved(array: NDArray[np.generic], step: tuple[int, int]) -> NDArray[np.generic]:
    dy, dx = step
    return array[:, 1 + dy : array.shape[1] - 1 + dy, 1 + dx : array.shape[2] - 1 + dx]
