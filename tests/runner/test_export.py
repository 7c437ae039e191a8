"""A module becomes a file that does the same, or its member hears why not and what to change."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner

from runner.card import BenchmarkCard
from runner.cli import main
from runner.formats import admission

CARD = BenchmarkCard(
    name="Toy", task="classification", classes=("a", "b", "c"), height=8, width=8, channels=3
)
NET = """
import torch
from torch import nn

def make():
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Flatten(), nn.Linear(144, 3))

def grey():
    return nn.Sequential(nn.Conv2d(1, 4, 3))

def text():
    return "no module"

def needs(classes):
    return make()

class Channels(nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3))

class FixedBatch(nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3)).reshape(len(x), 3) + torch.zeros(len(x), 3)

class Chance(Channels):
    def forward(self, x):
        return super().forward(x) + torch.rand(1)

class ListOfDicts(nn.Module):
    def forward(self, x):
        return [{"boxes": image} for image in x]

class NoWord(nn.Module):
    def forward(self, x):
        return torch.special.bessel_j0(x).mean(dim=(2, 3))

class One(nn.Module):
    def forward(self, x):
        [image] = x
        boxes = image[0] * torch.tensor([8.0, 8.0, 8.0, 8.0]).repeat(2)
        return boxes[:, :4], image[1, 0], torch.arange(8)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "broken.py").write_text("import nothing_of_that_name")
    (tmp_path / "card.json").write_text(CARD.model_dump_json())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def run(*words: str):
    return CliRunner().invoke(main, ["export", *words])


def test_without_pytorch_it_says_where_to_install_bookwiz(place, monkeypatch) -> None:
    monkeypatch.setattr("runner.export.command.has_torch", lambda: False)
    said = run("net.py:make", "--benchmark", "card.json")
    assert said.exit_code == 1
    assert "PyTorch is not installed here" in said.output
    assert "pip install torch" in said.output


def test_neither_card_nor_shape_is_asked_for(place) -> None:
    said = run("net.py:make")
    assert said.exit_code == 2
    assert "--shape HxWxC and --task TASK" in said.output
    assert "expected HEIGHTxWIDTHxCHANNELS" in run("net.py:make", "--shape", "8x8").output
    (place / "other.json").write_text("{}")
    assert "other.json is no benchmark card" in run("x", "--benchmark", "other.json").output


@pytest.fixture
def torch():
    assert admission.has_torch
    return pytest.importorskip("torch", reason="PyTorch is not installed: export is not tried")


@pytest.mark.torch
def test_the_file_takes_pixels_and_gives_what_the_module_gives_of_normalised_ones(
    place, torch
) -> None:
    said = run(
        "net.py:make", "--benchmark", "card.json", "--mean", "0.4,0.5,0.6", "--std", "0.2,0.3,0.4",
        "--colour", "BGR", "--out", "out/m.onnx",
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "in:  uint8 [N, 8, 8, 3]" in said.output
    assert "out: logits [N, 3]" in said.output
    assert "Next: bookwiz-runner check out/m.onnx --benchmark card.json" in said.output
    session = onnxruntime.InferenceSession("out/m.onnx")
    images = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    [found] = session.run(None, {"images": images})
    # Worked out here once more, in numpy: reversed to BGR, then mean and std in that order.
    pixels = (images[..., ::-1] / 255 - [0.4, 0.5, 0.6]) / [0.2, 0.3, 0.4]
    x = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), np.float32))
    namespace: dict = {}
    exec(NET, namespace)
    with torch.inference_mode():
        np.testing.assert_allclose(found, namespace["make"]().eval()(x).numpy(), atol=1e-5)
    kept = session.get_modelmeta().custom_metadata_map
    assert json.loads(kept["bookwiz.preproc"]) == {"layout": "NHWC", "dtype": "uint8"}


@pytest.mark.torch
@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ("gone.py:make", (), "There is no such file."),
        ("net.py", (), "The name in the file is missing."),
        ("broken.py:make", (), "No module named 'nothing_of_that_name'"),
        ("net.py:other", (), "expected: make, grey, text, needs, Channels"),
        ("net.py:text", (), "gives no torch.nn.Module"),
        ("net.py:needs", (), "cannot be called without arguments"),
        ("net.py:grey", (), "does not run on the benchmark's images"),
        ("net.py:FixedBatch", (), "does not run on a batch of 1"),
        ("net.py:Chance", (), "does not do what the module does"),
        ("net.py:ListOfDicts", (), "got: a list with a dict for each image"),
        ("net.py:NoWord", (), "an operator that ONNX has no word for"),
        ("net.py:make", ("--mean", "0.5"), "mean does not fit the images' channels"),
        ("net.py:make", ("--output", '{"kind": "boxes"}'), "E_OUTPUT_CONTRACT"),
        ("resnet81", ("--weights", "net.py"), "Did you mean"),
        ("small_cnn", (), "An architecture comes without weights."),
        ("net.py:make", ("--weights", "net.py"), "holds no weights that can be read safely"),
        ("net.py:make", ("--weights", "module.pt"), "weights_only"),
        ("net.py:make", ("--weights", "parallel.pt"), "model.module.state_dict()"),
        ("net.py:make", ("--weights", "other.safetensors"), "shape: 4.weight [2, 144]"),
    ],
)
def test_what_cannot_be_exported_says_what_to_change(source, options, words, place, torch) -> None:
    from safetensors.torch import save_file

    namespace: dict = {"__name__": "net"}
    exec(NET, namespace)
    module = namespace["make"]()
    state = module.state_dict()
    torch.save(module, place / "module.pt")
    torch.save({f"module.{k}": v for k, v in state.items()}, place / "parallel.pt")
    save_file(state | {"4.weight": torch.zeros(2, 144)}, place / "other.safetensors")
    said = run(source, "--benchmark", "card.json", *options)
    assert said.exit_code == 1, said.output
    assert words in said.output
    assert "Traceback" not in said.output
    assert not (place / "model.onnx").exists()


@pytest.mark.torch
@pytest.mark.parametrize("wrapped", [None, "state_dict", "model"])
def test_weights_of_a_training_script_are_found_in_what_it_saved(wrapped, place, torch) -> None:
    namespace: dict = {}
    exec(NET, namespace)
    state = namespace["make"]().state_dict() | {"4.bias": torch.tensor([7.0, 8.0, 9.0])}
    torch.save({wrapped: state, "epoch": 3} if wrapped else state, place / "w.pt")
    said = run("net.py:make", "--weights", "w.pt", "--benchmark", "card.json")
    assert said.exit_code == 0, said.output
    [found] = onnxruntime.InferenceSession("model.onnx").run(
        None, {"images": np.zeros((1, 8, 8, 3), np.uint8)}
    )
    assert found[0].argmax() == 2
    assert found[0][2] > 7


@pytest.mark.torch
def test_every_registered_architecture_exports(place, torch) -> None:
    from safetensors.torch import save_file

    from runner.formats.architectures import build

    for name, task in (("mlp", "classification"), ("vit_small", "classification"), ("unet", "segmentation")):  # fmt: skip
        card = CARD.model_copy(update={"task": task})
        (place / "card.json").write_text(card.model_dump_json())
        module = build(name, task=task, classes=3, channels=3, height=8, width=8)
        save_file(module.state_dict(), place / "w.safetensors")
        said = run(name, "--weights", "w.safetensors", "--benchmark", "card.json")
        assert said.exit_code == 0, said.output


@pytest.mark.torch
@pytest.mark.sandbox
def test_a_detector_that_takes_one_image_at_a_time_is_taken_so(place, torch) -> None:
    (place / "card.json").write_text(
        CARD.model_copy(update={"task": "detection"}).model_dump_json()
    )
    said = run(
        "net.py:One", "--benchmark", "card.json", "--one-by-one", "--size", "8x8",
        "--output", '{"kind": "detections"}',
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert "out: boxes [8, 4], scores [8], labels [8]" in said.output
    [takes] = onnxruntime.InferenceSession("model.onnx").get_inputs()
    assert takes.shape == [1, 8, 8, 3]
