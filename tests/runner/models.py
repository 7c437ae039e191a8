"""ONNX files for tests, good and broken, made node by node; every function returns bytes."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
Node = onnx.NodeProto


def model_of(
    nodes: Sequence[Node],
    *,
    shape: Sequence[int | str],
    output: Sequence[int | str],
    weights: dict[str, NDArray[Any]] | None = None,
    kind: int = FLOAT,
    metadata: dict[str, str] | None = None,
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Sequence[str] = (),
    inputs: Sequence[onnx.ValueInfoProto] = (),
    producer: str = "tests",
) -> bytes:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes),
        "g",
        [value("x", kind, shape), *inputs],
        [value("y", FLOAT, output)],
        [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=8,
        producer_name=producer,
        functions=list(functions),
    )
    if metadata:
        helper.set_model_props(model, metadata)
    return model.SerializeToString()


def flat(width: int, classes: int, seed: int = 0) -> tuple[list[Node], dict[str, NDArray[Any]]]:
    weights = np.random.default_rng(seed).normal(size=(width, classes)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["y"]),
    ]
    return nodes, {"weights": weights}


def good_model(h: int = 8, w: int = 8, c: int = 1, classes: int = 10, **given: Any) -> bytes:
    """A linear model with random weights: float32 [N, c, h, w] → [N, classes]."""
    nodes, weights = flat(h * w * c, classes, given.pop("seed", 0))
    shape = given.pop("shape", ["N", c, h, w])
    output = given.pop("output", [shape[0], classes])
    return model_of(nodes, shape=shape, output=output, weights=weights, **given)


def small_cnn_model(h: int = 8, w: int = 8, c: int = 1, classes: int = 10) -> bytes:
    """Two convolutions and a linear layer, as a first tutorial has them."""
    rng = np.random.default_rng(1)

    def some(*shape: int) -> NDArray[Any]:
        return (rng.normal(size=shape) * 0.1).astype(np.float32)

    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("Flatten", ["r2"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w3", "b3"], ["y"]),
    ]
    weights = {
        "w1": some(16, c, 3, 3),
        "b1": some(16),
        "w2": some(32, 16, 3, 3),
        "b2": some(32),
        "w3": some(32 * (h // 2) * (w // 2), classes),
        "b3": some(classes),
    }
    return model_of(nodes, shape=["N", c, h, w], output=["N", classes], weights=weights)


def small_mlp_model(hidden: int = 64, classes: int = 10) -> bytes:
    rng = np.random.default_rng(2)
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w1"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("MatMul", ["r", "w2"], ["y"]),
    ]
    weights = {
        "w1": rng.normal(size=(64, hidden)).astype(np.float32),
        "w2": rng.normal(size=(hidden, classes)).astype(np.float32),
    }
    return model_of(nodes, shape=["N", 1, 8, 8], output=["N", classes], weights=weights)


def resnet18_model() -> bytes:
    """ResNet-18 (He et al. 2015, table 1) with random weights, batch norms folded away."""
    rng = np.random.default_rng(3)
    nodes: list[Node] = []
    weights: dict[str, NDArray[Any]] = {}

    def conv(source: str, name: str, into: int, out: int, size: int, stride: int) -> str:
        scale = np.sqrt(2 / (into * size * size))
        shape = (out, into, size, size)
        weights[f"{name}.w"] = (rng.normal(size=shape) * scale).astype(np.float32)
        weights[f"{name}.b"] = np.zeros(out, np.float32)
        nodes.append(
            helper.make_node(
                "Conv",
                [source, f"{name}.w", f"{name}.b"],
                [name],
                pads=[size // 2] * 4,
                strides=[stride] * 2,
            )
        )
        return name

    def relu(source: str) -> str:
        nodes.append(helper.make_node("Relu", [source], [f"{source}.r"]))
        return f"{source}.r"

    value = relu(conv("x", "stem", 3, 64, 7, 2))
    pool = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    nodes.append(helper.make_node("MaxPool", [value], ["pooled"], **pool))
    value, width = "pooled", 64
    for layer, out in enumerate((64, 128, 256, 512)):
        for block in range(2):
            name = f"l{layer}b{block}"
            stride = 2 if layer and not block else 1
            inner = relu(conv(value, f"{name}c1", width, out, 3, stride))
            inner = conv(inner, f"{name}c2", out, out, 3, 1)
            shape = stride != 1 or width != out
            short = conv(value, f"{name}d", width, out, 1, stride) if shape else value
            nodes.append(helper.make_node("Add", [inner, short], [name]))
            value, width = relu(name), out
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["mean"]))
    nodes.append(helper.make_node("Flatten", ["mean"], ["flat"]))
    weights["fc"] = (rng.normal(size=(512, 1000)) * 0.05).astype(np.float32)
    nodes.append(helper.make_node("MatMul", ["flat", "fc"], ["y"]))
    return model_of(nodes, shape=["N", 3, 224, 224], output=["N", 1000], weights=weights)


def nan_model() -> bytes:
    nodes, weights = flat(64, 10)
    nodes[1].output[0] = "z"
    nodes += [
        helper.make_node("Sub", ["z", "z"], ["o"]),
        helper.make_node("Div", ["o", "o"], ["y"]),
    ]
    return model_of(nodes, shape=["N", 1, 8, 8], output=["N", 10], weights=weights)


def half_nan_model() -> bytes:
    """NaN only where an image's first pixel is black, so that the first images may hide it."""
    nodes, weights = flat(64, 10)
    nodes[1].output[0] = "z"
    weights["corner"] = np.eye(64, 1, dtype=np.float32)
    weights["half"] = np.array([-0.04], np.float32)
    nodes += [
        helper.make_node("MatMul", ["flat", "corner"], ["first"]),
        helper.make_node("Add", ["first", "half"], ["shifted"]),
        helper.make_node("Sqrt", ["shifted"], ["root"]),
        helper.make_node("Add", ["z", "root"], ["y"]),
    ]
    return model_of(nodes, shape=["N", 1, 8, 8], output=["N", 10], weights=weights)


def wrong_input_model() -> bytes:
    return good_model(28, 28)


def wrong_channels_model() -> bytes:
    return good_model(8, 8, 3)


def unbatched_model() -> bytes:
    return good_model(shape=[8, 8], output=[1, 10])


def wrong_classes_model() -> bytes:
    return good_model(classes=7)


def lying_classes_model() -> bytes:
    """Declares any number of classes, gives seven."""
    return good_model(classes=7, output=["N", "classes"])


def integer_input_model() -> bytes:
    cast = helper.make_node("Cast", ["x"], ["f"], to=FLOAT)
    nodes, weights = flat(64, 10)
    nodes[0].input[0] = "f"
    return model_of(
        [cast, *nodes],
        shape=["N", 1, 8, 8],
        output=["N", 10],
        weights=weights,
        kind=TensorProto.INT64,
    )


def two_inputs_model() -> bytes:
    other = helper.make_tensor_value_info("lengths", FLOAT, ["N"])
    return good_model(inputs=[other])


def truncated() -> bytes:
    data = small_cnn_model()
    return data[: len(data) * 2 // 3]


def failing_model() -> bytes:
    """Loads, runs for a batch of one, and fails for any other: its Reshape fixes the batch."""
    nodes, weights = flat(64, 10)
    nodes[0] = helper.make_node("Reshape", ["x", "shape"], ["flat"])
    weights["shape"] = np.array([1, 64], np.int64)
    return model_of(nodes, shape=["N", 1, 8, 8], output=["N", 10], weights=weights)


def pickle() -> bytes:
    """What torch.save wrote before 1.6."""
    return b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."


def torch_zip(*, script: bool = False) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        if script:
            archive.writestr("model/constants.pkl", b"\x80\x02).")
        archive.writestr("model/data.pkl", b"\x80\x02}q\x00.")
    return file.getvalue()


def safetensors() -> bytes:
    head = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    return len(head).to_bytes(8, "little") + head + bytes(4)
