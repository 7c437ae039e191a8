"""Strange but honest datasets: imported to the pixel, or refused with the file's name and a cure."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runner.datasets.adding import Card, add_dataset
from runner.datasets.loading import Reading, load_source
from runner.datasets.resizing import Resize
from runner.datasets.source import DatasetError, Source
from runner.datasets.truth import IGNORED

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


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def palette(*, transparent: bool = False) -> Image.Image:
    picture = Image.new("P", (4, 2), 0)
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 128, 0])
    picture.paste(1, (0, 0, 2, 2))
    if transparent:
        picture.info["transparency"] = 0
    return picture


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


def coco(place: Path, **said: Any) -> Source:
    """Read COCO of two pictures of 4 × 2 pixels; ``said`` is instead of what is usual."""
    for name in ("1.png", "2.png"):
        save(place / name, two())
    whole = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": 2, "width": 4} for n in (1, 2)],
        "annotations": [box(1, 0, 0, 2, 2)],
        "categories": [{"id": 1, "name": "ball"}, {"id": 2, "name": "bat"}],
    }
    (place / "a.json").write_text(json.dumps(whole | said))
    return load_source(f"{place},{place / 'a.json'}", Reading("detection"))


def box(image: Any, *corners: float, category: Any = 1, **more: Any) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "bbox": [*corners], **more}


def images(**more: Any) -> list[dict[str, Any]]:
    return [{"id": 1, "file_name": "1.png"} | more, {"id": 2, "file_name": "2.png"}]


RLE = {"size": [2, 4], "counts": [0, 4, 4]}
#: what is said instead; the boxes that are there then (image, x, y, width, height, class); what is told
COCO: dict[str, tuple[dict[str, Any], list[tuple[float, ...]], str]] = {
    "as usual": ({}, [(0, 0, 0, 2, 2, 0)], "1 images have no box"),
    "ids that begin at 0": (
        {"categories": [{"id": 0, "name": "ball"}], "annotations": [box(2, 0, 0, 1, 1, category=0)]},
        [(1, 0, 0, 1, 1, 0)], "",
    ),
    "ids with gaps, in another order": (
        {"categories": [{"id": 90, "name": "bat"}, {"id": 7, "name": "ball"}],
         "annotations": [box(1, 0, 0, 1, 1, category=90)]},
        [(0, 0, 0, 1, 1, 1)], "have gaps",
    ),
    "huge ids": (
        {"images": images(id=10**30), "annotations": [box(10**30, 0, 0, 1, 1)]},
        [(1, 0, 0, 1, 1, 0)], "",
    ),
    "ids in quotes": (
        {"images": images(id="1"), "annotations": [box("1", 0, 0, 1, 1, category="1")]},
        [(0, 0, 0, 1, 1, 0)], "",
    ),
    "ids with a point": ({"annotations": [box(1.0, 0, 0, 1, 1, category=1.0)]}, [(0, 0, 0, 1, 1, 0)], ""),
    "a box at the edge": ({"annotations": [box(1, 2, 0, 2, 2)]}, [(0, 2, 0, 2, 2, 0)], ""),
    "a box half a pixel beyond": (
        {"annotations": [box(1, 2, 0, 2.5, 2)]}, [(0, 2, 0, 2.5, 2, 0)], "",
    ),
    "a box beyond the edge": (
        {"annotations": [box(1, 2, -4, 9, 5)]}, [(0, 2, 0, 2, 1, 0)], "cut at its edge",
    ),
    "a box outside": ({"annotations": [box(1, 9, 9, 2, 2)]}, [], "lie outside"),
    "a box of no size": ({"annotations": [box(1, 1, 1, 0, 2)]}, [], "no area"),
    "a box inside out": ({"annotations": [box(1, 2, 2, -1, -1)]}, [], "no area"),
    "no annotation at all": ({"annotations": []}, [], "2 images have no box"),
    "a stray annotation": (
        {"annotations": [box(1, 0, 0, 1, 1), box(99, 0, 0, 1, 1)]},
        [(0, 0, 0, 1, 1, 0)], "belong to no image",
    ),
    "run lengths for a segmentation": (
        {"annotations": [box(1, 0, 0, 2, 2, segmentation=RLE, iscrowd=1)]}, [(0, 0, 0, 2, 2, 0)], "",
    ),
    "a segmentation of a million points": (
        {"annotations": [box(1, 0, 0, 2, 2, segmentation=[[0] * 1_000_000])]},
        [(0, 0, 0, 2, 2, 0)], "",
    ),
    "other sizes than there are": (
        {"images": images(height=200, width=400)}, [(0, 0, 0, 2, 2, 0)], "another size",
    ),
    "an image that is not there": (
        {"images": images(file_name="gone.png"), "annotations": [box(2, 0, 0, 1, 1)]},
        [(0, 0, 0, 1, 1, 0)], "not there",
    ),
    "letters of other people": (
        {"categories": [{"id": 1, "name": "мяч ⚽"}]}, [(0, 0, 0, 2, 2, 0)], "",
    ),
    "more keys than are read": ({"info": None, "licenses": [1], "x": {}}, [(0, 0, 0, 2, 2, 0)], ""),
}  # fmt: skip


@pytest.mark.parametrize("name", COCO)
def test_odd_coco_is_read_box_by_box(name: str, tmp_path: Path) -> None:
    said, wanted, told = COCO[name]
    found = coco(tmp_path, **said)
    boxes = found.truth
    rows = zip(boxes.image.tolist(), boxes.box.tolist(), boxes.category.tolist(), strict=True)
    assert [(image, *corners, kind) for image, corners, kind in rows] == wanted
    assert any(told in warning for warning in found.warnings) or not told


def test_crowds_are_kept_as_crowds_and_areas_as_they_are_said(tmp_path: Path) -> None:
    found = coco(
        tmp_path, annotations=[box(1, 0, 0, 2, 2, iscrowd=1, area=3.5), box(1, 0, 0, 1, 2)]
    )
    assert found.truth.crowd.tolist() == [True, False]
    assert found.truth.area.tolist() == [3.5, 2]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}]}, "must be different"),
        ({"categories": [{"id": 1, "name": " "}]}, "not empty"),
        ({"images": [{"id": 1, "height": 2}]}, "have no file_name"),
        ({"annotations": [{"image_id": 1, "category_id": 1, "segmentation": RLE}]}, r"bbox \[x, y"),
        ({"annotations": [box(1, 0, 0, 1, 1, category=9)]}, "category_id"),
        ({"images": [{"id": 1, "file_name": "x.png"}]}, "none of the 1 images"),
    ],
)
def test_coco_that_cannot_be_meant_is_refused_with_what_is_missing(
    said: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match=words):
        coco(tmp_path, **said)


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
