"""ONNX files for tests that mean harm: they never end, ask for everything, or reach for files."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests.runner.models import FLOAT, flat, good_model, model_of


def spin_model() -> bytes:
    """A Loop of 2**62 turns: valid, tiny, and never done."""
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Sin", ["state"], ["next"]),
        ],
        "body",
        [
            value("turn", TensorProto.INT64, []),
            value("go", TensorProto.BOOL, []),
            value("state", FLOAT, ["N", 10]),
        ],
        [value("go_on", TensorProto.BOOL, []), value("next", FLOAT, ["N", 10])],
    )
    nodes, weights = flat(64, 10)
    nodes[1].output[0] = "z"
    nodes.append(helper.make_node("Loop", ["turns", "true", "z"], ["y"], body=body))
    weights["turns"] = np.array(2**62, np.int64)
    weights["true"] = np.array(True)
    return model_of(nodes, shape=["N", 1, 8, 8], output=["N", 10], weights=weights)


def huge_alloc_model(*, static: bool = True) -> bytes:
    """A linear model that adds 8 GB of zeros; if not ``static``, only once an image has come."""
    shape = [8, 1 << 28]
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["big"])]
    weights: dict[str, NDArray[Any]] = {"shape": np.array(shape, np.int64)}
    if not static:
        nodes = [
            helper.make_node("Shape", ["x"], ["dims"]),
            helper.make_node("Mul", ["dims", "many"], ["shape"]),
            helper.make_node("ConstantOfShape", ["shape"], ["big"]),
        ]
        weights = {"many": np.array([1 << 25, 1, 1, 1], np.int64)}
    nodes += [
        helper.make_node("ReduceSum", ["big"], ["sum"], keepdims=0),
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["z"]),
        helper.make_node("Add", ["z", "sum"], ["y"]),
    ]
    weights["weights"] = np.zeros((64, 10), np.float32)
    return model_of(nodes, shape=["N", 1, 8, 8], output=["N", 10], weights=weights)


def tiny_alloc_model(*, static: bool = True) -> bytes:
    """At most 250 bytes that ask for 8 GB and hold no weight matrix; sound but for their size.

    If ``static``, its weights are the greatest of 8 GB of zeros, made when it is loaded. If not, it
    lays out 8 GB for each image and takes the greatest of that.
    """
    make = helper.make_node
    if static:
        nodes = [
            make("ConstantOfShape", ["s"], ["b"]),
            make("ReduceMax", ["b"], ["r"], axes=[0], keepdims=0),
            make("Flatten", ["r"], ["w"]),
            make("Flatten", ["x"], ["f"]),
            make("Gemm", ["f", "w"], ["y"], transB=1),
        ]
        shape = [3_200_000, 10, 64]
    else:
        nodes = [
            make("ReduceMax", ["x"], ["r"], axes=[1, 2, 3]),
            make("Expand", ["r", "s"], ["b"]),
            make("ReduceMax", ["b"], ["y"], axes=[2, 3], keepdims=0),
        ]
        shape = [1, 10, 200_000_000, 1]
    weights = {"s": np.array(shape, np.int64)}
    return model_of(nodes, shape=["N", 1, 8, 8], output=["N", 10], weights=weights, producer="")


def external_data_model() -> bytes:
    model = onnx.load_model_from_string(good_model())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "../../etc/passwd"), ("length", "64")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return model.SerializeToString()


def short_tensor_model() -> bytes:
    """A weight whose shape says more than its bytes hold."""
    model = onnx.load_model_from_string(good_model())
    model.graph.initializer[0].dims[0] = 1 << 40
    return model.SerializeToString()


def nested_functions_model(depth: int = 40) -> bytes:
    """Functions that call the one below twice: 2**depth nodes when unfolded, in a few kB."""
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("bomb", 1)]
    functions = []
    for level in range(depth):
        kind, domain = (f"f{level - 1}", "bomb") if level else ("Neg", "")
        nodes = [
            helper.make_node(kind, ["a"], ["b"], domain=domain),
            helper.make_node(kind, ["b"], ["c"], domain=domain),
        ]
        functions.append(helper.make_function("bomb", f"f{level}", ["a"], ["c"], nodes, opset))
    nodes, weights = flat(64, 10)
    nodes[1].output[0] = "z"
    nodes.append(helper.make_node(f"f{depth - 1}", ["z"], ["y"], domain="bomb"))
    return model_of(
        nodes,
        shape=["N", 1, 8, 8],
        output=["N", 10],
        weights=weights,
        functions=functions,
        domains=["bomb"],
    )


def circular_functions_model() -> bytes:
    model = onnx.load_model_from_string(nested_functions_model(3))
    for node in model.functions[0].node:
        node.op_type, node.domain = "f2", "bomb"
    return model.SerializeToString()


def deep_graphs_model(depth: int = 20) -> bytes:
    """If inside If inside If."""
    value = helper.make_tensor_value_info("y", FLOAT, ["N", 10])
    inner = helper.make_graph([helper.make_node("Identity", ["z"], ["y"])], "leaf", [], [value])
    for level in range(depth):
        branch = helper.make_node("If", ["true"], ["y"], then_branch=inner, else_branch=inner)
        if level > 4:  # both sides would double the file at each level
            branch = helper.make_node(
                "If",
                ["true"],
                ["y"],
                then_branch=inner,
                else_branch=helper.make_graph(
                    [helper.make_node("Identity", ["z"], ["y"])], "leaf", [], [value]
                ),
            )
        inner = helper.make_graph([branch], f"level{level}", [], [value])
    nodes, weights = flat(64, 10)
    nodes[1].output[0] = "z"
    nodes += list(inner.node)
    weights["true"] = np.array(True)
    return model_of(nodes, shape=["N", 1, 8, 8], output=["N", 10], weights=weights)


def foreign_op_model() -> bytes:
    nodes, weights = flat(64, 10)
    nodes[0] = helper.make_node("@everyone /etc/passwd", ["x"], ["flat"], domain="ai.onnx.contrib")
    return model_of(
        nodes,
        shape=["N", 1, 8, 8],
        output=["N", 10],
        weights=weights,
        domains=["ai.onnx.contrib"],
    )


def file_reading_op_model() -> bytes:
    nodes, weights = flat(64, 10)
    nodes[0] = helper.make_node(
        "EPContext", ["x"], ["flat"], domain="com.microsoft", ep_cache_context="/etc/passwd"
    )
    return model_of(
        nodes, shape=["N", 1, 8, 8], output=["N", 10], weights=weights, domains=["com.microsoft"]
    )


def pinging_model() -> bytes:
    return good_model(producer="@everyone <!channel> \u202e/root/secret")
