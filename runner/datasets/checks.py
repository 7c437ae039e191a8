"""What a moderator should know of a dataset before others depend on it."""

import hashlib
import itertools
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from runner.datasets.truth import per_class
from runner.datasets.version import SplitArrays

_UNEVEN = 10  # the largest class has this many times what the smallest has
COUNTED = {"classification": "image", "detection": "box", "segmentation": "pixel"}


def doubts(task: str, splits: Mapping[str, SplitArrays], classes: tuple[str, ...]) -> list[str]:
    """Return sentences on empty and uneven classes, repeated images, and images of two splits."""
    return [*_classes(task, splits, classes), *_repeated(splits)]


def _classes(task: str, splits: Mapping[str, SplitArrays], classes: tuple[str, ...]) -> list[str]:
    found = []
    for split, arrays in splits.items():
        counts = per_class(arrays.truth, len(classes))
        empty = [classes[number] for number in np.flatnonzero(counts == 0)[:5]]
        if empty:
            found.append(
                f"{split}: {int((counts == 0).sum())} classes have no {COUNTED[task]}: "
                f"{', '.join(empty)}"
            )
        some = counts[counts > 0]
        # That most pixels are background is the nature of masks, not a flaw.
        if task != "segmentation" and len(some) and some.max() > _UNEVEN * some.min():
            what = "images" if task == "classification" else "boxes"
            found.append(f"{split}: classes are uneven, from {some.min()} to {some.max()} {what}")
    return found


def _repeated(splits: Mapping[str, SplitArrays]) -> list[str]:
    found = []
    hashes = {split: hashes_of(arrays.images) for split, arrays in splits.items()}
    for split, own in hashes.items():
        if len(own) > len(set(own)):
            found.append(f"{split}: {len(own) - len(set(own))} images are there more than once")
    for one, other in itertools.combinations(hashes, 2):
        shared = set(hashes[one])
        count = sum(digest in shared for digest in hashes[other])
        if count:
            found.append(f"{count} images of {other} are in {one} too")
    return found


def hashes_of(images: NDArray[np.uint8]) -> list[bytes]:
    """Return a hash of each image's pixels."""
    return [hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images]
