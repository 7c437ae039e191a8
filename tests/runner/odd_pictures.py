"""Small pictures that strange datasets are made of."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

RED, GREEN, WHITE = (255, 0, 0), (0, 128, 0), (255, 255, 255)
Make = Callable[[Path], None]


def save(path: Path, picture: Image.Image, **given: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, **given)


def two(colour: Any = RED, *, mode: str = "RGB") -> Image.Image:
    """Four by two pixels, the left half of a colour, the right one black (or its first entry)."""
    picture = Image.new(mode, (4, 2))
    picture.paste(colour, (0, 0, 2, 2))
    return picture


def palette(*, transparent: bool = False) -> Image.Image:
    picture = Image.new("P", (4, 2), 0)
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 128, 0])
    picture.paste(1, (0, 0, 2, 2))
    if transparent:
        picture.info["transparency"] = 0
    return picture
