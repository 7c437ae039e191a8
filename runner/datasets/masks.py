"""Reads segmentations: a folder of images, and a folder of mask PNGs with the same stems.

A mask's pixel is the number of its class: grey levels, or places in a palette. 255 is ignored.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runner.datasets.pictures import (
    FORMATS,
    SHOWN,
    Pictures,
    Unreadable,
    pictures_in,
    refuse_too_large,
)
from runner.datasets.resizing import Resize
from runner.datasets.source import DatasetError, Source, chosen, named
from runner.datasets.truth import IGNORED, most_of

_SIXTEEN = {"I;16", "I;16B", "I;16L", "I"}


def load_masks(
    images: Path,
    masks: Path,
    *,
    resize: Resize | None,
    classes: Path | None,
    most: int | None = None,
) -> Source:
    """Return the split of two folders. ``classes`` names them: a json list, or a text of lines.

    A mask of another size than its image is refused: which pixel it means cannot be known. Of more
    than ``most`` images a sample is read. Raises DatasetError.
    """
    for folder in (images, masks):
        if not folder.is_dir():
            raise DatasetError(f"{folder} is no folder; expected IMAGES,MASKS")
    by_stem = {path.stem: path for path in masks.iterdir() if path.suffix.lower() == ".png"}
    pictures = Pictures(resize, images.name)
    found: list[NDArray[np.uint8]] = []
    bare: list[str] = []
    paths = list(pictures_in(images))
    for path in (paths[place] for place in chosen(len(paths), most)):
        if path.stem not in by_stem:
            bare.append(path.name)
        elif pictures.add(path, path.name):
            mask = _mask_of(by_stem[path.stem], pictures.sizes[-1])
            fitted = resize.apply_mask(mask, IGNORED) if resize else mask
            found.append(np.asarray(fitted))
    if bare and not found:
        raise DatasetError(
            f"{masks.name}: no mask has the name of an image; expected {Path(bare[0]).stem}.png"
        )
    pixels = pictures.stacked()
    truth = np.stack(found)
    extra = len(by_stem.keys() - {path.stem for path in paths})
    warnings = [f"{len(bare)} images have no mask and were left out: {', '.join(bare[:SHOWN])}"]
    return Source(
        pixels,
        truth,
        _names(classes, most_of(truth)) if classes else None,
        (
            *(warnings if bare else ()),
            *((f"{extra} masks have no image",) if extra > 0 else ()),
            *pictures.warnings(),
        ),
        **pictures.facts(),
        total=len(paths),
    )


def _mask_of(path: Path, size: tuple[int, int]) -> Image.Image:
    """Return the mask of an image of ``size`` (height, width). Raises DatasetError."""
    mask = _mask(path)
    if (mask.height, mask.width) != size:
        raise DatasetError(
            f"{path.name} is {mask.width}x{mask.height}, but its image "
            f"{size[1]}x{size[0]} (after turning it as its EXIF says)"
        )
    return mask


def _mask(path: Path) -> Image.Image:
    """Return a mask in mode L whose pixels are class numbers. Raises DatasetError."""
    try:
        with Image.open(path, formats=FORMATS) as opened:
            refuse_too_large(opened)
            pixels = np.asarray(opened)
            mode = opened.mode
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Unreadable) as error:
        raise DatasetError(f"mask {path.name}: cannot be read ({error})") from error
    if mode == "1":
        pixels = pixels.astype(np.uint8)
    if mode in _SIXTEEN and pixels.min() >= 0 and pixels.max() <= IGNORED:
        pixels = pixels.astype(np.uint8)
    if pixels.ndim != 2 or pixels.dtype != np.uint8:  # noqa: PLR2004 - one number for each pixel
        raise DatasetError(
            f"mask {path.name} is {mode}; expected a palette or 8-bit grey, each pixel the number "
            "of its class"
        )
    return Image.fromarray(pixels)


def _names(path: Path, most: int) -> tuple[str, ...]:
    try:
        text = path.read_text("utf-8-sig")
        said: Any = json.loads(text) if path.suffix.lower() == ".json" else text.splitlines()
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{path.name}: cannot be read ({error})") from error
    if isinstance(said, dict):
        numbered = {str(key): value for key, value in said.items()}
        wanted = [str(number) for number in range(len(numbered))]
        if set(numbered) != set(wanted):
            raise DatasetError(f'{path.name}: expected {{"0": "name", "1": …}} without a gap')
        said = [numbered[number] for number in wanted]
    if not isinstance(said, list):
        raise DatasetError(f"{path.name}: expected a list of class names")
    while said and not str(said[-1]).strip():
        said.pop()
    if most >= len(said):
        raise DatasetError(f"a mask holds the class {most}, but {path.name} names {len(said)}")
    return named(said)
