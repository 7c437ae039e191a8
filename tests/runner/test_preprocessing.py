"""Pixels reach a model as its file or its form declares, in this order of belief."""

import json

import numpy as np
import pytest
from PIL import Image

from runner.contract import Declared, Limits
from runner.datasets.version import split_file
from runner.failures import Refusal
from runner.predictions import Predictions, predict
from runner.sandbox.cell import Cell
from tests.runner import models
from tests.runner.conftest import Bench

pytestmark = pytest.mark.sandbox
LIMITS = Limits(wall_seconds=20, cpu_seconds=20, memory_mb=1024)
ULTRALYTICS = {"stride": "32", "names": "{0: 'a', 1: 'b'}"}
KEY = "bookwiz.preproc"


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("colour"), h=6, w=5, c=3, classes=4)


def run(bench: Bench, model: bytes, preproc: str = "") -> Predictions:
    cell = Cell()
    try:
        return predict(
            cell,
            model,
            bench.manifest,
            [split_file(bench.folder / "datasets", bench.manifest, "board")],
            limits=LIMITS,
            tell=lambda _: None,
            declared=Declared(preproc=preproc),
        )
    finally:
        cell.close()


def rows_of(values: np.ndarray) -> np.ndarray:
    """What ``models.good_model`` answers to planes [n, c, h, w]."""
    flat = values.reshape(len(values), -1).astype(np.float32)
    weights = np.random.default_rng(0).normal(size=(flat.shape[1], 4)).astype(np.float32)
    return flat @ weights


def planes(bench: Bench, *, bgr: bool = False) -> np.ndarray:
    images = bench.arrays["board"][0].astype(np.float64)
    return (images[..., ::-1] if bgr else images).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("metadata", "form", "expected"),
    [
        ({}, {}, lambda x, _: x / 255),
        ({}, {"scale": 1}, lambda x, _: x),
        ({KEY: '{"scale": 0.5}'}, {"scale": 1}, lambda x, _: x / 2),
        ({KEY: '{"colour": "BGR"}'}, {}, lambda _, bgr: bgr / 255),
        ({KEY: '{"dtype": "float32", "mean": 0.5}'}, {}, lambda x, _: x / 255 - 0.5),
        ({"Image.NominalPixelRange": "NominalRange_0_255"}, {}, lambda x, _: x),
        (
            {"Image.NominalPixelRange": "Normalized_1_1", "Image.BitmapPixelFormat": "Bgr8"},
            {"scale": 1},
            lambda _, bgr: bgr / 127.5 - 1,
        ),
        ({"Image.NominalPixelRange": "NominalRange_16_235"}, {}, lambda x, _: x * 219 / 255 + 16),
        (ULTRALYTICS | {"imgsz": "[6, 5]"}, {"scale": 1}, lambda x, _: x / 255),
    ],
)
def test_numbers_and_colours_are_as_declared(metadata, form, expected, colour: Bench) -> None:
    model = models.good_model(6, 5, 3, 4, metadata=metadata)
    found = run(colour, model, json.dumps(form) if form else "")
    wanted = rows_of(expected(planes(colour), planes(colour, bgr=True)))
    np.testing.assert_allclose(found.rows[0], wanted, rtol=1e-3, atol=1e-2)


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))


@pytest.mark.parametrize("shape", [["N", 3, 12, 12], ["N", "c", "h", "w"], [1, 3, 12, 12]])
@pytest.mark.parametrize("resize", ["stretch", "letterbox"])
@pytest.mark.parametrize("ultralytics", [False, True])
def test_images_are_brought_to_the_models_size_as_declared(
    shape: list, resize: str, ultralytics: bool, colour: Bench
) -> None:
    how = {KEY: json.dumps({"size": [12, 12], "resize": resize, "pad": 114})}
    if ultralytics:
        task = {"task": "classify"} if resize == "stretch" else {}
        how = ULTRALYTICS | task | {"imgsz": "12"}
    found = run(colour, models.good_model(12, 12, 3, 4, shape=shape, metadata=how))
    fed = np.full((80, 12, 12, 3), 114, np.uint8)
    for into, image in zip(fed, colour.arrays["board"][0], strict=True):
        if resize == "stretch":
            into[...] = resized(image, (12, 12))
        else:
            into[:, 1:11] = resized(image, (12, 10))
    wanted = rows_of(fed.transpose(0, 3, 1, 2) / 255)
    np.testing.assert_allclose(found.rows[0], wanted, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({KEY: '{"size": [12, 13], "resize": "stretch"}'}, "12 × 12"),
        ({}, '{"resize": "stretch"}'),
    ],
)
def test_another_size_that_is_not_declared_is_refused_with_what_to_declare(
    metadata, words, colour: Bench
) -> None:
    with pytest.raises(Refusal) as caught:
        run(colour, models.good_model(12, 12, 3, 4, metadata=metadata))
    assert caught.value.code == "E_INPUT_SHAPE"
    assert words in caught.value.fix


@pytest.mark.parametrize(
    "metadata",
    [
        {KEY: '{"pad": 256}'},
        {KEY: '{"size": [0, 3]}'},
        {KEY: '{"size": 99999}'},
        {KEY: '{"size": [2, 3, 4]}'},
        {KEY: '{"scale": 1e400}'},
        {KEY: '{"scale": ' + "9" * 400 + "}"},
        {KEY: '{"colour": "CMYK"}'},
        {KEY: '{"dtype": "uint8"}'},
        {KEY: '{"std": 0}'},
        {"Image.NominalPixelRange": "0..1"},
        {"Image.BitmapPixelFormat": "Rgba8"},
        {"Image.BitmapPixelFormat": "Gray8"},
        {"Image.ColorSpaceGamma": "Linear"},
        ULTRALYTICS | {"imgsz": "__import__('os').abort()"},
        ULTRALYTICS | {"imgsz": "(" * 5000},
        ULTRALYTICS | {"imgsz": "-" * 150_000 + "1"},
        ULTRALYTICS | {"imgsz": "9" * 300_000},
    ],
    ids=lambda m: str(m)[:40],
)
def test_a_declaration_that_is_none_is_refused(metadata, colour: Bench) -> None:
    with pytest.raises(Refusal) as caught:
        run(colour, models.good_model(6, 5, 3, 4, metadata=metadata))
    assert caught.value.code == "E_PREPROC"
