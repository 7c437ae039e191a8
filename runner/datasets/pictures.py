"""Decodes pictures from outside: upright, eight bits, grey or RGB; whatever else they were is told."""

import struct
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from runner.datasets.resizing import Placed, Resize
from runner.datasets.source import DatasetError, as_images

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
#: what the endings promise: other decoders of Pillow (one starts a program) are nobody's need here
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
_MOST_PIXELS = 64_000_000  # of one picture: a photograph has 50 million at most
_GREY = {"1", "L"}
_SIXTEEN = {"I;16", "I;16B", "I;16L", "I;16N", "I"}
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_TURNED = (2, 3, 4, *_SIDEWAYS)
SHOWN = 5


class Unreadable(Exception):  # noqa: N818 - a state of the file, told as a warning
    """No picture can be made of the file; the message says why in a few words."""


@dataclass
class Pictures:
    """Collects decoded pictures of a split, and counts what was done to them."""

    resize: Resize | None
    where: str
    arrays: list[NDArray[np.uint8]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)  #: height, width before
    placed: list[Placed] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def add(self, path: Path, name: str) -> bool:
        """Decode one more. False, and remembered, where it cannot be read."""
        try:
            picture, told = decode(path)
        except Unreadable as error:
            self.unreadable.append(f"{name} ({error})" if str(error) else name)
            return False
        self.done.update(told)
        size = (picture.height, picture.width)
        fit = self.resize or Resize(*size)
        self.placed.append(fit.place(picture.width, picture.height))
        pixels = np.asarray(fit.apply(picture))
        self.arrays.append(pixels[..., None] if pixels.ndim == 2 else pixels)  # noqa: PLR2004
        self.sizes.append(size)
        self.names.append(name)
        return True

    def stacked(self) -> NDArray[np.uint8]:
        """Return all of them [n, h, w, c]. Grey stays grey if all are. Raises DatasetError."""
        if not self.arrays:
            raise DatasetError(f"{self.where}: no picture could be read")
        sizes = set(self.sizes)
        if self.resize is None and len(sizes) > 1:
            some = ", ".join(f"{w}x{h}" for h, w in sorted(sizes)[:SHOWN])
            raise DatasetError(
                f"{self.where}: pictures have {len(sizes)} sizes ({some} …); choose one with "
                "--resize HEIGHTxWIDTH"
            )
        most = max(picture.shape[2] for picture in self.arrays)
        same = [np.repeat(p, most, axis=2) if p.shape[2] < most else p for p in self.arrays]
        return as_images(np.stack(same), self.where)

    def facts(self) -> dict[str, Any]:
        """Return what a Source says of its files: names, sizes, and which could not be read."""
        return {
            "names": tuple(self.names),
            "sizes": tuple(self.sizes),
            "unreadable": tuple(self.unreadable),
        }

    def warnings(self) -> tuple[str, ...]:
        """Return what a moderator should look at."""
        found = []
        if self.unreadable:
            some = ", ".join(self.unreadable[:SHOWN])
            found.append(f"{len(self.unreadable)} files cannot be read and were left out: {some}")
        if self.resize and set(self.sizes) != {(self.resize.height, self.resize.width)}:
            found.append(self.resize.words())
        found += [f"{count} pictures {what}" for what, count in sorted(self.done.items())]
        return tuple(found)


def decode(path: Path) -> tuple[Image.Image, tuple[str, ...]]:
    """Return a picture in mode L or RGB, and what had to be done. Raises Unreadable."""
    try:
        # A warning of Pillow (a large picture, odd metadata) is nobody's to read here.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as opened:
                refuse_too_large(opened)
                return _eight_bits(opened)
    except UnidentifiedImageError:
        raise Unreadable from None
    except Image.DecompressionBombError:
        raise Unreadable("too large") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError) as error:
        raise Unreadable("truncated" if "truncated" in str(error) else "") from error


def refuse_too_large(opened: Image.Image) -> None:
    """Raise Unreadable for more pixels than any photograph has, before they are decoded."""
    if opened.width * opened.height > _MOST_PIXELS:
        raise Unreadable(f"{opened.width}x{opened.height} is too large")


def _eight_bits(opened: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    told = []
    if getattr(opened, "n_frames", 1) > 1:
        told.append("have several frames, of which the first was taken")
    picture = opened
    if _orientation(opened) != 1:
        told.append("were turned upright as their EXIF says")
        picture = ImageOps.exif_transpose(opened)
    if picture.mode in _SIXTEEN:
        told.append("have 16 bits, of which the upper 8 were taken")
        wide = np.asarray(picture).astype(np.int64)
        return Image.fromarray((np.clip(wide, 0, 65535) >> 8).astype(np.uint8)), tuple(told)
    if picture.mode == "F":
        raise Unreadable("floating point")
    if "A" in picture.getbands() or "transparency" in picture.info:
        # Over white, as a browser's page would show it: what lies under alpha 0 is arbitrary.
        told.append("have transparency, and were laid over white")
        alpha = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", alpha.size, "white"), alpha)
    if picture.mode == "CMYK":
        told.append("are CMYK, and were converted without their colour profile")
    return picture.convert("L" if opened.mode in _GREY else "RGB"), tuple(told)


def _orientation(opened: Image.Image) -> int:
    """Return how the camera was held, as EXIF numbers it; 1 (upright) where that cannot be read."""
    try:
        said = opened.getexif().get(_ORIENTATION, 1)
    except (SyntaxError, ValueError, OSError, struct.error):
        return 1
    return said if said in _TURNED else 1


def pictures_in(folder: Path) -> Iterable[Path]:
    """Return the picture files of a folder by name; links and hidden files are none."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in ENDINGS and path.is_file() and not path.name.startswith("."):
            yield path


def size_of(path: Path) -> tuple[int, int] | None:
    """Return height and width as the file's head states them, upright; None where none can be told."""
    if path.suffix.lower() not in ENDINGS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as opened:
                turned = _orientation(opened) in _SIDEWAYS
                width, height = opened.size
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        OverflowError,
        Image.DecompressionBombError,
    ):
        return None
    return (width, height) if turned else (height, width)
