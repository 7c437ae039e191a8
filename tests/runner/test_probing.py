"""A model that is fed wrongly is told so, and nobody is told so by chance."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from runner import blobs, probing
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from runner.datasets.truth import Boxes
from runner.desk import Desk
from runner.evaluate import Evaluator
from runner.failures import Refusal
from tests.runner import models
from tests.runner.conftest import Bench
from tests.runner.test_heads import one_output

KEY = "bookwiz.preproc"


class Taught(Bench):
    """Its labels are what ``models.good_model`` answers to pixels from 0 to 255 less a mean of 100."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, classes=4)
        weights = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
        sources = {}
        for split, (images, _) in self.arrays.items():
            scores = (images.reshape(len(images), 64) / 127.5 - 1) @ weights
            self.arrays[split] = (images, scores.argmax(1))
            sources[split] = Source(*self.arrays[split], tuple("abcd"))
        self.manifest = add_dataset(
            Card("Taught", "classification", "CC0", "made up", {}),
            sources,
            datasets=folder / "datasets",
            artifacts=folder / "artifacts",
        )


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Taught:
    return Taught(tmp_path_factory.mktemp("taught"))


@pytest.mark.sandbox
def test_a_model_that_wants_other_pixels_is_told_which(
    taught: Taught, evaluator: Evaluator
) -> None:
    model = models.good_model(classes=4)
    outcome = evaluator.evaluate(taught.evaluation(model, splits=("board", "dev")), lambda _: None)
    assert outcome.failure is None
    (words,) = outcome.warnings
    assert words.startswith("Your model's input is read as float32 [N, 1, 8, 8], scaled by 1/255: ")
    assert "accuracy on 60 dev images. Read as pixels from -1 to 1, they come out at 100%" in words
    declared = re.search(r"Then put (.*) into the metadata key bookwiz.preproc", words)[1]
    again = models.good_model(classes=4, metadata={KEY: declared})
    outcome = evaluator.evaluate(taught.evaluation(again, splits=("dev", "board")), lambda _: None)
    assert outcome.warnings == ()
    assert outcome.scores[0].metrics[0].value == 1


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("metadata", "form"),
    [
        ({KEY: json.dumps({"scale": 1 / 255})}, ""),
        ({"Image.NominalPixelRange": "NominalRange_0_255"}, ""),
        ({}, json.dumps({"scale": 1 / 255, "std": [0.3]})),
    ],
    ids=["metadata", "Image.*", "form"],
)
def test_whoever_declared_it_wrongly_is_told_too(
    metadata: dict, form: str, taught: Taught, evaluator: Evaluator
) -> None:
    model = models.good_model(classes=4, metadata=metadata)
    asked = taught.evaluation(model, splits=("dev", "board"), declared={"preproc": form})
    (words,) = evaluator.evaluate(asked, lambda _: None).warnings
    assert "Read as pixels from -1 to 1, they come out at 100%: did you mean that?" in words


@pytest.mark.sandbox
def test_nobody_is_warned_who_was_not_seen_on_dev(taught: Taught, evaluator: Evaluator) -> None:
    asked = taught.evaluation(models.good_model(classes=4), splits=("board",))
    outcome = evaluator.evaluate(asked, lambda _: None)
    assert outcome.failure is None
    assert outcome.warnings == ()


@pytest.fixture(scope="module")
def boxed(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One box an image, from 1, 1 to 4, 5 of 5 × 6 pixels."""
    folder = tmp_path_factory.mktemp("boxed")
    return Bench(folder, h=6, w=5, c=3, classes=3, task="detection")


CORNERS, CENTRES = (1, 1, 4, 5), (2.5, 3, 3, 4)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("box", "declared", "meant"),
    [
        (CENTRES, {}, {"boxes": "cxcywh", "normalised": False}),
        (np.divide(CENTRES, (5, 6, 5, 6)), {}, {"boxes": "cxcywh", "normalised": True}),
        (np.divide(CORNERS, (5, 6, 5, 6)), {}, {"boxes": "xyxy", "normalised": True}),
        (CORNERS, {"boxes": "cxcywh"}, {"boxes": "xyxy", "normalised": False}),
        (CORNERS, {"normalised": True}, {"boxes": "xyxy", "normalised": False}),
    ],
)
def test_boxes_that_were_meant_otherwise_are_told_how(
    box: tuple, declared: dict, meant: dict, boxed: Bench, evaluator: Evaluator
) -> None:
    table = np.array([[*box, 0.9, kind] for kind in range(3)])
    model = one_output(table)

    def outcome_of(output: str):
        asked = boxed.evaluation(model, splits=("dev", "board"), declared={"output": output})
        return evaluator.evaluate(asked, lambda _: None)

    (words,) = outcome_of(json.dumps(declared) if declared else "").warnings
    assert "0% of the boxes found on 60 dev images" in words
    assert json.dumps(meant) in words
    assert outcome_of(json.dumps(meant)).warnings == ()


def rows(right: int, of: int = 60) -> np.ndarray:
    found = np.tile(np.eye(4, dtype=np.float32)[0], (of, 1))
    found[right:] = np.eye(4)[1]
    return found


@pytest.mark.parametrize(("there", "warned"), [(12, False), (15, False), (16, True), (60, True)])
def test_a_difference_must_be_clear(there: int, warned: bool, taught: Taught) -> None:
    truth = np.zeros(60, np.int64)
    probes = {"pixels from 0 to 255": rows(there)}
    found = probing.warning(taught.manifest, rows(8), probes, truth)
    assert (found is not None) == warned


def test_boxes_and_masks_have_a_quality_too(taught: Taught) -> None:
    two = np.array([0, 0])
    boxes = Boxes(
        image=two,
        box=np.array([[1.0, 1, 2, 2], [5, 5, 2, 2]]),
        category=np.array([0, 1]),
        area=np.array([4.0, 4]),
        crowd=np.zeros(2, np.bool_),
        size=np.array([[8, 8], [8, 8]]),
        scale=np.full((2, 2), 2.0),
        pad=np.full((2, 2), 1.0),
    )
    row = np.full((2, 100, 6), -1, np.float32)
    row[0, 0] = [3, 3, 7, 7, 0.9, 0]  # the first box, twice as large and moved by one
    row[0, 1] = [3, 3, 7, 7, 0.8, 1]
    manifest = taught.manifest.model_copy(update={"task": "detection"})
    assert probing.quality(manifest, row, boxes).tolist() == [0.5, 1]
    manifest = taught.manifest.model_copy(update={"task": "segmentation"})
    mask = np.array([[[0, 0], [1, 255]]], np.uint8)
    said = np.array([[[0, 1], [1, 1]]], np.uint8)
    assert probing.quality(manifest, said, mask).tolist() == [0.5]


def test_a_probe_that_a_stranger_made_is_read_with_care(taught: Taught, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "files", tmp_path / "datasets")

    def read(data: bytes) -> dict[str, np.ndarray]:
        kept = blobs.store(desk.files, data, name=probing.NAME, media_type="application/x-npz")
        return probing.read_npz(desk, kept.sha256, taught.manifest)

    good = {"pixels from 0 to 255": rows(3)}
    assert (read(probing.as_npz(good))["pixels from 0 to 255"] == rows(3)).all()
    for save, bad in (
        (np.savez, {"pixels from 0 to 255": rows(3).astype(np.float64)}),
        (np.savez, {"pixels from 0 to 255": np.zeros((60, 5), np.float32)}),
        (np.savez, {"pixels from 0 to 255": np.zeros((65, 4), np.float32)}),
        (np.savez, {"pixels from 0 to 255": np.zeros((6000, 4), np.float32)}),
        (np.savez, {"pixels from 0 to 255": np.array([{}], object)}),
        (np.savez, {str(number): np.zeros((8, 4), np.float32) for number in range(40)}),
        (np.savez_compressed, {"pixels from 0 to 255": np.zeros((64, 4), np.float32)}),
    ):
        file = io.BytesIO()
        save(file, **bad)
        with pytest.raises(Refusal) as caught:
            read(file.getvalue())
        assert caught.value.code == "E_RUNNER_FORM"
    with pytest.raises(Refusal, match="E_DESK_FILE"):
        probing.read_npz(desk, "0" * 64, taught.manifest)
