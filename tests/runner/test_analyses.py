"""Analyses that run a model: from the evaluation through cells to what the desk draws."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner import blobs
from runner.contract import Evaluation, Outcome, Progress, Stage
from runner.desk import Desk
from runner.errands import AnalysisErrand, Made
from runner.evaluate import Evaluator
from runner.predictions import as_npy
from runner.report import analysis
from tests.runner import models
from tests.runner.conftest import Bench

pytestmark = pytest.mark.sandbox


def asked(bench: Bench, model: bytes, purpose: str, **given: Any) -> Evaluation:
    return bench.evaluation(model, splits=("dev",), purpose=purpose, **given)


def run(evaluator: Evaluator, evaluation: Evaluation) -> Outcome:
    return evaluator.evaluate(evaluation, lambda _: None)


def words_of(bench: Bench, outcome: Outcome, name: str) -> dict[str, Any]:
    assert outcome.failure is None, outcome.failure
    return json.loads(file_of(bench, outcome, name).read_bytes())


def file_of(bench: Bench, outcome: Outcome, name: str) -> Path:
    [found] = [a for a in outcome.artifacts if a.name == name]
    return bench.folder / "artifacts" / found.sha256[:2] / found.sha256


def drawn(bench: Bench, evaluation: Evaluation, outcome: Outcome) -> Made:
    """What the desk makes of it, from predictions on dev as an earlier evaluation left them."""
    desk = Desk(bench.folder / "artifacts", bench.folder / "datasets")
    dev = blobs.store(desk.files, as_npy(np.zeros((60, 10), np.float32)), name="p", media_type="x")
    errand = AnalysisErrand(
        task="classification", dataset=bench.manifest.key, analysis=evaluation.purpose,
        title="Toys", submission="7", metric="accuracy", dev=dev.sha256,
        outputs=outcome.artifacts, speed=outcome.speed,
    )  # fmt: skip
    return analysis.carry_out(desk, errand)


def test_robustness_shows_a_model_the_same_images_as_they_are_and_corrupted(
    bench: Bench, evaluator: Evaluator
) -> None:
    heard: list[Progress] = []
    evaluation = asked(bench, models.good_model(), "robustness")
    outcome = evaluator.evaluate(evaluation, heard.append)
    said = words_of(bench, outcome, "robustness.json")
    assert sorted(said["images"]) == list(range(60))
    assert said["variants"][0]["corruption"] == "none"
    assert len(said["variants"]) == 1 + 12 * 3
    assert (outcome.scores, outcome.predictions) == ((), ())
    assert outcome.model.parameters == 640
    shares = [p.done for p in heard if p.stage == Stage.PREDICT]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    made = drawn(bench, evaluation, outcome)
    assert made.artifacts[0].media_type == "image/png"
    assert len(made.rows) == 13


def test_what_a_runner_without_labels_puts_out_is_the_same(
    bench: Bench, evaluator: Evaluator
) -> None:
    trusted = run(evaluator, asked(bench, models.good_model(), "robustness"))
    path = bench.folder / "datasets" / bench.manifest.key / "images" / "dev.npy"
    [facts] = [s for s in bench.manifest.splits if s.split == "dev"]
    blob = {"sha256": facts.sha256, "size": facts.size, "url": path.as_uri()}
    blind = asked(
        bench, models.good_model(), "robustness", datasets="", inputs=(blob,),
        manifest=bench.manifest,
    )  # fmt: skip
    assert run(evaluator, blind).artifacts == trusted.artifacts


def test_chosen_images_are_the_ones_that_are_shown(bench: Bench, evaluator: Evaluator) -> None:
    evaluation = asked(bench, models.good_model(), "robustness", options={"images": "17,3, 40,3"})
    outcome = run(evaluator, evaluation)
    assert words_of(bench, outcome, "robustness.json")["images"] == [17, 3, 40]


@pytest.mark.parametrize("images", ["60", "-1", "one", "1,,2", "9" * 30])
def test_places_that_are_none_are_told(images: str, bench: Bench, evaluator: Evaluator) -> None:
    evaluation = asked(bench, models.good_model(), "robustness", options={"images": images})
    failure = run(evaluator, evaluation).failure
    assert (failure.code, failure.ours) == ("E_ANALYSIS", False)
    assert failure.expected == "numbers from 0 to 59 with commas between"


@pytest.mark.parametrize("purpose", ["robustness"])
@pytest.mark.parametrize(
    ("model", "code"),
    [
        (models.spin_model(), "E_TIME_WALL"),
        (models.huge_alloc_model(static=False), "E_MEMORY"),
        (models.external_data_model(), "E_ONNX_EXTERNAL_DATA"),
        (models.nested_functions_model(), "E_ONNX_TOO_COMPLEX"),
        (models.half_nan_model(), "E_NAN"),
    ],
    ids=["spins", "eats memory", "external data", "nested", "NaN"],
)
def test_a_model_that_misbehaves_is_contained_and_explained(
    model: bytes, code: str, purpose: str, bench: Bench, evaluator: Evaluator
) -> None:
    limits = {"wall_seconds": 3, "cpu_seconds": 20, "memory_mb": 512}
    outcome = run(evaluator, asked(bench, model, purpose, limits=limits))
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.ours) == (code, False)
    assert outcome.artifacts == ()
