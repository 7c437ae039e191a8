"""A split as it came from outside, before it is checked: images, truth, class names, and doubts."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from runner.datasets.truth import IGNORED, Truth

_MOST_LABEL = 1 << 31


class DatasetError(Exception):
    """A source that no dataset can be made of; the message says what is wrong and what was expected."""


@dataclass(frozen=True)
class Source:
    """Images uint8 [n, h, w, c] with a truth that counts in ``classes``, if these are named."""

    images: NDArray[np.uint8]
    truth: Truth
    classes: tuple[str, ...] | None
    warnings: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  #: n words by name
    names: tuple[str, ...] = ()  #: n file names, where the images were files
    sizes: tuple[tuple[int, int], ...] = ()  #: n heights and widths before resizing, where known
    unreadable: tuple[
        str, ...
    ] = ()  #: files that were left out, with the reason where one is known
    total: int | None = None  #: how many there are, where only ``most`` of them were read


def chosen(count: int, most: int | None) -> NDArray[np.int64]:
    """Return at most ``most`` places out of ``count``, in order; always the same ones (seed 0)."""
    if most is None or count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def as_images(array: NDArray[np.generic], where: str) -> NDArray[np.uint8]:
    """Return ``array`` as uint8 [n, h, w, c]. Raises DatasetError naming ``where`` it came from."""
    if array.dtype != np.uint8:
        raise DatasetError(f"{where}: images are {array.dtype}, expected uint8 (0 to 255)")
    if array.ndim == 3:  # noqa: PLR2004 - [n, h, w]: grey
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3):  # noqa: PLR2004
        raise DatasetError(
            f"{where}: images have the shape {list(array.shape)}, expected [n, height, width] or "
            "[n, height, width, 1 or 3]"
        )
    if 0 in array.shape:
        raise DatasetError(f"{where}: there are no images")
    return np.ascontiguousarray(array, dtype=np.uint8)


def as_labels(array: NDArray[np.generic], count: int, where: str) -> NDArray[np.int64]:
    """Return ``array`` as int64 [count]. Raises DatasetError naming ``where`` it came from."""
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise DatasetError(
            f"{where}: labels are {array.dtype} {list(array.shape)}, expected whole numbers [n]"
        )
    if len(array) != count:
        raise DatasetError(f"{where}: {count} images but {len(array)} labels")
    if array.size and not 0 <= int(array.min()) <= int(array.max()) < _MOST_LABEL:
        odd = array.min() if array.min() < 0 else array.max()
        raise DatasetError(f"{where}: a label is {odd}, expected 0 or more, below {_MOST_LABEL:,}")
    return array.astype(np.int64)


def named(classes: Sequence[object]) -> tuple[str, ...]:
    """Return class names as clean strings. Raises DatasetError for empty or repeated ones."""
    names = tuple(_shown(str(name)) for name in classes)
    if not all(names) or len(set(names)) != len(names):
        raise DatasetError(f"class names must be different and not empty: {', '.join(names)[:200]}")
    return names


def _shown(name: str) -> str:
    """Return a name on one line; what is half a letter or no letter at all is a question mark."""
    whole = "".join(
        "?" if unicodedata.category(c) in ("Cs", "Cc") and not c.isspace() else c for c in name
    )
    return " ".join(whole.split())


def as_masks(array: NDArray[np.generic], shape: tuple[int, ...], where: str) -> NDArray[np.uint8]:
    """Return ``array`` as uint8 ``shape`` [n, h, w]. Raises DatasetError naming ``where``."""
    if array.dtype.kind not in "iu" or array.shape != shape:
        raise DatasetError(
            f"{where}: masks are {array.dtype} {list(array.shape)}, expected whole numbers "
            f"{list(shape)}: one class for each pixel"
        )
    if array.size and (array.min() < 0 or array.max() > IGNORED):
        raise DatasetError(
            f"{where}: a mask holds {array.min() if array.min() < 0 else array.max()}, expected 0 "
            f"to 254, or {IGNORED} where no class counts"
        )
    return np.ascontiguousarray(array, dtype=np.uint8)
