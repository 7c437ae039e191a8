"""Strange but honest masks, arrays and IDX files: imported to the pixel, or refused by name."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runner.datasets.loading import Reading, load_source
from runner.datasets.resizing import Resize
from runner.datasets.source import DatasetError, Source
from runner.datasets.truth import IGNORED
from tests.runner.odd_pictures import palette, save, two


def masks(
    place: Path, mask: Image.Image, *, classes: str = "", resize: Resize | None = None
) -> Source:
    save(place / "i" / "1.png", two())
    save(place / "m" / "1.png", mask)
    named = place / "classes.txt"
    if classes:
        named.write_text(classes, encoding="utf-8-sig")
    how = Reading("segmentation", resize, named if classes else None)
    return load_source(f"{place / 'i'},{place / 'm'}", how)


def numbers(*row: int, kind: Any = np.uint8) -> Image.Image:
    return Image.fromarray(np.array([row, row], kind))


MASKS: dict[str, tuple[Image.Image, list[int]]] = {
    "grey": (numbers(0, 1, 2, 3), [0, 1, 2, 3]),
    "a void label": (numbers(0, 1, 255, 255), [0, 1, IGNORED, IGNORED]),
    "nothing but void": (numbers(255, 255, 255, 255), [IGNORED] * 4),
    "one class": (numbers(7, 7, 7, 7), [7, 7, 7, 7]),
    "a palette": (palette(), [1, 1, 0, 0]),
    "one bit": (two(1, mode="1"), [1, 1, 0, 0]),
    "16 bits with small numbers": (numbers(0, 1, 2, 255, kind=np.uint16), [0, 1, 2, IGNORED]),
}


@pytest.mark.parametrize("name", MASKS)
def test_odd_masks_are_read_pixel_by_pixel(name: str, tmp_path: Path) -> None:
    mask, row = MASKS[name]
    assert masks(tmp_path, mask).truth.tolist() == [[row, row]]


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (two(), "1.png is RGB; expected a palette or 8-bit grey"),
        (numbers(0, 1, 256, 3, kind=np.uint16), "expected a palette or 8-bit grey"),
        (Image.new("L", (4, 3)), "1.png is 4x3, but its image 4x2"),
        (Image.new("RGBA", (4, 2)), "1.png is RGBA"),
    ],
)
def test_masks_that_can_mean_anything_are_refused(
    mask: Image.Image, words: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=words):
        masks(tmp_path, mask)


def test_masks_may_end_in_large_letters(tmp_path: Path) -> None:
    masks(tmp_path, numbers(0, 1, 2, 3))
    (tmp_path / "m" / "1.png").rename(tmp_path / "m" / "1.PNG")
    found = load_source(f"{tmp_path / 'i'},{tmp_path / 'm'}", Reading("segmentation"))
    assert found.truth[0, 0].tolist() == [0, 1, 2, 3]


def test_masks_keep_their_numbers_when_they_are_resized(tmp_path: Path) -> None:
    found = masks(tmp_path, numbers(1, 1, 9, 9), resize=Resize(4, 4, "letterbox"))
    assert found.truth[0, :, 0].tolist() == [IGNORED, 1, 1, IGNORED]
    assert set(np.unique(found.truth)) == {1, 9, IGNORED}


def test_names_of_mask_classes_may_have_a_mark_of_order_and_empty_lines_at_the_end(
    tmp_path: Path,
) -> None:
    found = masks(tmp_path, numbers(0, 1, 1, 255), classes="Straße\n空\n\n")
    assert found.classes == ("Straße", "空")
    with pytest.raises(DatasetError, match=r"a mask holds the class 2, but classes.txt names 2"):
        masks(tmp_path, numbers(0, 1, 2, 255), classes="a\nb\n")


IMAGES = np.arange(2 * 2 * 4, dtype=np.uint8).reshape(2, 2, 4)
ARRAYS: dict[str, dict[str, Any]] = {
    "small labels": {"labels": np.array([0, 1], np.int8)},
    "labels without a sign": {"labels": np.array([0, 1], np.uint64)},
    "labels of another machine": {"labels": np.array([0, 1], ">i4")},
    "images in columns": {"images": np.asfortranarray(IMAGES), "labels": np.array([0, 1])},
    "one channel": {"images": IMAGES[..., None], "labels": np.array([0, 1])},
    "names of classes": {"labels": np.array([0, 1]), "classes": np.array(["a", "ß"])},
}


@pytest.mark.parametrize("name", ARRAYS)
def test_odd_arrays_are_read(name: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"images": IMAGES} | ARRAYS[name])
    found = load_source(str(tmp_path / "a.npz"))
    assert (found.images == IMAGES[..., None]).all()
    assert found.truth.tolist() == [0, 1]
    assert found.truth.dtype == np.int64


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"labels": np.array([0, 2**63], np.uint64)}, "a.npz: a label is 9223372036854775808"),
        ({"labels": np.array([0, -1])}, "a.npz: a label is -1, expected 0 or more"),
        ({"labels": np.array(["cat", "dog"])}, "a.npz: labels are .* whole numbers"),
        ({"labels": np.zeros((2, 10), int)}, r"a.npz: labels are int64 \[2, 10\]"),
        ({"images": IMAGES / 255, "labels": [0, 1]}, "a.npz: images are float64, expected uint8"),
        ({"images": IMAGES[..., None].repeat(4, 3), "labels": [0, 1]}, "1 or 3"),
        ({"images": np.moveaxis(IMAGES[..., None].repeat(3, 3), 3, 1), "labels": [0, 1]}, "1 or 3"),
        ({"labels": [0, 1], "classes": np.array(["a", "a"])}, "must be different"),
        ({"labels": [0, 1], "attribute_light": np.array(["day"])}, r"attribute_light is \[1\]"),
    ],
)
def test_arrays_that_can_mean_anything_are_refused(
    arrays: dict[str, Any], words: str, tmp_path: Path
) -> None:
    np.savez(
        tmp_path / "a.npz", **{"images": IMAGES} | {k: np.asarray(v) for k, v in arrays.items()}
    )
    with pytest.raises(DatasetError, match=words):
        load_source(str(tmp_path / "a.npz"))


def test_images_without_a_single_box_are_a_dataset_where_classes_are_named(tmp_path: Path) -> None:
    none = {"image": np.zeros(0, int), "box": np.zeros((0, 4)), "category": np.zeros(0, int)}
    np.savez(tmp_path / "a.NPZ.npz", images=IMAGES, classes=np.array(["ball"]), **none)
    path = (tmp_path / "a.NPZ.npz").rename(tmp_path / "a.NPZ")
    found = load_source(str(path), Reading("detection"))
    assert (len(found.truth.image), found.classes) == (0, ("ball",))
    assert "2 images have no box" in found.warnings


def idx(*sides: int, kind: int = 8, data: bytes | None = None) -> bytes:
    head = bytes([0, 0, kind, len(sides)]) + b"".join(side.to_bytes(4, "big") for side in sides)
    return head + (bytes(range(int(np.prod(sides)))) if data is None else data)


@pytest.mark.parametrize("packed", [False, True])
def test_idx_is_read_packed_or_not(packed: bool, tmp_path: Path) -> None:
    press = gzip.compress if packed else bytes
    (tmp_path / "x").write_bytes(press(idx(2, 2, 4)))
    (tmp_path / "y").write_bytes(press(idx(2)))
    found = load_source(f"{tmp_path / 'x'},{tmp_path / 'y'}")
    assert (found.images[..., 0] == IMAGES).all()
    assert found.truth.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (idx(2, 2, 4, kind=13), "x: not an IDX file of unsigned bytes"),
        (idx(2, 2, 5)[:-1], "do not make the shape"),
        (idx(2**31, 2**31, 4, data=b""), "do not make the shape"),
        (idx(*[1] * 200), "x: it has 200 dimensions"),
        (b"\x1f\x8b cut", "x: cannot be read"),
        (b"", "x: not an IDX file"),
    ],
)
def test_idx_that_is_none_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    (tmp_path / "y").write_bytes(idx(2))
    with pytest.raises(DatasetError, match=words):
        load_source(f"{tmp_path / 'x'},{tmp_path / 'y'}")
