"""Whatever is uploaded ends in one code with words, and the next model is scored all the same."""

from typing import Any

import pytest

from runner.codes import CODES
from runner.datasets.version import split_file
from runner.evaluate import Evaluator
from runner.failures import Refusal
from runner.predictions import predict
from runner.sandbox.cell import Cell, Ending
from tests.runner import hostile_models, models
from tests.runner.conftest import Bench, Served

REFUSED = {
    "empty": (b"", "E_EMPTY_FILE"),
    "text": (b"dear runner, please score me\n", "E_NOT_ONNX"),
    "html": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "E_NOT_ONNX"),
    "pickle": (models.pickle(), "E_NOT_ONNX"),
    "torch zip": (models.torch_zip(), "E_NOT_ONNX"),
    "torchscript": (models.torch_zip(script=True), "E_NOT_ONNX"),
    "safetensors": (models.safetensors(), "E_NOT_ONNX"),
    "ort": (b"\x18\0\0\0ORTM" + bytes(64), "E_NOT_ONNX"),
    "gzip": (b"\x1f\x8b\x08\0" + bytes(64), "E_NOT_ONNX"),
    "zeros": (bytes(4096), "E_ONNX_BROKEN"),
    "noise": (b"\x08\x07\xff\xfe\xfd" * 50, "E_ONNX_BROKEN"),
    "truncated": (models.truncated(), "E_ONNX_BROKEN"),
    "short tensor": (hostile_models.short_tensor_model(), "E_MEMORY"),
    "external data": (hostile_models.external_data_model(), "E_ONNX_EXTERNAL_DATA"),
    "nested functions": (hostile_models.nested_functions_model(), "E_ONNX_TOO_COMPLEX"),
    "circular functions": (hostile_models.circular_functions_model(), "E_ONNX_TOO_COMPLEX"),
    "deep graphs": (hostile_models.deep_graphs_model(), "E_ONNX_TOO_COMPLEX"),
    "foreign op": (hostile_models.foreign_op_model(), "E_ONNX_OP"),
    "file reading op": (hostile_models.file_reading_op_model(), "E_ONNX_OP"),
    "wrong size": (models.wrong_input_model(), "E_INPUT_SHAPE"),
    "wrong channels": (models.wrong_channels_model(), "E_INPUT_SHAPE"),
    "unbatched": (models.unbatched_model(), "E_INPUT_SHAPE"),
    "two inputs": (models.two_inputs_model(), "E_INPUT_SHAPE"),
    "integer input": (models.integer_input_model(), "E_INPUT_TYPE"),
    "wrong classes": (models.wrong_classes_model(), "E_OUTPUT_SHAPE"),
    "lying classes": (models.lying_classes_model(), "E_OUTPUT_SHAPE"),
    "preproc": (
        models.good_model(metadata={"bookwiz.preproc": '{"rotate": 90}'}),
        "E_PREPROC",
    ),
    "nan": (models.nan_model(), "E_NAN"),
    "fails on batches": (models.failing_model(), "E_RUN"),
    "tiny and asks for 8 GB": (hostile_models.tiny_alloc_model(), "E_MEMORY"),
    "tiny and asks for 8 GB at run time": (
        hostile_models.tiny_alloc_model(static=False),
        "E_MEMORY",
    ),
    "asks for 8 GB": (hostile_models.huge_alloc_model(), "E_MEMORY"),
    "asks for 8 GB at run time": (hostile_models.huge_alloc_model(static=False), "E_MEMORY"),
}


@pytest.mark.parametrize("name", [name for name in REFUSED if name.startswith("tiny")])
def test_a_tiny_model_is_tiny(name: str) -> None:
    assert len(REFUSED[name][0]) <= 250


@pytest.mark.sandbox
@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_model_gets_its_code_and_words_to_mend_it(
    name: str, bench: Bench, evaluator: Evaluator
) -> None:
    model, code = REFUSED[name]
    outcome = evaluator.evaluate(bench.evaluation(model), lambda _: None)
    assert outcome.failure is not None
    assert (outcome.failure.code, outcome.failure.ours) == (code, False), outcome.failure
    assert outcome.failure.problem
    assert outcome.failure.expected
    assert outcome.failure.fix
    assert outcome.scores == ()
    words = outcome.failure.model_dump_json()
    assert "@" not in words
    assert "/etc/passwd" not in words


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"wall_seconds": 3.0, "cpu_seconds": 60}, "E_TIME_WALL"),
        ({"wall_seconds": 100, "cpu_seconds": 1}, "E_TIME_CPU"),
    ],
)
def test_a_model_that_spins_is_ended_by_the_limit_it_hits(
    limits: dict[str, float], code: str, bench: Bench, evaluator: Evaluator
) -> None:
    outcome = evaluator.evaluate(
        bench.evaluation(hostile_models.spin_model(), limits=limits), lambda _: None
    )
    assert outcome.failure is not None
    assert outcome.failure.code == code


@pytest.mark.sandbox
def test_a_served_runner_scores_the_next_model_after_each_bad_one(
    bench: Bench, served: Served
) -> None:
    spin = bench.evaluation(hostile_models.spin_model(), limits={"wall_seconds": 3})
    assert served.evaluate(spin).failure.code == "E_TIME_WALL"
    for name in ("pickle", "truncated", "nested functions", "asks for 8 GB at run time"):
        assert served.evaluate(bench.evaluation(REFUSED[name][0])).failure.code == REFUSED[name][1]
        assert served.evaluate(bench.evaluation(models.good_model())).failure is None


@pytest.mark.sandbox
def test_numbers_that_break_late_are_counted_after_the_run(
    bench: Bench, evaluator: Evaluator
) -> None:
    first = bench.arrays["dev"][0][:, 0, 0, 0] / 255
    broken = int((first < 0.04).sum())
    assert (first[:4] >= 0.04).all()
    assert broken
    failure = evaluator.evaluate(
        bench.evaluation(models.half_nan_model(), splits=("dev",)), lambda _: None
    ).failure
    assert (failure.code, failure.got) == ("E_NAN", f"{broken} of 60 images")


@pytest.mark.sandbox
def test_scores_that_were_never_written_are_missed_whatever_the_cell_says(bench: Bench) -> None:
    class Idle(Cell):
        """Tries a few images, scores none and says that it is done; as a hijacked cell could."""

        def run(self, job: dict[str, Any], *arguments: Any, **more: Any) -> Ending:
            return super().run(job | {"sample_only": True}, *arguments, **more)

    evaluation = bench.evaluation(models.good_model())
    board = split_file(bench.folder / "datasets", bench.manifest, "board")
    with pytest.raises(Refusal) as caught:
        predict(
            Idle(),
            models.good_model(),
            bench.manifest,
            [board],
            limits=evaluation.limits,
            tell=lambda _: None,
        )
    words = caught.value.words()
    assert (words["code"], words["got"]) == ("E_OUTPUT_SHAPE", "80 without")


def test_a_model_larger_than_the_limit_is_refused_before_it_is_read(
    bench: Bench, evaluator: Evaluator
) -> None:
    model = models.good_model() + bytes(1_100_000)
    outcome = evaluator.evaluate(bench.evaluation(model, limits={"model_mb": 1}), lambda _: None)
    assert outcome.failure.code == "E_MODEL_TOO_LARGE"


def test_a_file_that_changed_in_our_store_is_our_failure(
    bench: Bench, evaluator: Evaluator
) -> None:
    evaluation = bench.evaluation(models.good_model(seed=5))
    path = bench.folder / f"{evaluation.model.sha256}.bin"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    failure = evaluator.evaluate(evaluation, lambda _: None).failure
    assert (failure.code, failure.ours) == ("E_RUNNER_FETCH", True)


def test_a_metric_of_another_version_is_our_failure(bench: Bench, evaluator: Evaluator) -> None:
    evaluation = bench.evaluation(models.good_model(), metric_version=99)
    failure = evaluator.evaluate(evaluation, lambda _: None).failure
    assert (failure.code, failure.ours) == ("E_RUNNER_METRIC", True)
    assert (failure.expected, failure.got) == ("accuracy version 1", "accuracy version 99")


def test_a_missing_dataset_is_our_failure(bench: Bench, evaluator: Evaluator) -> None:
    evaluation = bench.evaluation(models.good_model(), dataset="gone-000000000000")
    failure = evaluator.evaluate(evaluation, lambda _: None).failure
    assert (failure.code, failure.ours) == ("E_RUNNER_DATASET", True)


def test_a_runner_without_walls_refuses_and_says_that_it_is_not_the_models_fault(
    bench: Bench,
) -> None:
    outcome = Evaluator("none").evaluate(bench.evaluation(models.good_model()), lambda _: None)
    assert (outcome.failure.code, outcome.failure.ours, outcome.tier) == (
        "E_RUNNER_UNSAFE",
        True,
        "none",
    )


def test_a_runner_whose_owner_allows_it_scores_vouched_files_without_walls_and_says_so(
    bench: Bench,
) -> None:
    evaluator = Evaluator("none", allow_none=True)
    try:
        evaluation = bench.evaluation(models.good_model())
        refused = evaluator.evaluate(evaluation, lambda _: None)
        vouched = evaluation.model_copy(update={"vouched": True})
        outcome = evaluator.evaluate(vouched, lambda _: None)
    finally:
        evaluator.close()
    assert refused.failure.code == "E_RUNNER_UNSAFE", "nobody the host trusts answers for it"
    assert outcome.failure is None
    assert outcome.tier == "none"


@pytest.mark.parametrize("code", CODES)
def test_every_code_says_what_it_means_what_was_expected_and_how_to_mend_it(code: str) -> None:
    entry = CODES[code]
    assert code.startswith("E_")
    assert entry.meaning.endswith(".")
    assert entry.expected
    assert entry.fix
    assert entry.ours == (code.startswith(("E_RUNNER_", "E_DESK_")) or code == "E_TASK")
