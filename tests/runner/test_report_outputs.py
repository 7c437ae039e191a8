"""What analysing runners put out, told as it is; what no honest one puts out, refused."""

from typing import Any

import numpy as np
import pytest

from runner import blobs
from runner.contract import Artifact
from runner.failures import Refusal
from runner.report import analysis
from tests.runner.asking import ask, errand_of, output
from tests.runner.models import good_model
from tests.runner.report_worlds import ShapesWorld
from tests.runner.test_report_page import World


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("digits"), tuple("0123456789"))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> ShapesWorld:
    return ShapesWorld(tmp_path_factory.mktemp("boxes"), "detection")


@pytest.fixture(scope="module")
def masks(tmp_path_factory: pytest.TempPathFactory) -> ShapesWorld:
    return ShapesWorld(tmp_path_factory.mktemp("masks"), "segmentation")


def robustness(world: World, **broken: Any) -> tuple[Artifact, ...]:
    clean = np.eye(10, dtype=np.float32)[world.labels[:20]]
    half = clean.copy()
    half[:10] = np.roll(half[:10], 1, axis=1)
    variants = [
        {"corruption": name, "severity": severity, "file": f"robustness-{name}-{severity}.npy"}
        for name, severity in (("none", 0), ("noise", 1), ("noise", 3), ("blur", 1))
    ]
    said = {"version": 1, "images": list(range(20)), "variants": variants} | broken
    rows = {"none-0": clean, "noise-1": clean, "noise-3": half, "blur-1": clean}
    files = [output(world, f"robustness-{name}.npy", found) for name, found in rows.items()]
    return (output(world, "robustness.json", said), *files)


def test_robustness_tells_each_corruption_and_severity(digits: World) -> None:
    made = ask(digits, "robustness", digits.predictions(skill=2), outputs=robustness(digits))
    assert made.rows == (
        ("corruption", "severity 1", "severity 3", "mean"),
        ("noise", "100.0 %", "50.0 %", "75.0 %"),
        ("blur", "100.0 %", "–", "100.0 %"),
    )
    assert made.figures == {"clean": 1.0, "noise": 0.75, "blur": 1.0}
    assert "it stands noise worst (75.0 % on average)" in made.words


@pytest.mark.parametrize(
    "broken",
    [
        {"images": [60] * 20},
        {"images": [-1] * 20},
        {"images": list(range(19))},
        {"images": []},
        {"images": [10**30] * 20},
        {"variants": []},
        {
            "variants": [{"corruption": "none", "severity": 0, "file": "robustness-none-0.npy"}]
            * 201
        },
        {"variants": [{"corruption": "noise", "severity": 1, "file": "robustness-noise-1.npy"}]},
        {"variants": [{"corruption": "none", "severity": 0, "file": "../../secret.npy"}]},
        {"variants": "many"},
    ],
    ids=str,
)
def test_what_a_runner_says_of_robustness_must_have_its_form(broken: dict, digits: World) -> None:
    outputs = robustness(digits, **broken)
    with pytest.raises(Refusal) as refused:
        ask(digits, "robustness", digits.predictions(skill=2), outputs=outputs)
    assert refused.value.code == "E_RUNNER_FORM"


def test_quantisation_is_told_as_it_was_measured(digits: World) -> None:
    full = np.eye(10, dtype=np.float32)[digits.labels]
    worse = full.copy()
    worse[:15] = np.roll(worse[:15], 1, axis=1)
    variants = [
        {"name": "float", "size": 4_000_000, "p50_ms": 10, "p95_ms": 11,
         "images_per_second": 100, "predictions": "quantize-float.npy"},
        {"name": "static", "size": 1_000_000, "p50_ms": 2, "p95_ms": 3,
         "images_per_second": 500, "predictions": "quantize-static.npy"},
        {"name": "dynamic", "failure": "no matrix products <@everyone>"},
    ]  # fmt: skip
    outputs = (
        output(digits, "quantize.json", {"version": 1, "variants": variants, "images": 60}),
        output(digits, "quantize-float.npy", full),
        output(digits, "quantize-static.npy", worse),
    )
    made = ask(digits, "quantize", digits.stored(full), outputs=outputs)
    assert made.rows[1:] == (
        ("as it is", "100.0 %", "–", "10 ms", "11 ms", "100", "4.0 MB"),
        ("int8, static", "75.0 %", "75.0 %", "2 ms", "3 ms", "500", "1.0 MB"),
        ("int8, dynamic", "failed", "–", "–", "–", "–", "–"),
    )
    assert "5.0 times as fast, a difference that is no chance" in made.words
    assert "could not be used (no matrix products" in made.words
    assert "@" not in made.words
    assert made.figures == {"as it is": 1.0, "int8, static": 0.75}


def saliency(world: World, **broken: Any) -> tuple[Artifact, ...]:
    curve = {"deletion_auc": [0.2, 0.3], "curve": [[1, 0.2, 0.0], [0.9, 0.3, 0.1]]}
    noise = {"deletion_auc": [0.5, 0.6], "curve": [[1, 0.5, 0.0], [0.9, 0.6, 0.1]]}
    said = {
        "version": 1, "images": [3, 5], "classes": [3, 4], "confidence": [0.9, 0.8],
        "methods": {"occlusion": curve | {"file": "saliency-occlusion.npy"}},
        "random": noise, "fractions": [0, 0.5, 1],
    } | broken  # fmt: skip
    maps = np.random.default_rng(0).random((2, 8, 8), dtype=np.float32)
    return (output(world, "saliency.json", said), output(world, "saliency-occlusion.npy", maps))


def test_saliency_says_whether_its_maps_tell_more_than_chance(digits: World) -> None:
    made = ask(digits, "saliency", digits.predictions(skill=2), outputs=saliency(digits))
    assert "occlusion 0.250, which tells more than chance" in made.words
    assert "(deletion AUC 0.550; smaller is better)" in made.words
    assert made.rows == (
        ("image", "taken for", "sure", "AUC occlusion", "AUC random"),
        ("#3", "3", "90 %", "0.200", "0.500"),
        ("#5", "4", "80 %", "0.300", "0.600"),
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"classes": [3, 10]},
        {"images": [3, 60]},
        {"images": [3]},
        {"fractions": [0, 1]},
        {"confidence": [1]},
        {"methods": {}},
        {"random": {"deletion_auc": [0.5], "curve": [[1, 0.5, 0]]}},
        {"random": {"deletion_auc": [0.5, 0.6], "curve": [[1, 0.5, 0], [1]]}},
        {"random": {"deletion_auc": [0.5, 0.6], "curve": []}},
    ],
    ids=str,
)
def test_what_a_runner_says_of_saliency_must_have_its_form(broken: dict, digits: World) -> None:
    outputs = saliency(digits, **broken)
    with pytest.raises(Refusal) as refused:
        ask(digits, "saliency", digits.predictions(skill=2), outputs=outputs)
    assert refused.value.code == "E_RUNNER_FORM"


def test_a_file_that_is_not_the_one_it_was_named_is_not_opened(digits: World) -> None:
    said, clean, *rest = robustness(digits)
    path = digits.desk.file(clean.sha256)
    data = path.read_bytes()
    for wrong, code in (
        ((said, clean.model_copy(update={"size": clean.size + 1}), *rest), "E_RUNNER_FORM"),
        ((said, clean.model_copy(update={"sha256": "0" * 64}), *rest), "E_DESK_FILE"),
        ((said, clean, clean, *rest), "E_RUNNER_FORM"),
        ((said, clean, *[output(digits, f"{n}", {}) for n in range(300)]), "E_RUNNER_FORM"),
    ):
        with pytest.raises(Refusal) as refused:
            ask(digits, "robustness", digits.predictions(skill=2), outputs=wrong)
        assert refused.value.code == code
    path.write_bytes(data[:-4] + b"\0\0\x40?")  # still an array of that form
    try:
        with pytest.raises(Refusal, match="not what its hash says"):
            ask(digits, "robustness", digits.predictions(skill=2), outputs=(said, clean, *rest))
    finally:
        path.write_bytes(data)


def test_rows_that_no_honest_runner_sends_on_are_none(masks: ShapesWorld, digits: World) -> None:
    said, *files = robustness(digits)
    rows = np.full((20, 10), np.nan, np.float32)
    files[0] = output(digits, files[0].name, rows)
    with pytest.raises(Refusal, match="E_RUNNER_FORM"):
        ask(digits, "robustness", digits.predictions(skill=2), outputs=(said, *files))
    variants = [{"name": "float", "predictions": "rows.npy"}]
    strange = np.full(masks.masks.shape, 77, np.uint8)
    outputs = (
        output(masks, "quantize.json", {"version": 1, "variants": variants}),
        output(masks, "rows.npy", strange),
    )
    with pytest.raises(Refusal, match="E_OUTPUT_SHAPE"):
        ask(masks, "quantize", masks.stored(masks.masks), outputs=outputs)


def test_what_was_scored_once_and_is_damaged_since_is_our_stores_fault(digits: World) -> None:
    dev = digits.predictions(skill=1.234)
    digits.desk.file(dev.sha256).write_bytes(b"another file")
    with pytest.raises(Refusal, match="E_DESK_FILE"):
        ask(digits, "errors", dev)


@pytest.mark.sandbox
def test_of_a_quantised_file_only_its_bytes_are_passed_on(digits: World) -> None:
    full = np.eye(10, dtype=np.float32)[digits.labels]
    variants = [{"name": "float", "predictions": "rows.npy"}]
    model = good_model()
    page = blobs.store(
        digits.desk.files, model, name="model-static.onnx", media_type="text/html", alt="<script>"
    )
    outputs = (
        output(digits, "quantize.json", {"version": 1, "variants": variants}),
        output(digits, "rows.npy", full),
        page,
        page.model_copy(update={"name": "model-../../card.onnx"}),
    )
    made = analysis.carry_out(
        digits.desk, errand_of(digits, "quantize", digits.stored(full), outputs=outputs)
    )
    _, kept = made.artifacts
    assert (kept.name, kept.media_type, kept.alt) == (
        "model-static.onnx", "application/octet-stream", "",
    )  # fmt: skip
    assert kept.sha256 == page.sha256


def test_a_missing_output_is_no_honest_runners(digits: World) -> None:
    with pytest.raises(Refusal, match="E_RUNNER_FORM"):
        ask(digits, "quantize", digits.predictions(skill=2))
