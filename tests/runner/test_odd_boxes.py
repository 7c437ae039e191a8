"""Strange but honest COCO files: imported box by box, or refused with what is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner.datasets.loading import Reading, load_source
from runner.datasets.source import DatasetError, Source
from tests.runner.odd_pictures import save, two


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
