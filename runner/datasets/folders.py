"""Reads image folders: ``<folder>/<class>/*.png|jpg…``, the class being the folder's name."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from runner.datasets.source import DatasetError, Source, as_images, named

_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
_GREY = {"1", "L"}
_SHOWN = 5


def load_folder(folder: Path, *, resize: tuple[int, int] | None) -> Source:
    """Return the split in ``folder``, in the order of class and file name.

    One size for all: pictures of another one need ``resize`` = (height, width), which stretches
    bilinearly. Grey stays grey if all are. Unreadable files become warnings. Raises DatasetError.
    """
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    if not classes:
        raise DatasetError(f"{folder.name}: no class folders; expected {folder.name}/<class>/*.png")
    pictures: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    unreadable: list[str] = []
    sizes: set[tuple[int, int]] = set()
    for label, name in enumerate(classes):
        for path in sorted((folder / name).iterdir()):
            if path.suffix.lower() not in _ENDINGS:
                continue
            try:
                picture, size = _decode(path, resize)
            except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError):
                unreadable.append(f"{name}/{path.name}")
                continue
            pictures.append(picture)
            labels.append(label)
            sizes.add(size)
    if not pictures:
        raise DatasetError(f"{folder.name}: no picture could be read")
    if len({picture.shape[:2] for picture in pictures}) > 1:
        some = ", ".join(f"{w}x{h}" for h, w in sorted(sizes)[:_SHOWN])
        raise DatasetError(
            f"{folder.name}: pictures have {len(sizes)} sizes ({some} …); choose one with "
            "--resize HEIGHTxWIDTH"
        )
    return Source(
        as_images(np.stack(_one_mode(pictures)), folder.name),
        np.asarray(labels, np.int64),
        named(classes),
        _warnings(unreadable, sizes, resize),
    )


def _decode(
    path: Path, resize: tuple[int, int] | None
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    with Image.open(path) as opened:
        upright = ImageOps.exif_transpose(opened)
        picture = upright.convert("L" if upright.mode in _GREY else "RGB")
    size = (picture.height, picture.width)
    if resize is not None and size != resize:
        picture = picture.resize(resize[::-1], Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    return (pixels[..., None] if pixels.ndim == 2 else pixels), size  # noqa: PLR2004


def _one_mode(pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    most = max(picture.shape[2] for picture in pictures)
    return [np.repeat(p, most, axis=2) if p.shape[2] < most else p for p in pictures]


def _warnings(
    unreadable: list[str], sizes: set[tuple[int, int]], resize: tuple[int, int] | None
) -> tuple[str, ...]:
    found = []
    if unreadable:
        some = ", ".join(unreadable[:_SHOWN])
        found.append(f"{len(unreadable)} files cannot be read and were left out: {some}")
    if resize is not None and sizes != {resize}:
        found.append(f"resized to {resize[0]}x{resize[1]} (bilinear, aspect not kept)")
    return tuple(found)
