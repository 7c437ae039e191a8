"""What is drawn on the images of a report can be told apart and is named."""

from typing import Any

import numpy as np
import pytest

from runner.contract import Metric
from runner.report import classes, gallery, words
from runner.report.detection import Detections
from runner.report.evidence import gather
from runner.report.style import card
from runner.report.thumbnails import MOST_INVENTED, SHADES, overlaid, thumbnail
from runner.report.worst import worst
from runner.tasks import coco
from tests.runner.report_worlds import ShapesWorld

CLASSIFYING = ("accuracy", "top5_accuracy", "macro_f1", "nll", "ece")
SEGMENTING = ("miou", "dice", "pixel_accuracy")


@pytest.mark.parametrize("name", [*CLASSIFYING, *coco.NAMES, *SEGMENTING])
def test_every_figure_has_a_name_that_people_write(name: str) -> None:
    assert words.title(name) != name.replace("_", " ")


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> ShapesWorld:
    return ShapesWorld(tmp_path_factory.mktemp("boxes"), "detection")


def drawn(world: ShapesWorld, rows: Any) -> Any:
    evidence = gather(world.desk, world.manifest.key, world.stored(rows).sha256)
    return np.asarray(thumbnail(evidence, 0, Detections(evidence)))


def test_of_many_invented_boxes_the_surest_few_are_drawn(boxes: ShapesWorld) -> None:
    nothing = np.full((30, 100, 6), -1, np.float32)
    few, many = nothing.copy(), nothing.copy()
    for place in range(20):
        corner = place % 10
        many[0, place] = (corner, corner, corner + 3, corner + 3, 0.95 - 0.03 * place, 0)
    few[0, :MOST_INVENTED] = many[0, :MOST_INVENTED]
    assert (drawn(boxes, many) == drawn(boxes, few)).all()
    assert (drawn(boxes, few) != drawn(boxes, nothing)).any()


def test_a_class_of_a_mask_has_one_colour_whatever_it_is_painted_on() -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[:, 2:] = 2
    for colour in ((200, 40, 40), (40, 40, 200)):
        pixels = np.full((4, 4, 3), colour, np.uint8)
        mixed = overlaid(pixels, mask)
        red, green, blue = mixed[0, 3].astype(int)
        assert red > green + 40, "the second class is red"
        assert red > blue + 40
        assert np.ptp(mixed[0, 0].astype(int)) == 0, "what is no class is grey"


def test_the_legend_names_the_colour_of_each_class(tmp_path: Any) -> None:
    world = ShapesWorld(tmp_path, "segmentation")
    evidence = gather(world.desk, world.manifest.key, world.predictions(skill=1).sha256)
    said = gallery.legend_of(evidence)
    for shade, name in zip(SHADES, world.manifest.classes[1:], strict=False):
        assert f"{name} {shade}" in said


def test_a_subtitle_shrinks_before_it_is_cut() -> None:
    long = "Shapes: segmentation, dev: 150 images · 95 % interval 50.3–55.5"
    written = [text.get_text() for text in card(5.2, 4, title="A", subtitle=long).texts]
    assert long in written


def test_of_a_mask_it_is_said_what_was_taken_for_what(tmp_path: Any) -> None:
    world = ShapesWorld(tmp_path, "segmentation")
    said = world.masks.copy()
    image = int(np.flatnonzero((said == 1).any(axis=(1, 2)))[0])
    said[image][said[image] == 1] = 2
    evidence = gather(world.desk, world.manifest.key, world.stored(said).sha256)
    [mistake] = worst(evidence)
    names = world.manifest.classes
    assert mistake.image == image
    assert f"most: {names[1]} taken for {names[2]}" in mistake.words


def test_what_is_no_share_of_one_is_not_drawn_as_per_cent() -> None:
    now = (Metric(name="accuracy", value=0.94), Metric(name="nll", value=0.162))
    before = (Metric(name="accuracy", value=0.1), Metric(name="nll", value=7.894))
    picture = classes.draw_against(now, before, previous="before")
    assert "Accuracy 94.0 %, before 10.0 %" in picture.alt
    assert "Log loss" not in picture.alt
