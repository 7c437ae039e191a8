"""The same image twice, pixel by pixel or nearly, within a split and across splits."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.datasets.checks import hashes_of
from runner.datasets.quality.pixels import Pixels
from runner.datasets.quality.subject import Part

_BITS = 12  # of 128: how far two hashes of one scene lie apart after JPEG or a change of light
_ALIKE = 0.995  # correlation of the small copies, which decides
_LEAST_SIDE = 16  # pixels: below this, different things look alike
_MOST_PAIRS = 20_000
_BLOCK = 1024

Place = tuple[int, int]  # which part, which image of it


@dataclass(frozen=True)
class Pair:
    """Two images that are one: ``exact`` to the pixel, or nearly."""

    one: Place
    other: Place
    exact: bool


@dataclass(frozen=True)
class Repeats:
    """All pairs that were found, and whether looking stopped early or was no use."""

    pairs: tuple[Pair, ...]
    cut: bool = False  #: there are more near duplicates than are listed
    too_small: bool = False  #: images too small for near duplicates to mean anything

    def between(self, one: int, other: int) -> list[Pair]:
        """Return the pairs of two parts, or of one with itself."""
        return [p for p in self.pairs if {p.one[0], p.other[0]} == {one, other}]


def repeats(parts: Sequence[Part], pixels: Sequence[Pixels]) -> Repeats:
    """Return repeated images: each copy once, paired with the first one of its kind."""
    places = [(p, n) for p, part in enumerate(parts) for n in range(len(part))]
    first: dict[tuple[tuple[int, ...], bytes], Place] = {}
    pairs, unique = [], []
    hashes = itertools.chain.from_iterable(
        ((part.images.shape[1:], digest) for digest in hashes_of(part.images)) for part in parts
    )
    for place, digest in zip(places, hashes, strict=True):
        if digest in first:
            pairs.append(Pair(first[digest], place, exact=True))
        else:
            first[digest] = place
            unique.append(place)
    if any(min(part.images.shape[1:3]) < _LEAST_SIDE for part in parts):
        return Repeats(tuple(pairs), too_small=True)
    # Images that show nothing all have the same hash.
    unique = [(p, n) for p, n in unique if not pixels[p].blank[n]]
    near, cut = _near(unique, pixels)
    return Repeats((*pairs, *near), cut)


def _near(unique: list[Place], pixels: Sequence[Pixels]) -> tuple[list[Pair], bool]:
    if not unique:
        return [], False
    prints = np.stack([pixels[p].prints[n] for p, n in unique])
    small = np.stack([pixels[p].small[n].ravel() for p, n in unique])
    small -= small.mean(axis=1, keepdims=True)
    small /= np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)
    found: list[Pair] = []
    copies: set[int] = set()
    for start in range(0, len(unique), _BLOCK):
        for one, other in _candidates(prints, start):
            if other in copies or float(small[one] @ small[other]) < _ALIKE:
                continue
            copies.add(other)
            found.append(Pair(unique[one], unique[other], exact=False))
            if len(found) >= _MOST_PAIRS:
                return found, True
    return found, False


def _candidates(prints: NDArray[np.uint64], start: int) -> list[tuple[int, int]]:
    """Return pairs (one < other) whose first is in the block from ``start``."""
    block = prints[start : start + _BLOCK]
    rest = prints[start:]
    apart = np.bitwise_count(block[:, None, 0] ^ rest[None, :, 0])
    apart += np.bitwise_count(block[:, None, 1] ^ rest[None, :, 1])
    one, other = np.nonzero(apart <= _BITS)
    later = other > one
    return [(int(a) + start, int(b) + start) for a, b in zip(one[later], other[later], strict=True)]
