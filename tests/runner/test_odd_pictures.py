"""Strange but honest pictures and class folders: imported to the pixel, or refused by name."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runner.datasets.adding import Card, add_dataset
from runner.datasets.loading import load_source
from runner.datasets.source import DatasetError
from tests.runner.odd_pictures import GREEN, RED, WHITE, Make, palette, save, two


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def sixteen() -> Image.Image:
    return Image.fromarray(np.repeat([[60_000, 60_000, 256, 0]], 2, axis=0).astype(np.uint16))


def animated(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, second = two(RED), two(GREEN)
    first.save(path, save_all=True, append_images=[second], duration=50)


def clear(picture: Image.Image) -> Image.Image:
    picture.putalpha(Image.new("L", picture.size, 0))
    return picture


#: how a picture of class folders is written; the pixel of its left half, of its right; and what is told
PICTURES: dict[str, tuple[str, Make, Any, Any, str]] = {
    "upper-case endings": ("A.PNG", lambda p: save(p, two()), RED, (0, 0, 0), ""),
    "mixed endings": ("a.JpEg", lambda p: save(p, two(WHITE), quality=95), WHITE, (0, 0, 0), ""),
    "a name with blanks and dots": ("a b.v2.png", lambda p: save(p, two()), RED, (0, 0, 0), ""),
    "another ending than it is": (
        "a.png", lambda p: save(p, two(WHITE), format="JPEG", quality=95), WHITE, (0, 0, 0), "",
    ),
    "upside down by EXIF": (
        "a.png", lambda p: save(p, two(), exif=exif(3)), (0, 0, 0), RED, "upright",
    ),
    "mirrored by EXIF": ("a.png", lambda p: save(p, two(), exif=exif(2)), (0, 0, 0), RED, "upright"),
    "an EXIF that is none": ("a.png", lambda p: save(p, two(), exif=b"Exif\0\0no"), RED, (0, 0, 0), ""),
    "a palette": ("a.png", lambda p: save(p, palette()), RED, (0, 0, 0), ""),
    "a palette with a clear entry": (
        "a.gif", lambda p: save(p, palette(transparent=True)), RED, WHITE, "transparency",
    ),
    "grey": ("a.png", lambda p: save(p, two(200, mode="L")), 200, 0, ""),
    "one bit": ("a.png", lambda p: save(p, two(1, mode="1")), 255, 0, ""),
    "grey and alpha": ("a.png", lambda p: save(p, two((200, 255), mode="LA")), 200, 255, "transp"),
    "alpha": ("a.png", lambda p: save(p, two((*RED, 255), mode="RGBA")), RED, WHITE, "transparency"),
    "all clear": ("a.png", lambda p: save(p, clear(two())), WHITE, WHITE, "transparency"),
    "16 bits": ("a.png", lambda p: save(p, sixteen()), 234, 0, "16 bits"),
    "16 bits in a TIFF": ("a.tiff", lambda p: save(p, sixteen()), 234, 0, "16 bits"),
    "CMYK": ("a.tif", lambda p: save(p, two((0, 255, 255, 0), mode="CMYK")), RED, WHITE, "CMYK"),
    "animated": ("a.gif", animated, RED, (0, 0, 0), "several frames"),
    "animated WebP": ("a.webp", animated, None, None, "several frames"),
    "animated PNG": ("a.png", animated, RED, (0, 0, 0), "several frames"),
    "progressive": (
        "a.jpg", lambda p: save(p, two(WHITE), quality=95, progressive=True), WHITE, (0, 0, 0), "",
    ),
    "a bitmap": ("a.bmp", lambda p: save(p, two()), RED, (0, 0, 0), ""),
    "portable grey": ("a.pgm", lambda p: save(p, two(200, mode="L")), 200, 0, ""),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_pictures_of_every_kind_become_eight_bits_upright(name: str, tmp_path: Path) -> None:
    file, make, left, right, told = PICTURES[name]
    make(tmp_path / "s" / "cat" / file)
    found = load_source(str(tmp_path / "s"))
    assert found.images.shape[:3] == (1, 2, 4)
    if left is not None:
        for place, wanted in ((0, left), (3, right)):
            pixel = found.images[0, 0, place].tolist()
            assert pixel == pytest.approx(np.broadcast_to(wanted, len(pixel)).tolist(), abs=3)
    assert any(told in warning for warning in found.warnings) or not told
    assert (found.classes, found.truth.tolist(), found.unreadable) == (("cat",), [0], ())


def test_a_picture_that_lies_on_its_side_is_as_high_as_it_was_wide(tmp_path: Path) -> None:
    save(tmp_path / "s" / "cat" / "a.jpg", two(WHITE), exif=exif(6), quality=95)
    found = load_source(str(tmp_path / "s"))
    assert found.images.shape[1:3] == (4, 2)
    assert found.images[0, 0].min() > 200  # what was left is at the top now
    assert found.images[0, 3].max() < 50


def folders(*names: str) -> Make:
    def make(place: Path) -> None:
        for name in names:
            save(place / "s" / name, two())

    return make


FOLDERS: dict[str, tuple[Make, tuple[str, ...], list[int]]] = {
    "one image": (folders("cat/1.png"), ("cat",), [0]),
    "other people's letters": (folders("猫/1.png", "كلب/1.png"), ("كلب", "猫"), [0, 1]),
    "a class without images": (
        lambda p: (folders("cat/1.png")(p), (p / "s" / "dog").mkdir()), ("cat", "dog"), [0],
    ),
    "numbers for classes, in the order of their letters": (
        folders("10/1.png", "2/1.png"), ("10", "2"), [0, 1],
    ),
    "hidden folders and files": (
        folders("cat/1.png", "cat/.2.png", ".git/3.png"), ("cat",), [0],
    ),
    "what is no picture": (
        lambda p: (folders("cat/1.png")(p), (p / "s" / "cat" / "Thumbs.db").touch()), ("cat",), [0],
    ),
    "a picture beside the classes": (folders("cat/1.png", "stray.png"), ("cat",), [0]),
    "blanks in a name": (folders("big  cat/1.png"), ("big cat",), [0]),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_odd_folders_are_read(name: str, tmp_path: Path) -> None:
    make, classes, truth = FOLDERS[name]
    make(tmp_path)
    found = load_source(str(tmp_path / "s"))
    assert (found.classes, found.truth.tolist()) == (classes, truth)


REFUSED: dict[str, tuple[Make, str]] = {
    "no class": (lambda p: (p / "s").mkdir(), "no class folders"),
    "no picture": (lambda p: (p / "s" / "cat").mkdir(parents=True), "no picture could be read"),
    "two sizes": (
        lambda p: (folders("cat/1.png")(p), save(p / "s/dog/1.png", Image.new("L", (3, 3)))),
        "--resize HEIGHTxWIDTH",
    ),
    "names that become one": (folders("big cat/1.png", "big  cat/1.png"), "must be different"),
    "nothing but broken ones": (
        lambda p: (folders("cat/1.png")(p), (p / "s/cat/1.png").write_bytes(b"no")), "no picture",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_odd_folders_that_nothing_can_be_made_of_say_why(name: str, tmp_path: Path) -> None:
    make, words = REFUSED[name]
    make(tmp_path)
    with pytest.raises(DatasetError, match=words):
        load_source(str(tmp_path / "s"))


def test_a_dataset_with_classes_in_other_peoples_letters_is_frozen_and_read_again(
    tmp_path: Path,
) -> None:
    folders("猫/1.png", "Größe 2/1.png")(tmp_path)
    board = load_source(str(tmp_path / "s"))
    manifest = add_dataset(
        Card("Überall", "classification", "CC0", "us", {}),
        {"board": board, "train": board},
        datasets=tmp_path / "d",
        artifacts=tmp_path / "a",
    )
    assert manifest.classes == ("Größe 2", "猫")
    [download] = manifest.downloads
    data = (tmp_path / "a" / download.sha256[:2] / download.sha256).read_bytes()
    with np.load(io.BytesIO(data)) as archive:
        assert archive["classes"].tolist() == ["Größe 2", "猫"]
