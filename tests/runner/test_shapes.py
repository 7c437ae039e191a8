"""The shapes world: the same every time, true, and with first entries that are worth beating."""

import json
import math
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from runner.datasets.loading import Reading, load_source
from runner.shapes import files, making
from runner.shapes.fitting import run
from runner.shapes.painting import corners, coverage, paint
from runner.shapes.world import CLASSES, SIDE, Shape, scene

FEWER = {
    "train": files.Part(150),
    "dev": files.Part(50),
    "board": files.Part(50),
    "shadow": files.Part(20, nights=1.0, camera="B"),
}


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """The folder that ``bookwiz-runner shapes`` writes, with fewer images, and its models."""
    folder = tmp_path_factory.mktemp("shapes")
    return folder, {path.stem: path for path in making.write_shapes(folder, FEWER)}


def scene_(number):
    return scene((7, number), nights=0.5, camera="A")


def test_a_seed_gives_the_same_picture_every_time_and_another_seed_another():
    one, again, other = paint(scene_(1)), paint(scene_(1)), paint(scene_(2))
    assert (one.pixels == again.pixels).all()
    assert (one.owner == again.owner).all()
    assert (one.pixels != other.pixels).any()


def inside(shape: Shape):
    """Whether the middle of each pixel lies in a shape: by geometry, and not as Pillow fills."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    kind = CLASSES[shape.kind]
    if kind in ("disc", "ring"):
        far = np.hypot(x - shape.x, y - shape.y) / shape.radius
        return (far <= 1) & (far >= (0.62 if kind == "ring" else 0))
    found, points = np.zeros(x.shape, bool), corners(shape)
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
        crosses = (y1 > y) != (y2 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            found ^= crosses & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return found


@pytest.mark.parametrize("kind", range(len(CLASSES)))
def test_a_shape_covers_what_geometry_says(kind):
    for x, y, radius in ((48, 48, 20), (30.3, 61.7, 9.4), (6, 90, 12)):
        shape = Shape(kind, x, y, radius, 0.7, (1, 0, 0))
        found, true = coverage(shape) >= 0.5, inside(shape)
        assert (found != true).sum() <= 0.3 * math.tau * radius, "only pixels of the edge differ"
        assert (found & true).sum() > 0.85 * true.sum()


def test_masks_and_boxes_are_what_redrawing_the_plan_shows():
    for number in range(30):
        plan = scene_(number)
        painted = paint(plan)
        mask = np.zeros((SIDE, SIDE), int)
        for shape in plan.shapes:
            mask[coverage(shape) >= 0.5] = 1 + shape.kind
        assert (painted.mask == mask).all()
        boxes = files.boxes_of(painted.owner, [shape.kind for shape in plan.shapes])
        assert boxes[:, 5].sum() == (mask > 0).sum()
        for left, top, width, height, kind, pixels in boxes.astype(int):
            part = mask[top : top + height, left : left + width] == 1 + kind
            assert part.sum() >= pixels
            assert part[0].any()
            assert part[-1].any()
            assert part[:, 0].any()
            assert part[:, -1].any()


def test_nothing_is_hidden_so_far_that_it_cannot_be_named():
    for number in range(60):
        plan = scene_(number)
        for place, pixels in Counter(paint(plan).owner.ravel().tolist()).items():
            if place >= 0:
                whole = (coverage(plan.shapes[place]) >= 0.5).sum()
                assert pixels > 0.25 * whole


def test_splits_are_read_as_any_dataset_and_share_no_image(shapes):
    folder, _ = shapes
    seen = set()
    for name, part in FEWER.items():
        how = Reading("detection", attributes=folder / "attributes.csv")
        found = load_source(making.sources(folder, "detection")[name], how)
        assert found.images.shape == (part.images, SIDE, SIDE, 3)
        assert found.classes == CLASSES
        assert not found.warnings
        assert set(found.attributes["light"]) == (
            {"night"} if name == "shadow" else {"day", "night"}
        )
        how = Reading("segmentation", classes=folder / "classes.json")
        other = load_source(making.sources(folder, "segmentation")[name], how)
        assert (other.images == found.images).all()
        assert other.classes == (files.BACKGROUND, *CLASSES)
        own = {image.tobytes() for image in found.images}
        assert len(own) == part.images
        assert not seen & own
        seen |= own


def test_files_are_what_the_seeds_paint(shapes):
    folder, _ = shapes
    made = files.split("dev", FEWER["dev"])
    assert (np.asarray(Image.open(folder / "images/dev/dev-0003.png")) == made.images[3]).all()
    assert (np.asarray(Image.open(folder / "masks/dev/dev-0003.png")) == made.masks[3]).all()
    said = json.loads((folder / "boxes/dev.json").read_text())
    boxes = [a["bbox"] for a in said["annotations"] if a["image_id"] == 3]
    assert boxes == made.boxes()[3][:, :4].tolist()


def test_both_segmenters_beat_all_background_and_one_beats_the_other(shapes):
    _, models = shapes
    dev = files.split("dev", files.SPLITS["dev"])
    scores = {name: miou(dev, models[name]) for name in ("colour-pixels", "outline-pixels")}
    assert scores["colour-pixels"] > 0.33, "all background has 0.16"
    assert scores["outline-pixels"] > scores["colour-pixels"] + 0.05


def miou(made, model):
    import onnx

    found = run(onnx.load(model), made.images).argmax(axis=1)
    counts = np.bincount((made.masks.astype(int) * 6 + found).ravel(), minlength=36).reshape(6, 6)
    hits = np.diag(counts)
    return (hits / (counts.sum(0) + counts.sum(1) - hits)).mean()


def test_a_picture_of_nothing_gives_the_detector_no_boxes_and_no_failure(shapes):
    import onnx

    _, models = shapes
    found = run(onnx.load(models["outline-boxes"]), np.zeros((2, SIDE, SIDE, 3), np.uint8))
    assert found.shape == (2, 30, 6)
    assert np.isfinite(found).all()
