"""What can be said of how a digit is written, and how it looks by another pen and another scanner.

Pure. Images are uint8 [n, height, width, 1], ink is bright.
"""

import numpy as np
from numpy.typing import NDArray

_INK = (0.29, 0.32)  # mean brightness of an image: about a third lies below, between, above
_SHEAR = (-0.03, 0.11)  # columns a row; people who write upright lean a little, too
_THIN = 2.2  # an exponent: what is not full ink fades
_NOISE = 30.0  # standard deviation, in levels of 255
_SEED = 20240502


def attributes(images: NDArray[np.uint8]) -> dict[str, NDArray[np.str_]]:
    """Return words [n] for each attribute: how thick its strokes are, and where it leans.

    The lean is the shear of the ink's second moments, the covariance of column and row over the
    variance of rows (the deskewing of LeCun et al. 1998, without undoing it).
    """
    ink = images[..., 0] / 255.0
    height, width = ink.shape[1:]
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    mass = ink.sum(axis=(1, 2)).clip(1e-9)
    down = rows - ((ink * rows).sum(axis=(1, 2)) / mass)[:, None, None]
    right = columns - ((ink * columns).sum(axis=(1, 2)) / mass)[:, None, None]
    shear = (ink * down * right).sum(axis=(1, 2)) / (ink * down**2).sum(axis=(1, 2)).clip(1e-9)
    return {
        "strokes": np.array(("thin", "medium", "thick"))[np.digitize(ink.mean(axis=(1, 2)), _INK)],
        # Rows count downwards: what goes right on the way down leans to the left.
        "slant": np.array(("right", "upright", "left"))[np.digitize(shear, _SHEAR)],
    }


def elsewhere(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return each image with thin, blurred or noisy strokes, drawn from a fixed seed."""
    rng = np.random.default_rng(_SEED)
    ink = images / 255.0
    rows = np.pad(ink, ((0, 0), (1, 1), (0, 0), (0, 0)))
    rows = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    blurred = np.pad(rows, ((0, 0), (0, 0), (1, 1), (0, 0)))
    blurred = (blurred[:, :, :-2] + 2 * blurred[:, :, 1:-1] + blurred[:, :, 2:]) / 4
    noisy = ink + rng.normal(0, _NOISE / 255, ink.shape)
    way = rng.integers(0, 3, len(images))[:, None, None, None]
    seen = np.choose(way, (ink**_THIN, blurred, noisy))
    levels: NDArray[np.uint8] = np.rint(seen.clip(0, 1) * 255).astype(np.uint8)
    return levels
