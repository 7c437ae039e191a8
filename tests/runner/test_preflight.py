"""What was quantised out of a stranger's model reaches no member before it was looked through."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from runner import blobs, preflight
from runner.contract import Artifact, Declared, Limits
from runner.errands import AnalysisErrand, Made
from runner.failures import Refusal
from runner.predictions import as_npy
from runner.report import analysis
from runner.sandbox.cell import Cell
from tests.runner.corpus import onnx_bytes, onnx_graphs
from tests.runner.models import good_model
from tests.runner.test_report_page import World

pytestmark = pytest.mark.sandbox
CORPUS = onnx_bytes.CORPUS | onnx_graphs.CORPUS
LIMITS = Limits(memory_mb=1024)
HOSTILE = (
    "pickle", "cut at 50%", "functions that double", "weights in /etc", "sparse and huge",
    "an operator that reads files", "250 bytes for 8 GB",
)  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("digits"), tuple("0123456789"))


def look(world: World, model: bytes) -> None:
    preflight.refuse_hostile(model, world.manifest, declared=Declared(), limits=LIMITS)


def sent(world: World, name: str, data: bytes) -> Artifact:
    return blobs.store(world.desk.files, data, name=name, media_type="text/html")


def quantized(world: World, *models: Artifact) -> Made:
    """What the desk makes of a runner's analysis that came with these files."""
    rows = np.eye(10, dtype=np.float32)[world.labels]
    said = {"variants": [{"name": "float", "predictions": "rows.npy"}]}
    errand = AnalysisErrand(
        task="classification", dataset=world.manifest.key, analysis="quantize", title="Toys",
        submission="7", metric="accuracy", dev=world.stored(rows).sha256, limits=LIMITS,
        outputs=(
            sent(world, "quantize.json", json.dumps(said).encode()),
            sent(world, "rows.npy", as_npy(rows)),
            *models,
        ),
    )  # fmt: skip
    return analysis.carry_out(world.desk, errand)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_as_a_submission_is(digits: World, name: str) -> None:
    with pytest.raises(Refusal) as refused:
        look(digits, CORPUS[name].make())
    assert refused.value.code == CORPUS[name].code


def test_an_ordinary_file_passes(digits: World) -> None:
    look(digits, good_model())


def test_the_member_gets_what_passed_and_is_told_why_the_other_is_withheld(digits: World) -> None:
    hostile = CORPUS["weights in /etc"].make()
    files = (("model-static.onnx", hostile), ("model-dynamic.onnx", good_model()))
    made = quantized(digits, *(sent(digits, name, data) for name, data in files))
    assert [a.name for a in made.artifacts] == ["quantize.png", "model-dynamic.onnx"]
    assert "model-static.onnx is not handed out: The model keeps its weights" in made.words
    assert "(E_ONNX_EXTERNAL_DATA)." in made.words
    assert "/etc" not in made.words


def test_a_file_beyond_what_quantising_may_make_is_a_runners_lie(digits: World) -> None:
    size = (8 << 20) + 2_000_000 * LIMITS.model_mb + 1
    large = Artifact(name="model-static.onnx", media_type="x", sha256="ab" * 32, size=size)
    place = digits.desk.file(large.sha256)
    place.parent.mkdir()
    with place.open("wb") as file:
        file.truncate(size)
    with pytest.raises(Refusal) as refused:
        quantized(digits, large)
    assert (refused.value.code, refused.value.got) == (
        "E_RUNNER_FORM", f"model-static.onnx: {size}",
    )  # fmt: skip


def test_without_walls_nothing_is_looked_through_nor_handed_out(
    digits: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNNER_UNSAFE", raising=False)
    monkeypatch.setattr(preflight, "_tier", lambda: "none")  # which is found out once
    made = quantized(digits, sent(digits, "model-static.onnx", good_model()))
    assert [a.name for a in made.artifacts] == ["quantize.png"]
    assert "no sandbox" in made.words
    assert "E_RUNNER_UNSAFE" in made.words


def test_it_is_looked_through_behind_walls_and_not_here(
    digits: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from runner.formats import onnx_walk

    def here(*_: object, **__: object) -> None:
        (tmp_path / str(os.getpid())).touch()

    monkeypatch.setattr(onnx_walk, "parse", here)
    purposes: list[str] = []
    begin = Cell.__init__

    def heard(self: Cell, purpose: str = "predict", **given: object) -> None:
        purposes.append(purpose)
        begin(self, purpose, **given)

    monkeypatch.setattr(Cell, "__init__", heard)
    look(digits, good_model())
    assert "preflight" in purposes
    assert not list(tmp_path.iterdir())
