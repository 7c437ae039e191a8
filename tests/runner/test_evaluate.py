"""Good models, in every dress they come in, and what is said of them."""

import gzip
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from runner.contract import Outcome, Progress, Stage
from runner.datasets.adding import Card, add_dataset
from runner.datasets.idx import load_idx
from runner.evaluate import Evaluator
from runner.sandbox.tier import prove
from tests import real_inputs
from tests.runner import hostile_models, models
from tests.runner.conftest import Bench, Served

pytestmark = pytest.mark.sandbox
MNIST = real_inputs.FOLDER / "mnist"


def accuracy(outcome: Outcome, split: int = 0) -> float:
    assert outcome.failure is None, outcome.failure
    return outcome.scores[split].metrics[0].value


def expected(bench: Bench, model: bytes, split: str = "board", **feed) -> float:
    """Accuracy by a script such as a member would write."""
    images, labels = bench.arrays[split]
    session = onnxruntime.InferenceSession(model)
    values = (images.transpose(0, 3, 1, 2) / 255).astype(np.float32)
    return float((session.run(None, {"x": values})[0].argmax(1) == labels).mean())


def test_a_good_model_gets_scores_speed_facts_and_files(bench: Bench, evaluator: Evaluator) -> None:
    heard: list[Progress] = []
    evaluation = bench.evaluation(models.good_model(), splits=("dev", "board"))
    outcome = evaluator.evaluate(evaluation, heard.append)
    assert accuracy(outcome, 0) == expected(bench, models.good_model(), "dev")
    assert accuracy(outcome, 1) == expected(bench, models.good_model(), "board")
    assert [score.split for score in outcome.scores] == ["dev", "board"]
    assert (outcome.submission, outcome.attempt, outcome.token) == ("7", 1, "token")
    assert outcome.tier == prove().tier
    assert outcome.model.input == "float32 [N, 1, 8, 8], scaled by 1/255"
    assert outcome.model.parameters == 640
    assert 10 < outcome.model.memory_mb < 1024, "what the kernel saw of the cell"
    assert outcome.model.opset == 17
    assert outcome.speed.p50_ms > 0
    assert outcome.speed.efficiency > 0
    assert outcome.versions.keys() >= {"bookwiz", "numpy", "onnxruntime"}
    stages = [progress.stage for progress in heard]
    assert stages == sorted(stages, key=list(Stage).index)
    assert set(stages) == set(Stage) - {Stage.REPORT}
    files = (*outcome.artifacts, *outcome.predictions)
    assert [artifact.name for artifact in files] == [
        "statistics-dev.npz",
        "statistics-board.npz",
        "predictions-dev.npy",
        "predictions-board.npy",
    ]
    for artifact in files:
        path = bench.folder / "artifacts" / artifact.sha256[:2] / artifact.sha256
        assert hashlib.sha256(path.read_bytes()).hexdigest() == artifact.sha256
        assert path.stat().st_size == artifact.size


def test_the_same_model_gets_the_same_scores_again(bench: Bench, evaluator: Evaluator) -> None:
    evaluation = bench.evaluation(models.small_cnn_model(), splits=("dev", "board"))
    one, other = (evaluator.evaluate(evaluation, lambda _: None) for _ in range(2))
    assert one.failure is None
    assert one.scores == other.scores
    assert one.artifacts == other.artifacts


@pytest.mark.parametrize(
    "shape",
    [["N", 1, 8, 8], ["N", 8, 8, 1], ["N", 8, 8], ["N", 64], [1, 1, 8, 8], [7, 1, 8, 8]],
    ids=str,
)
def test_grey_images_come_in_any_arrangement_and_batch(
    shape: list, bench: Bench, evaluator: Evaluator
) -> None:
    outcome = evaluator.evaluate(bench.evaluation(models.good_model(shape=shape)), lambda _: None)
    assert accuracy(outcome) == expected(bench, models.good_model())


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("colour"), h=6, w=5, c=3, classes=4)


def wanted_colour(bench: Bench, *, layout: str, scale: float, mean=0.0, std=1.0) -> float:
    images, labels = bench.arrays["board"]
    values = (images * scale - mean) / std
    if layout == "NCHW":
        values = values.transpose(0, 3, 1, 2)
    weights = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    scores = values.reshape(len(values), -1).astype(np.float32) @ weights
    return float((scores.argmax(1) == labels).mean())


@pytest.mark.parametrize(
    ("shape", "metadata", "how"),
    [
        (["N", 3, 6, 5], None, {"layout": "NCHW", "scale": 1 / 255}),
        (["N", 6, 5, 3], None, {"layout": "NHWC", "scale": 1 / 255}),
        (["N", 90], None, {"layout": "NCHW", "scale": 1 / 255}),
        (["N", 90], {"layout": "NHWC"}, {"layout": "NHWC", "scale": 1 / 255}),
        (["N", "a", "b", "c"], {"layout": "NHWC"}, {"layout": "NHWC", "scale": 1 / 255}),
        (["N", 3, 6, 5], {"scale": 1}, {"layout": "NCHW", "scale": 1}),
        (
            ["N", 6, 5, 3],
            {"layout": "NHWC", "scale": 0.01, "mean": [0.5, 1, 1.5], "std": [0.1, 0.2, 0.3]},
            {
                "layout": "NHWC",
                "scale": 0.01,
                "mean": np.array([0.5, 1, 1.5]),
                "std": np.array([0.1, 0.2, 0.3]),
            },
        ),
    ],
)
def test_colour_images_are_fed_as_shape_and_metadata_say(
    shape, metadata, how, colour: Bench, evaluator: Evaluator
) -> None:
    given = {"metadata": {"bookwiz.preproc": json.dumps(metadata)}} if metadata else {}
    model = models.good_model(6, 5, 3, 4, shape=shape, **given)
    outcome = evaluator.evaluate(colour.evaluation(model), lambda _: None)
    assert accuracy(outcome) == wanted_colour(colour, **how)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("kind", ["uint8", "float16", "float64"])
def test_inputs_of_other_number_types_are_fed(
    kind: str, layout: str, colour: Bench, evaluator: Evaluator
) -> None:
    shape = ["N", 3, 6, 5] if layout == "NCHW" else ["N", 6, 5, 3]
    weights = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    model = models.model_of(
        [
            helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["f"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["y"]),
        ],
        shape=shape,
        output=["N", 4],
        weights={"weights": weights},
        kind={"uint8": 2, "float16": 10, "float64": 11}[kind],
    )
    outcome = evaluator.evaluate(colour.evaluation(model), lambda _: None)
    scale = 1.0 if kind == "uint8" else 1 / 255
    slack = 0.05 if kind == "float16" else 0
    wanted = wanted_colour(colour, layout=layout, scale=scale)
    assert accuracy(outcome) == pytest.approx(wanted, abs=slack)


def test_words_of_a_model_come_out_clean(bench: Bench, evaluator: Evaluator) -> None:
    outcome = evaluator.evaluate(bench.evaluation(hostile_models.pinging_model()), lambda _: None)
    assert outcome.failure is None
    assert outcome.model.producer == "\uff20everyone \u2039!channel\u203a [path]"


def test_progress_is_told_while_a_slow_model_runs(evaluator: Evaluator, tmp_path: Path) -> None:
    big = Bench(tmp_path, h=96, w=96, c=1)
    heard: list[Progress] = []
    model = models.small_cnn_model(96, 96)
    slow = big.evaluation(model, splits=("dev", "board"))
    assert accuracy(evaluator.evaluate(slow, heard.append)) >= 0
    done = [progress.done for progress in heard if progress.stage == Stage.PREDICT]
    assert done == sorted(done)


def test_a_line_that_is_no_evaluation_is_answered_and_serve_goes_on(
    bench: Bench, served: Served
) -> None:
    served.process.stdin.write("{}\n")
    served.process.stdin.flush()
    assert "error" in served.line()
    assert accuracy(served.evaluate(bench.evaluation(models.good_model()))) >= 0


def test_serve_says_hello_first_and_ends_with_its_input(bench: Bench) -> None:
    served = Served()
    assert served.hello["tier"] == prove().tier
    assert served.hello["versions"]["onnxruntime"]
    assert served.hello["hardware"].endswith("CPU")
    assert served.close() == 0


def test_nothing_but_answers_reaches_the_output_of_serve() -> None:
    code = (
        "import os, runner.serve as s\n"
        "def noisy(lines, out, spare):\n"
        "    print('noise', flush=True)\n"
        "    os.write(1, b'more')\n"
        "    out.write(b'answer')\n"
        "s._answer = noisy\n"
        "s.serve()"
    )
    done = subprocess.run([sys.executable, "-c", code], input=b"", capture_output=True, check=True)
    assert done.stdout == b"answer"
    assert b"noise" in done.stderr


@pytest.mark.real_inputs("mnist")
def test_the_zoos_mnist_model_reaches_its_known_accuracy(
    evaluator: Evaluator, tmp_path: Path
) -> None:
    source = load_idx(MNIST / "t10k-images-idx3-ubyte.gz", MNIST / "t10k-labels-idx1-ubyte.gz")
    bench = Bench.__new__(Bench)
    bench.folder, bench.task = tmp_path, "classification"
    bench.manifest = add_dataset(
        Card("MNIST", "classification", "unknown", "LeCun et al. 1998", {}),
        {"board": source},
        datasets=tmp_path / "datasets",
        artifacts=tmp_path / "artifacts",
    )
    evaluation = bench.evaluation((MNIST / "mnist.onnx").read_bytes())
    outcome = evaluator.evaluate(evaluation, lambda _: None)
    assert accuracy(outcome) == 0.9890
    assert outcome.model.input == "float32 [1, 1, 28, 28], scaled by 1/255"


def test_gzip_is_how_mnist_comes(tmp_path: Path) -> None:
    images = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    head = bytes([0, 0, 8, 3]) + np.array([2, 3, 4], ">u4").tobytes()
    (tmp_path / "i.gz").write_bytes(gzip.compress(head + images.tobytes()))
    (tmp_path / "l").write_bytes(bytes([0, 0, 8, 1]) + np.array([2], ">u4").tobytes() + b"\1\0")
    source = load_idx(tmp_path / "i.gz", tmp_path / "l")
    assert (source.images[..., 0] == images).all()
    assert source.truth.tolist() == [1, 0]
