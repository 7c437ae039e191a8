"""Analyses that run a model: from the evaluation through cells to what the desk draws."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from runner import blobs
from runner.analyses import quantize, running
from runner.analyses.quantize_cell import after_the_weights
from runner.analyses.runs import Runs
from runner.contract import Evaluation, Outcome, Progress, Stage
from runner.datasets.version import split_file
from runner.desk import Desk
from runner.errands import AnalysisErrand, Made
from runner.evaluate import Evaluator
from runner.failures import Refusal
from runner.predictions import Claims, Predictions, as_npy
from runner.report import analysis
from runner.sandbox.cell import Cell
from runner.sandbox.tier import prove
from tests.runner import hostile_models, models
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


def corner_model() -> bytes:
    """Class 0 is as likely as the upper left quarter is bright, against class 1."""
    weights = np.zeros((64, 10), np.float32)
    quarter = np.zeros((8, 8), np.float32)
    quarter[:4, :4] = 1
    weights[:, 0] = quarter.ravel() * 0.6
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["y"]),
    ]
    return models.model_of(
        nodes, shape=["N", 1, 8, 8], output=["N", 10], weights={"weights": weights}
    )


def test_saliency_finds_where_a_model_looks_and_beats_chance(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    path = bench.folder / "datasets" / bench.manifest.key / "images" / "dev.npy"
    images = np.full((60, 8, 8, 1), 10, np.uint8)
    images[:, 1:3, 1:3] = 255  # what the model looks at, in front of a bright distraction
    images[:, 5:7, 5:7] = 255
    np.save(path, images)
    evaluator = Evaluator(prove().tier)
    evaluation = asked(bench, corner_model(), "saliency", options={"images": "4,2"})
    outcome = run(evaluator, evaluation)
    evaluator.close()
    said = words_of(bench, outcome, "saliency.json")
    assert (said["images"], said["classes"]) == ([4, 2], [0, 0])
    for name, method in said["methods"].items():
        found = np.load(file_of(bench, outcome, method["file"]))
        assert found.shape == (2, 8, 8)
        assert found[:, :4, :4].mean() > 2 * found[:, 4:, 4:].mean(), name
        assert np.mean(method["deletion_auc"]) < np.mean(said["random"]["deletion_auc"]), name
        assert method["curve"][0][0] == pytest.approx(said["confidence"][0])
    made = drawn(bench, evaluation, outcome)
    assert "tells more than chance" in made.words
    assert made.artifacts[0].media_type == "image/png"


def test_images_are_chosen_from_the_least_sure_to_the_surest(
    bench: Bench, evaluator: Evaluator
) -> None:
    outcome = run(evaluator, asked(bench, models.good_model(), "saliency"))
    said = words_of(bench, outcome, "saliency.json")
    assert len(set(said["images"])) == 6
    assert said["confidence"] == sorted(said["confidence"])
    again = run(evaluator, asked(bench, models.good_model(), "saliency"))
    assert again.artifacts == outcome.artifacts


def test_a_model_too_slow_for_an_analysis_is_told_so_before_its_time_is_over(bench: Bench) -> None:
    dev = split_file(bench.folder / "datasets", bench.manifest, "dev")
    evaluation = asked(bench, b"", "robustness", limits={"wall_seconds": 1000})
    runs = Runs(evaluation, bench.manifest, dev, b"", cells=lambda _: Cell(), tell=lambda _: None)
    runs.first = Predictions((), Claims(speed={"images_per_second": 10, "limit_per_second": 1}))
    assert 80 <= runs.affordable(images=40, making=2) <= 100  # 600 s for 4 + 2 s each
    runs.refuse_too_slow(8, least=8, what="images")
    with pytest.raises(Refusal) as refused:
        runs.refuse_too_slow(7, least=8, what="images in all variants")
    assert refused.value.code == "E_TIME_PREDICTED"
    assert refused.value.got == "time for 7"
    assert not refused.value.ours


def test_quantising_is_measured_and_the_files_are_there_to_keep(
    bench: Bench, evaluator: Evaluator
) -> None:
    # What says how it is fed must live on in the quantised file, or all answers would be others.
    metadata = {"bookwiz.preproc": json.dumps({"scale": 1})}
    model = models.good_model(metadata=metadata)
    evaluation = asked(bench, model, "quantize")
    outcome = run(evaluator, evaluation)
    said = words_of(bench, outcome, "quantize.json")
    assert [v["name"] for v in said["variants"]] == ["float", "static", "dynamic"]
    assert (said["images"], said["calibration"]) == (60, 60)
    rows = {v["name"]: np.load(file_of(bench, outcome, v["predictions"])) for v in said["variants"]}
    for variant in said["variants"]:
        assert not variant["failure"]
        assert variant["p50_ms"] > 0
        assert variant["images_per_second"] > 0
        same = (rows["float"].argmax(1) == rows[variant["name"]].argmax(1)).mean()
        assert same > 0.8, variant["name"]
    assert (rows["float"] != rows["static"]).any()
    kept = file_of(bench, outcome, "model-dynamic.onnx").read_bytes()
    kinds = {node.op_type for node in onnx.load_model_from_string(kept).graph.node}
    assert "MatMulInteger" in kinds
    made = drawn(bench, evaluation, outcome)
    assert [a.name for a in made.artifacts] == [
        "quantize.png", "model-static.onnx", "model-dynamic.onnx",
    ]  # fmt: skip
    assert [row[0] for row in made.rows[1:]] == ["as it is", "int8, static", "int8, dynamic"]


def test_a_fixed_batch_and_a_convolution_are_quantised_as_well(
    bench: Bench, evaluator: Evaluator
) -> None:
    for model in (models.good_model(shape=[7, 1, 8, 8]), models.small_cnn_model()):
        said = words_of(bench, run(evaluator, asked(bench, model, "quantize")), "quantize.json")
        assert [v["failure"] for v in said["variants"]] == ["", "", ""]


def test_what_no_weights_follow_keeps_its_exact_numbers() -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="stem"),
        helper.make_node("Concat", ["a", "a"], ["b"], name="inside", axis=1),
        helper.make_node("Gemm", ["b", "v"], ["c"], name="head"),
        helper.make_node("Sigmoid", ["c"], ["scores"], name="scores"),
        helper.make_node("Relu", ["a"], ["boxes"], name="boxes"),
        helper.make_node("Concat", ["boxes", "scores"], ["y"], name="table", axis=1),
    ]
    graph = helper.make_graph(nodes, "g", [], [])
    assert set(after_the_weights(graph)) == {"scores", "boxes", "table"}


@pytest.mark.parametrize(
    ("given", "tier", "got"),
    [
        ({"purpose": "quantize", "format": "safetensors"}, "full", "safetensors"),
        ({"purpose": "quantize"}, "reduced", "one of tier reduced"),
        ({"purpose": "saliency", "task": "segmentation"}, "full", "segmentation"),
        ({"purpose": "saliency", "task": "detection"}, "full", "detection"),
    ],
)
def test_what_an_analysis_is_not_for_is_refused_at_once(
    given: dict, tier: Any, got: str, bench: Bench
) -> None:
    evaluation = bench.evaluation(models.good_model(), splits=("dev",), **given)
    with pytest.raises(Refusal) as refused:
        running.refuse_unless_possible(evaluation, tier=tier)
    assert (refused.value.code, refused.value.got) == ("E_ANALYSIS", got)
    assert not refused.value.ours


def test_the_cell_that_quantises_contains_what_it_is_given(bench: Bench) -> None:
    """The first run of an analysis would stop these; here they come to the quantiser's own cell."""
    dev = split_file(bench.folder / "datasets", bench.manifest, "dev")
    for model, code in (
        (hostile_models.nested_functions_model(), "E_ONNX_TOO_COMPLEX"),
        (hostile_models.external_data_model(), "E_ONNX_EXTERNAL_DATA"),
        (hostile_models.spin_model(), "E_TIME_WALL"),
    ):
        limits = {"wall_seconds": 4, "cpu_seconds": 20, "memory_mb": 512}
        evaluation = asked(bench, model, "quantize", limits=limits)
        runs = Runs(
            evaluation, bench.manifest, dev, model,
            cells=lambda purpose: Cell(purpose, walls="full"), tell=lambda _: None,
        )  # fmt: skip
        with pytest.raises(Refusal) as refused:
            quantize.quantised(runs, runs.images[:8])
        assert refused.value.code == code


@pytest.mark.parametrize("purpose", ["robustness", "saliency", "quantize"])
@pytest.mark.parametrize(
    ("model", "code"),
    [
        (hostile_models.spin_model(), "E_TIME_WALL"),
        (hostile_models.huge_alloc_model(static=False), "E_MEMORY"),
        (hostile_models.external_data_model(), "E_ONNX_EXTERNAL_DATA"),
        (hostile_models.nested_functions_model(), "E_ONNX_TOO_COMPLEX"),
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
