"""Where an answer comes from, found by hiding parts of an image: pure arithmetic on arrays.

An image is uint8 [h, w, c]; a map is float32 [h, w], larger where the answer depends on it. What is
hidden takes the image's mean colour, so that hiding neither lightens nor darkens it.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]
Window = tuple[int, int, int, int]  # top, left, bottom, right

_BLOCKS = 14  # each way: deleting pixel by pixel would make grain that alone confuses a model
_PATCHES = 6  # an occluding window is this share of the shorter side
_GRID = 7  # of a RISE mask, as in the paper
_KEPT = 0.5  # share of a RISE mask's cells that is open


def windows(h: int, w: int, *, overlap: bool) -> list[Window]:
    """Return square windows that cover an image: side by side, or each half over the last."""
    side = max(2, -(-min(h, w) // _PATCHES))
    step = max(1, side // 2) if overlap else side
    tops, lefts = (_starts(length, side, step) for length in (h, w))
    return [(top, left, min(top + side, h), min(left + side, w)) for top in tops for left in lefts]


def _starts(length: int, side: int, step: int) -> list[int]:
    last = max(length - side, 0)
    return sorted({*range(0, last + 1, step), last})


def hidden(image: Picture, where: Sequence[Window]) -> NDArray[np.uint8]:
    """Return copies [m, h, w, c] of ``image``, one window hidden in each."""
    found = np.repeat(image[None], len(where), axis=0)
    for copy, (top, left, bottom, right) in zip(found, where, strict=True):
        copy[top:bottom, left:right] = ground(image)
    return found


def ground(image: Picture) -> Picture:
    """Return the mean colour [c]."""
    found: Picture = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)
    return found


def occlusion_map(
    shape: tuple[int, int], where: Sequence[Window], before: float, after: NDArray[np.floating]
) -> Map:
    """Return how much confidence falls where a pixel is hidden, the mean over its windows.

    Zeiler & Fergus (2014), Visualizing and understanding convolutional networks. ``before`` is the
    confidence in the whole image, ``after`` [m] that with each window hidden.
    """
    fall, count = np.zeros(shape), np.zeros(shape)
    for (top, left, bottom, right), value in zip(where, after, strict=True):
        fall[top:bottom, left:right] += before - value
        count[top:bottom, left:right] += 1
    return scaled(fall / count)


def masks(count: int, h: int, w: int, rng: np.random.Generator) -> Iterator[Map]:
    """Yield RISE masks: a coarse grid of open and shut cells, enlarged smoothly, at random offsets.

    Petsiuk et al. (2018), RISE: randomized input sampling for explanation of black-box models.
    """
    grid = max(2, min(_GRID, min(h, w) // 2))
    tall, wide = -(-h // grid), -(-w // grid)
    for _ in range(count):
        cells = (rng.random((grid + 1, grid + 1)) < _KEPT).astype(np.float32)
        size = ((grid + 1) * wide, (grid + 1) * tall)
        whole = np.asarray(Image.fromarray(cells).resize(size, Image.Resampling.BILINEAR))
        top, left = int(rng.integers(tall)), int(rng.integers(wide))
        yield whole[top : top + h, left : left + w]


def masked(image: Picture, mask: Map) -> Picture:
    """Return ``image`` where the mask is 1, the mean colour where it is 0."""
    back = ground(image)
    mixed = back + (image.astype(np.float32) - back) * mask[..., None]
    found: Picture = np.rint(mixed).astype(np.uint8)
    return found


def rise_map(found: Sequence[Map], scores: NDArray[np.floating]) -> Map:
    """Return the masks' mean, weighted by the confidence [n] that each left."""
    total, open_ = np.zeros(found[0].shape), np.zeros(found[0].shape)
    for mask, score in zip(found, scores, strict=True):
        total += mask * score
        open_ += mask
    # Divided by what was open at each pixel, or its luck in so few masks would show as importance.
    return scaled(total / np.maximum(open_, 1e-6))


def scaled(values: NDArray[np.floating]) -> Map:
    """Return ``values`` brought to 0 to 1; zeros where they are all the same."""
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-9:  # noqa: PLR2004
        return np.zeros(values.shape, np.float32)
    return ((values - low) / (high - low)).astype(np.float32)


def blocks(h: int, w: int) -> NDArray[np.int64]:
    """Return the number [h, w] of the block that each pixel is in, from 0."""
    rows, columns = (
        np.arange(length) // max(1, -(-length // _BLOCKS)) for length in (h, w)
    )  # fmt: skip
    found: NDArray[np.int64] = rows[:, None] * (columns[-1] + 1) + columns
    return found


def order_of(found: Map) -> NDArray[np.int64]:
    """Return the blocks of a map, the most important first."""
    place = blocks(*found.shape).ravel()
    total = np.bincount(place, weights=found.ravel())
    order: NDArray[np.int64] = np.argsort(-total / np.bincount(place), kind="stable")
    return order


def deletions(
    image: Picture, order: NDArray[np.int64], fractions: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Return copies [s, h, w, c] of ``image``: in each, that share of the blocks is hidden."""
    place = blocks(*image.shape[:2])
    turn = np.empty(len(order), np.int64)
    turn[order] = np.arange(len(order))
    gone = np.rint(np.asarray(fractions) * len(order))
    away = turn[place][None] < gone[:, None, None]
    found: NDArray[np.uint8] = np.where(away[..., None], ground(image), image[None])
    return found


def area(curves: NDArray[np.floating], fractions: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the area under each of ``curves`` [k, s], by trapezia."""
    found: NDArray[np.floating] = np.trapezoid(curves, fractions, axis=1)
    return found
