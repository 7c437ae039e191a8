"""Images as worse cameras and worse weather would have given them, in three severities.

The families are those of Hendrycks & Dietterich (2019), Benchmarking neural network robustness to
common corruptions and perturbations; the strengths are our own, chosen so that they mean the same
on 8 pixels and on 640. Everything takes and gives uint8 [height, width, channels] and depends on
nothing but the image, the severity and the generator.
"""

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from runner.contract import Task

SEVERITIES = (1, 2, 3)

Picture = NDArray[np.uint8]  # [height, width, channels]
Corrupt = Callable[[Picture, int, np.random.Generator], Picture]


def corruptions_for(task: Task) -> dict[str, Corrupt]:
    """Return the corruptions by name.

    What moves the picture is left out where the truth has places: boxes and masks would be wrong.
    """
    return _CORRUPTIONS | _MOVES if task == "classification" else dict(_CORRUPTIONS)


def corrupted(
    images: NDArray[np.uint8], places: NDArray[np.int64], name: str, severity: int, *, seed: int
) -> NDArray[np.uint8]:
    """Return a copy of ``images`` [k, h, w, c], each corrupted.

    What is random depends on ``seed``, the corruption, its severity and the image's place in dev
    alone, so that every model sees the same images, whatever else it sees.
    """
    corrupt = (_CORRUPTIONS | _MOVES)[name]
    number = list(_CORRUPTIONS | _MOVES).index(name)
    return np.stack(
        [
            corrupt(image, severity, np.random.default_rng([seed, number, severity, int(place)]))
            for image, place in zip(images, places, strict=True)
        ]
    )


def _noise(image: Picture, severity: int, rng: np.random.Generator) -> Picture:
    """Add normal noise of 5, 10, 20 % of the range: a sensor in little light."""
    spread = (12.75, 25.5, 51.0)[severity - 1]
    return _whole(image + rng.normal(0, spread, image.shape))


def _specks(image: Picture, severity: int, rng: np.random.Generator) -> Picture:
    """Turn 1, 3, 8 % of the pixels black or white: dead pixels, lost packets."""
    share = (0.01, 0.03, 0.08)[severity - 1]
    found = image.copy()
    dice = rng.random(image.shape[:2])
    found[dice < share / 2] = 0
    found[dice > 1 - share / 2] = 255
    return found


def _blur(image: Picture, severity: int, _rng: np.random.Generator) -> Picture:
    """Blur by a Gaussian: out of focus."""
    radius = severity * (0.25 + 0.006 * min(image.shape[:2]))
    return _array(_picture(image).filter(ImageFilter.GaussianBlur(radius)), image)


def _motion(image: Picture, severity: int, _rng: np.random.Generator) -> Picture:
    """Smear along the rows, 3, 5, 7 pixels wide at least: a hand that shakes."""
    width = image.shape[1]
    each_way = severity * max(1, round(0.0075 * width))
    steps = 1 + 2 * each_way
    wide = np.pad(image, ((0, 0), (each_way, each_way), (0, 0)), mode="edge")
    total = sum(wide[:, at : at + width].astype(np.uint32) for at in range(steps))
    return _whole(total / steps)


def _fog(image: Picture, severity: int, rng: np.random.Generator) -> Picture:
    """Lay 30, 50, 70 % of a light, uneven grey over it."""
    share = (0.3, 0.5, 0.7)[severity - 1]
    coarse = rng.integers(170, 256, (3, 3), dtype=np.uint8)
    size = (image.shape[1], image.shape[0])
    cloud = np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))
    return _whole((1 - share) * image + share * cloud[..., None])


def _bright(image: Picture, severity: int, _rng: np.random.Generator) -> Picture:
    """Add 40, 80, 120 of 255: overexposed."""
    return _whole(image + 40.0 * severity)


def _dark(image: Picture, severity: int, _rng: np.random.Generator) -> Picture:
    """Leave 60, 35, 20 % of the light: dusk."""
    return _whole(image * (0.6, 0.35, 0.2)[severity - 1])


def _contrast(image: Picture, severity: int, _rng: np.random.Generator) -> Picture:
    """Leave 60, 35, 20 % of the distance to the mean."""
    mean = image.mean(axis=(0, 1))
    return _whole(mean + (image - mean) * (0.6, 0.35, 0.2)[severity - 1])


def _pixels(image: Picture, severity: int, _rng: np.random.Generator) -> Picture:
    """Keep 75, 50, 33 % of the pixels each way: seen from afar, or a small preview."""
    share = (0.75, 0.5, 0.33)[severity - 1]
    h, w = image.shape[:2]
    small = (max(1, round(w * share)), max(1, round(h * share)))
    shrunk = _picture(image).resize(small, Image.Resampling.BOX)
    return _array(shrunk.resize((w, h), Image.Resampling.NEAREST), image)


def _jpeg(image: Picture, severity: int, _rng: np.random.Generator) -> Picture:
    """Compress at quality 40, 20, 8."""
    file = io.BytesIO()
    _picture(image).save(file, "JPEG", quality=(40, 20, 8)[severity - 1])
    with Image.open(file) as found:
        return _array(found, image)


def _rotation(image: Picture, severity: int, rng: np.random.Generator) -> Picture:
    """Turn it by 7, 15, 30 degrees, one way or the other."""
    degrees = (7, 15, 30)[severity - 1] * (1 if rng.random() < 0.5 else -1)  # noqa: PLR2004
    h, w = image.shape[:2]
    # Edges go on outwards, so that no black corner tells that it was turned.
    wide = np.pad(image, ((h // 2, h // 2), (w // 2, w // 2), (0, 0)), mode="edge")
    turned = _array(_picture(wide).rotate(degrees, Image.Resampling.BILINEAR), wide)
    found: Picture = turned[h // 2 : h // 2 + h, w // 2 : w // 2 + w]
    return found


def _shift(image: Picture, severity: int, rng: np.random.Generator) -> Picture:
    """Push it by 6, 12, 25 % of its size (1, 2, 3 pixels at least), in one of four directions; edges go on."""
    share = (0.06, 0.12, 0.25)[severity - 1]
    axis, back = int(rng.integers(2)), bool(rng.integers(2))
    length = image.shape[axis]
    by = max(severity, round(share * length))
    places = np.clip(np.arange(length) + (by if back else -by), 0, length - 1)
    found: Picture = np.take(image, places, axis=axis)
    return found


_CORRUPTIONS: dict[str, Corrupt] = {
    "noise": _noise,
    "specks": _specks,
    "blur": _blur,
    "motion": _motion,
    "fog": _fog,
    "brightness": _bright,
    "darkness": _dark,
    "contrast": _contrast,
    "pixelation": _pixels,
    "jpeg": _jpeg,
}
_MOVES: dict[str, Corrupt] = {"rotation": _rotation, "shift": _shift}


def _whole(values: NDArray[np.floating]) -> Picture:
    found: Picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return found


def _picture(image: Picture) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)


def _array(picture: Image.Image, like: Picture) -> Picture:
    return np.asarray(picture, np.uint8).reshape(like.shape)
