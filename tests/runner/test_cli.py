import json

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner

from runner.baselines import SPLITS, write_digits
from runner.baselines import digits as scans
from runner.cli import main
from tests.runner import models
from tests.runner.conftest import Bench, best_tier

pytestmark = pytest.mark.sandbox


def run(*arguments: object):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("model", "key", "status", "word"),
    [
        (models.good_model(), None, 0, "accept\n  float32 [N, 1, 8, 8], scaled by 1/255"),
        (models.wrong_classes_model(), None, 1, "refuse E_OUTPUT_SHAPE"),
        (models.pickle(), None, 1, "refuse E_NOT_ONNX"),
        (models.good_model(), "gone-000000000000", 3, "unknown E_RUNNER_DATASET"),
    ],
)
def test_check_says_whether_a_model_fits(model, key, status, word, bench: Bench, tmp_path):
    (tmp_path / "m.onnx").write_bytes(model)
    key = key or bench.manifest.key
    place = ("--dataset", key, "--datasets", bench.folder / "datasets")
    said = run("check", tmp_path / "m.onnx", *place)
    assert said.exit_code == status, said.output
    assert word in said.output


@pytest.mark.slow
def test_probe_prints_the_tier_the_case_and_a_sentence_for_every_probe():
    said = run("probe")
    assert said.exit_code == 0
    assert said.output.startswith(f"tier: {best_tier()}\n")
    assert "held Tried to read the labels: held by Landlock" in said.output
    assert "held Tried to start 3,000 threads" in said.output


def test_probe_says_the_same_to_programs_and_quickly_without_the_storms():
    said = json.loads(run("probe", "--quick", "--json").output)
    assert said["tier"] == best_tier()
    assert said["case"].startswith("started ")
    names = [probe["probe"] for probe in said["probes"]]
    assert "read the labels" in names
    assert "spin for ever" not in names
    assert all(probe["held"] for probe in said["probes"] if probe["needed"])


def test_evaluate_runs_a_file(bench: Bench, tmp_path):
    for model, status in ((models.good_model(), 0), (models.nan_model(), 1)):
        (tmp_path / "e.json").write_text(bench.evaluation(model).model_dump_json())
        said = CliRunner().invoke(main, ["evaluate", str(tmp_path / "e.json")])
        assert said.exit_code == status
        assert json.loads(said.stdout)["submission"] == "7"


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return write_digits(tmp_path_factory.mktemp("digits"))


def test_digits_are_split_without_overlap_and_with_every_class(digits):
    seen = set()
    for name, count in SPLITS.items():
        with np.load(digits.splits[name]) as archive:
            assert archive["images"].shape == (count, 8, 8, 1)
            assert archive["images"].dtype == np.uint8
            assert archive["images"].max() == 255
            assert np.bincount(archive["labels"], minlength=10).min() >= count // 11
            own = {image.tobytes() for image in archive["images"]}
        assert not seen & own
        seen |= own


def test_all_splits_but_the_shadow_are_the_scans_as_they_are(digits):
    for name, (images, labels) in scans().items():
        with np.load(digits.splits[name]) as archive:
            assert np.array_equal(archive["labels"], labels)
            assert np.array_equal(archive["images"], images) == (name != "shadow")
            assert set(archive["attribute_slant"]) == {"left", "upright", "right"}


def test_one_baseline_is_weak_and_one_is_good(digits):
    with np.load(digits.splits["board"]) as archive:
        images, labels = archive["images"], archive["labels"]
    found = {}
    for name, path in digits.models.items():
        session = onnxruntime.InferenceSession(path)
        values = images if name == "small-mlp" else (images / 255).astype(np.float32)
        scores = session.run(None, {"images": values})[0]
        found[name] = float((scores.argmax(1) == labels).mean())
    assert 0.85 < found["nearest-centroid"] < 0.94
    assert found["small-mlp"] > 0.96


def test_digits_are_the_same_bytes_every_time(digits, tmp_path):
    again = write_digits(tmp_path)
    for files, others in ((digits.splits, again.splits), (digits.models, again.models)):
        for name, path in files.items():
            assert path.read_bytes() == others[name].read_bytes(), name
