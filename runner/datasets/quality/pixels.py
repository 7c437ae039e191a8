"""What can be measured of each image without knowing what is on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runner.datasets.quality.subject import Part

SMALL = 16  #: side of the grey copies by which images are compared
_BLOCK = 256  # images at a time
BLANK = 2.0  #: grey levels: an image that varies less shows nothing
_CLEAR = 0.8  # Cohen (1988) calls a standardised difference of .8 large
_MARGIN = 0.1  # of the image's contrast: by less, a pixel is not darker than its neighbour
_LEAST = 20  # images of a split, below which its mean says little


@dataclass(frozen=True)
class Pixels:
    """The images of a split, measured: n of each."""

    brightness: NDArray[np.float64]  #: mean grey level, 0 to 255
    contrast: NDArray[np.float64]  #: standard deviation of the grey levels
    small: NDArray[np.float32]  #: [n, SMALL, SMALL] grey copies
    prints: NDArray[np.uint64]  #: [n, 2] perceptual hashes, see ``measured``

    @property
    def blank(self) -> NDArray[np.bool_]:
        """Return which images show nothing at all."""
        return self.contrast < BLANK


def measured(part: Part) -> Pixels:
    """Measure the images of a split.

    The hash is Krawetz's dHash, rows and columns: of a copy of 9 × 8 pixels, whether each is darker
    than its neighbour. ImageHash would bring SciPy and PyWavelets along for these ten lines.
    """
    brightness, contrast = np.zeros(len(part)), np.zeros(len(part))
    small = np.zeros((len(part), SMALL, SMALL), np.float32)
    prints = np.zeros((len(part), 2), np.uint64)
    for start in range(0, len(part), _BLOCK):
        grey = np.asarray(part.images[start : start + _BLOCK]).mean(axis=3, dtype=np.float32)
        rows = slice(start, start + len(grey))
        brightness[rows], contrast[rows] = grey.mean(axis=(1, 2)), grey.std(axis=(1, 2))
        for place, pixels in enumerate(grey, start):
            picture = Image.fromarray(pixels)
            small[place] = _reduced(picture, SMALL, SMALL)
            # On an even sky the next pixel is darker by luck: JPEG would turn those bits over.
            margin = _MARGIN * contrast[place]
            across, down = _reduced(picture, 9, 8), _reduced(picture, 8, 9)
            prints[place] = (
                _packed(across[:, 1:] - across[:, :-1] > margin),
                _packed(down[1:] - down[:-1] > margin),
            )
    return Pixels(brightness, contrast, small, prints)


def _reduced(picture: Image.Image, width: int, height: int) -> NDArray[np.float32]:
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX), np.float32)


def _packed(bits: NDArray[np.bool_]) -> np.uint64:
    return np.uint64(int.from_bytes(np.packbits(bits.ravel()).tobytes(), "big"))


def drift(reference: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Return how far the means of two splits lie apart, in their common standard deviation.

    Cohen's d (1988). None where one has too few images to say.
    """
    if min(len(reference), len(other)) < _LEAST:
        return None
    spread = np.sqrt((reference.var(ddof=1) + other.var(ddof=1)) / 2)
    gap = float(other.mean() - reference.mean())
    if spread == 0:
        return None if gap == 0 else float("inf") * np.sign(gap)
    return gap / float(spread)


def clear(difference: float | None) -> bool:
    """Say whether a drift is one to speak of."""
    return difference is not None and abs(difference) >= _CLEAR
