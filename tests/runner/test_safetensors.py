"""Weights without a network: what is read of them, and what is refused before anything is loaded."""

import numpy as np
import pytest

from runner.contract import Declared
from runner.failures import Refusal
from runner.formats import admission, architectures, sniff
from runner.formats.architectures import ARCHITECTURES, Shape
from runner.formats.torch_safetensors import Stored, read_header, refuse_unless_same
from tests.runner import models
from tests.runner.safetensors_files import BROKEN, described, raw, safetensors_of

WANTED = {"fc.weight": Stored("F32", (10, 4)), "fc.bias": Stored("F32", (10,))}


def test_a_header_says_names_shapes_types_and_metadata() -> None:
    data = safetensors_of(
        {"fc.weight": np.zeros((10, 4), np.float32), "n": np.zeros((), np.int64)},
        metadata={"bookwiz.preproc": "{}"},
    )
    header = read_header(data)
    assert header.tensors == {"fc.weight": Stored("F32", (10, 4)), "n": Stored("I64", ())}
    assert header.metadata == {"bookwiz.preproc": "{}"}


@pytest.mark.parametrize("name", BROKEN)
def test_a_header_that_lies_is_refused(name: str) -> None:
    data, words = BROKEN[name]
    with pytest.raises(Refusal) as refused:
        read_header(data)
    assert refused.value.code == "E_SAFETENSORS_BROKEN"
    assert words in refused.value.problem


def test_the_same_weights_in_another_order_or_width_fit() -> None:
    data = safetensors_of(
        {"fc.bias": np.zeros(10, np.float16), "fc.weight": np.zeros((10, 4), np.float64)}
    )
    refuse_unless_same(WANTED, read_header(data))


def test_counters_of_batches_may_be_missing() -> None:
    wanted = WANTED | {"bn.num_batches_tracked": Stored("I64", ())}
    data = safetensors_of(
        {"fc.bias": np.zeros(10, np.float32), "fc.weight": np.zeros((10, 4), np.float32)}
    )
    refuse_unless_same(wanted, read_header(data))


@pytest.mark.parametrize(
    ("tensors", "got"),
    [
        ({"fc.bias": np.zeros(10, np.float32)}, "missing: fc.weight"),
        (
            {"fc.bias": np.zeros(10, np.float32), "fc.weight": np.zeros((4, 10), np.float32)},
            "other shape: fc.weight [4, 10] instead of [10, 4]",
        ),
        (
            {"fc.bias": np.zeros(10, np.int64), "fc.weight": np.zeros((10, 4), np.float32)},
            "other type: fc.bias I64",
        ),
        (
            {
                "fc.bias": np.zeros(10, np.float32),
                "fc.weight": np.zeros((10, 4), np.float32),
                **{f"more.{n}": np.zeros(1, np.float32) for n in range(9)},
            },
            "unexpected: more.0, more.1, more.2, more.3, more.4 and 4 more",
        ),
    ],
)
def test_every_difference_is_told(tensors: dict, got: str) -> None:
    with pytest.raises(Refusal) as refused:
        refuse_unless_same(WANTED, read_header(safetensors_of(tensors)))
    assert (refused.value.code, refused.value.got) == ("E_WEIGHTS", got)


def test_a_wrappers_prefix_is_recognised() -> None:
    tensors = {
        "module.fc.bias": np.zeros(10, np.float32),
        "module.fc.weight": np.zeros((10, 4), np.float32),
    }
    with pytest.raises(Refusal) as refused:
        refuse_unless_same(WANTED, read_header(safetensors_of(tensors)))
    assert "begins with 'module.'" in refused.value.fix


@pytest.mark.parametrize("name", ["resnet-18", "ResNet18", "resnt18"])
def test_a_name_that_is_nearly_right_is_refused_with_the_right_one(name: str) -> None:
    with pytest.raises(Refusal) as refused:
        architectures.named(name)
    assert refused.value.code == "E_ARCHITECTURE"
    assert "resnet18" in refused.value.fix


@pytest.mark.parametrize(
    "name",
    ["", "hf-hub:timm/resnet18", "../resnet18", "/etc/passwd", "os.system", "resnet18\0", "plain"],
)
def test_only_a_name_of_the_list_is_an_architecture(name: str) -> None:
    with pytest.raises(Refusal, match="E_ARCHITECTURE"):
        architectures.named(name)


@pytest.mark.parametrize(
    ("name", "task", "shape"),
    [
        ("unet", "classification", Shape(10, 3, 32, 32)),
        ("resnet18", "detection", Shape(10, 3, 32, 32)),
        ("vit_small", "classification", Shape(10, 1, 30, 30)),
        ("small_cnn", "classification", Shape(10, 1, 3, 8)),
    ],
)
def test_an_architecture_says_what_it_is_not_for(name: str, task, shape: Shape) -> None:
    with pytest.raises(Refusal, match="E_ARCHITECTURE"):
        architectures.fitting(name, task, shape)


def test_each_kind_of_file_is_told_by_its_bytes() -> None:
    def format_of(data: bytes) -> str | None:
        return sniff.format_of(data[: sniff.HEAD_BYTES], data[-sniff.TAIL_BYTES :])

    assert format_of(models.good_model()) == "onnx"
    assert format_of(safetensors_of({"a": np.zeros(3, np.float32)})) == "safetensors"
    assert format_of(models.torch_zip(script=True)) == "torchscript"
    assert format_of(models.torch_zip()) is None
    assert format_of(models.pickle()) is None


@pytest.mark.parametrize(
    ("data", "said", "code"),
    [
        (models.good_model(), "safetensors", "E_FORMAT"),
        (models.pickle(), "safetensors", "E_FORMAT"),
        (models.pickle(), "torchscript", "E_FORMAT"),
        (models.torch_zip(), "torchscript", "E_FORMAT"),
        (models.torch_zip(), "pt2", "E_FORMAT"),
        (models.torch_zip(script=True), "onnx", "E_NOT_ONNX"),
        (raw(described()), "onnx", "E_NOT_ONNX"),
    ],
)
def test_a_file_that_is_not_what_was_said_is_refused(data: bytes, said, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        admission.refuse_another_format(data[:4096], data[-65536:], said)
    assert refused.value.code == code


@pytest.mark.parametrize("format", ["torchscript", "pt2"])
@pytest.mark.parametrize("tier", ["reduced", "none"])
def test_files_that_are_programs_need_every_wall(format, tier, monkeypatch) -> None:
    monkeypatch.setattr(admission, "has_torch", lambda: True)
    with pytest.raises(Refusal, match="E_TIER"):
        admission.refuse_unless_opened(format, Declared(), tier=tier)
    admission.refuse_unless_opened(format, Declared(), tier="full")
    assert format not in admission.formats_opened(tier)


def test_a_runner_without_torch_takes_onnx_and_says_how_to_export(monkeypatch) -> None:
    monkeypatch.setattr(admission, "find_spec", lambda _: None)
    assert admission.formats_opened("full") == ("onnx",)
    admission.refuse_unless_opened("onnx", Declared(), tier="reduced")
    with pytest.raises(Refusal) as refused:
        admission.refuse_unless_opened(
            "safetensors", Declared(architecture="resnet18"), tier="full"
        )
    assert refused.value.code == "E_NO_TORCH"
    assert "torch.onnx.export" in refused.value.fix


#: parameters with 1,000 classes and three channels, as torchvision's documentation gives them
_KNOWN = {"resnet18": 11_689_512, "resnet34": 21_797_672, "resnet50": 25_557_032}


@pytest.mark.torch
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_is_built_without_memory_and_answers_for_its_task(name: str) -> None:
    torch = pytest.importorskip("torch")
    task = ARCHITECTURES[name].tasks[0]
    with torch.device("meta"):
        large = architectures.build(
            name, task=task, classes=1000, channels=3, height=224, width=224
        )
    assert all(parameter.is_meta for parameter in large.parameters())
    count = sum(parameter.numel() for parameter in large.parameters())
    assert count == _KNOWN.get(name, count)
    small = architectures.build(name, task=task, classes=5, channels=1, height=16, width=24)
    with torch.inference_mode():
        y = small.eval()(torch.zeros(2, 1, 16, 24))
    assert y.shape == ((2, 5) if task == "classification" else (2, 5, 16, 24))


@pytest.mark.torch
def test_a_resnet_has_torchvisions_names() -> None:
    pytest.importorskip("torch")
    names = set(
        architectures.build(
            "resnet50", task="classification", classes=10, channels=3, height=32, width=32
        ).state_dict()
    )
    assert {
        "conv1.weight", "bn1.running_mean", "layer1.0.conv3.weight", "layer2.0.downsample.0.weight",
        "layer2.0.downsample.1.num_batches_tracked", "layer3.5.bn2.bias", "fc.bias",
    } <= names  # fmt: skip
