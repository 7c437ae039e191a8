"""What a member asks about a model, for each of the three tasks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.errands import ReportErrand
from runner.failures import Refusal
from runner.report import analysis, page
from runner.report.detection import Detections
from runner.report.evidence import gather
from runner.report.measuring import measured, some
from runner.report.versus import mcnemar, versus
from runner.report.worst import worst
from tests.runner.asking import ask, errand_of
from tests.runner.report_worlds import ShapesWorld
from tests.runner.test_report_page import Read, World


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("digits"), tuple("0123456789"))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> ShapesWorld:
    return ShapesWorld(tmp_path_factory.mktemp("boxes"), "detection")


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> ShapesWorld:
    return ShapesWorld(tmp_path_factory.mktemp("masks"), "segmentation")


def test_confusions_are_listed_with_their_counts(digits: World) -> None:
    said = np.eye(10, dtype=np.float32)[digits.labels]
    said[digits.labels == 8] = np.eye(10, dtype=np.float32)[1]
    made = ask(digits, "confusion", digits.stored(said))
    assert made.rows == (("true", "predicted", "images"), ("8", "1", "6"))
    assert "90.0 % right; most confused: 8 taken for 1 (6 times)" in made.words


def test_the_most_confident_mistake_comes_first(digits: World) -> None:
    scores = np.eye(10, dtype=np.float32)[digits.labels] * 5
    scores[11] = np.eye(10)[4] * 9  # surer of a mistake than ...
    scores[33] = np.eye(10)[7] * 3
    made = ask(digits, "errors", digits.stored(scores))
    assert [row[0] for row in made.rows] == ["image", "#11", "#33"]
    assert made.rows[1][1] == "is 1, taken for 4 (100 % sure)"
    assert made.figures == {"shown": 2}


def test_a_perfect_model_has_no_errors_to_show(digits: World) -> None:
    made = ask(digits, "errors", digits.predictions(skill=50))
    assert made.words == "No mistake on 60 dev images."
    assert made.rows == ()


def test_a_difference_counts_what_was_mended_and_broken(digits: World) -> None:
    now = np.eye(10, dtype=np.float32)[digits.labels]
    before = now.copy()
    now[:2] = np.roll(now[:2], 1, axis=1)
    before[10:22] = np.roll(before[10:22], 1, axis=1)
    made = ask(
        digits, "diff", digits.stored(now), other=digits.stored(before).sha256, other_name="3"
    )
    assert made.figures == pytest.approx(
        {"fixed": 12, "broken": 2, "same": 46, "p": 0.012939453125}
    )
    assert made.words == (
        "Against 3: 12 dev images better, 2 worse, 46 as before (McNemar p = .013): "
        "more than chance would explain."
    )
    assert [row[0] for row in made.rows] == ["image", "#0", "#1"]


def test_a_difference_needs_another_model(digits: World) -> None:
    with pytest.raises(Refusal, match="two models"):
        ask(digits, "diff", digits.predictions(skill=2))


def test_images_without_attributes_have_no_slices(digits: World) -> None:
    errand = errand_of(digits, "slices", digits.predictions(skill=2))
    made = analysis.carry_out(digits.desk, errand)
    assert "Nothing is known" in made.words
    assert not made.artifacts, "an empty chart says nothing"


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_slices_tell_night_from_day_in_words_rows_and_chart(task: str, request: Any) -> None:
    world = request.getfixturevalue({"detection": "shapes", "segmentation": "masks"}[task])
    night = np.arange(30) % 3 == 0
    if task == "detection":
        said = np.load(world.desk.file(world.predictions(skill=1).sha256))
        said[night] = -1  # nothing found
        metric, title, score = "ap", "AP", 0.0
    else:
        said = np.where(night[:, None, None], 0, world.masks)  # all of it background
        metric, title, score = "miou", "Mean IoU", float((world.masks[night] == 0).mean()) / 3
    made = ask(world, "slices", world.stored(said), metric=metric)
    by_night = f"{100 * score:.1f} %"
    assert made.rows[0] == ("condition", "images", title, "95 %")
    assert [row[:3] for row in made.rows[1:]] == [
        ("light: day", "20", "100.0 %"),
        ("light: night", "10", by_night),
    ]
    assert made.rows[1][3] == "100.0 to 100.0 %"
    assert made.words == (
        f"Weakest: light night with {by_night} of 10 images; best: light day with 100.0 %. "
        "Intervals that overlap may differ by chance alone."
    )
    [chart] = made.artifacts
    assert chart.name == "slices.png"
    assert chart.alt == (
        f"{title} by condition: light day: 100.0 % of 20 images; light night: {by_night} of "
        "10 images."
    )


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [(0, 0, 1), (5, 5, 1), (1, 0, 1), (12, 2, 0.0129), (0, 10, 0.00195), (1200, 1000, 2.19e-5)],
)
def test_mcnemar_is_the_binomial_of_what_differs(fixed: int, broken: int, p: float) -> None:
    assert mcnemar(fixed, broken) == pytest.approx(p, rel=0.01)
    assert mcnemar(broken, fixed) == mcnemar(fixed, broken)


def test_models_on_different_images_are_not_compared() -> None:
    with pytest.raises(ValueError, match="3 images against 2"):
        versus(np.ones(3), np.ones(2))


def test_boxes_that_were_missed_or_invented_are_named(shapes: ShapesWorld) -> None:
    nothing = np.full((30, 100, 6), -1, np.float32)
    invented = nothing.copy()
    invented[:, 0] = (0, 0, 3, 3, 0.9, 1)
    made = ask(shapes, "errors", shapes.stored(nothing))
    assert made.rows[1][1].startswith("missed ")
    assert "never found" in made.words
    made = ask(shapes, "errors", shapes.stored(invented))
    assert "wrongly found square (90 % sure)" in made.rows[1][1]


def test_found_and_missed_objects_are_counted_by_class(shapes: ShapesWorld) -> None:
    objects = sum(len(boxes) for boxes in shapes.boxes)
    made = ask(shapes, "confusion", shapes.predictions(skill=1))
    assert f"{objects} of {objects} objects right; most frequent errors: none" in made.words
    made = ask(shapes, "confusion", shapes.stored(np.full((30, 100, 6), -1, np.float32)))
    assert f"0 of {objects} objects right" in made.words
    assert {row[1] for row in made.rows[1:]} == {"(nothing)"}


def test_a_perfect_detector_has_ap_1_and_nothing_to_mend(shapes: ShapesWorld) -> None:
    evidence = gather(shapes.desk, shapes.manifest.key, shapes.predictions(skill=1).sha256)
    detections = Detections(evidence)
    assert detections.mean_ap() == pytest.approx(1)
    assert detections.quality.tolist() == pytest.approx([1] * 30)
    assert worst(evidence, detections) == []
    assert detections.curve(0.75)[1].tolist() == pytest.approx([1] * 101)


def test_boxes_are_compared_in_the_pixels_of_the_originals(tmp_path: Path) -> None:
    world = ShapesWorld(tmp_path, "detection")
    path = world.desk.datasets / world.manifest.key / "labels" / "dev.npz"
    with np.load(path) as archive:
        found = dict(archive)
    found["scale"] = np.full((30, 2), 0.5)
    found["pad"] = np.tile([3.0, 7.0], (30, 1))
    np.savez(path, **found)
    rows = np.load(world.desk.file(world.predictions(skill=1).sha256))
    used = rows[..., 4] >= 0
    rows[used, :4] = rows[used, :4] * 0.5 + [3, 7, 3, 7]
    evidence = gather(world.desk, world.manifest.key, world.stored(rows).sha256)
    assert Detections(evidence).mean_ap() == pytest.approx(1)
    blind = evidence.instead(np.full_like(rows, -1))
    for image in range(30):
        missed = Detections(blind).found(image).missed
        true = sorted(evidence.predictions[image, : len(missed), :4].tolist())
        assert sorted(missed.tolist()) == [pytest.approx(box) for box in true]


def test_the_lowest_iou_comes_first(masks: ShapesWorld) -> None:
    said = masks.masks.copy()
    said[4] = 0
    said[9] = np.roll(said[9], 1, axis=0)
    made = ask(masks, "errors", masks.stored(said))
    assert [row[0] for row in made.rows] == ["image", "#4", "#9"]


def test_ignored_pixels_are_no_mistakes(tmp_path: Path) -> None:
    world = ShapesWorld(tmp_path, "segmentation")
    said = world.stored(world.masks.copy())
    path = world.desk.datasets / world.manifest.key / "labels" / "dev.npy"
    masks = world.masks.copy()
    masks[:, :5] = 255
    np.save(path, masks)
    evidence = gather(world.desk, world.manifest.key, said.sha256)
    assert worst(evidence) == []
    assert measured(evidence) == 1


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_some_images_are_measured_like_all(task: str, request: Any) -> None:
    world = request.getfixturevalue({"detection": "shapes", "segmentation": "masks"}[task])
    evidence = gather(world.desk, world.manifest.key, world.predictions(skill=0.6).sha256)
    everything = np.arange(30)
    assert measured(some(evidence, everything, evidence.predictions)) == measured(evidence)
    turned = everything[::-1]
    mirrored = some(evidence, turned, evidence.predictions[turned])
    assert measured(mirrored) == pytest.approx(measured(evidence))


@pytest.mark.parametrize("task", ["detection", "segmentation"])
@pytest.mark.parametrize("skill", [0, 0.6, 1])
def test_each_task_has_its_report(task: str, skill: float, request: Any) -> None:
    world = request.getfixturevalue({"detection": "shapes", "segmentation": "masks"}[task])
    score = world.score()
    predictions = world.predictions(skill=skill)
    errand = ReportErrand(
        task=task, dataset=world.manifest.key, submission="7", title="Shapes", who="ada",
        metric=score.metrics[0].name, scores=(score,), dev=predictions.sha256, tier="full",
    )  # fmt: skip
    made = page.carry_out(world.desk, errand)
    text = world.desk.file(made.artifacts[1].sha256).read_text()
    start = "Precision-recall curves" if task == "detection" else "IoU of 3 classes"
    assert made.artifacts[0].alt.startswith(start)
    assert len(text) <= 2_000_000
    assert ("not one mistake" in Read(text).words) == (skill == 1)
