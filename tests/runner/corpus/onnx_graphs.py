"""Graphs that ask for what no file may have: files, endless work, more than they hold."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.runner import hostile_models, models
from tests.runner.corpus import Corpus, Hostile
from tests.runner.models import FLOAT, model_of

make = helper.make_node
value = helper.make_tensor_value_info


def linear(
    *more: Any, out: str = "y", weights: dict[str, Any] | None = None, **given: Any
) -> bytes:
    """A linear model whose scores are called ``out``, and ``more`` nodes that end in y."""
    nodes = [make("Flatten", ["x"], ["flat"]), make("MatMul", ["flat", "weights"], [out]), *more]
    matrix = np.random.default_rng(0).normal(size=(64, 10)).astype(np.float32)
    return model_of(
        nodes,
        shape=given.pop("shape", ["N", 1, 8, 8]),
        output=given.pop("output", ["N", 10]),
        weights={"weights": matrix} | (weights or {}),
        **given,
    )


def edited(edit: Any) -> Any:
    """A linear model after ``edit(model)``."""

    def made() -> bytes:
        model = onnx.load_model_from_string(linear())
        edit(model)
        return model.SerializeToString()

    return made


def many_functions() -> bytes:
    opset = [helper.make_opsetid("", 17)]
    functions = [
        helper.make_function("f", f"f{n}", ["a"], ["b"], [make("Neg", ["a"], ["b"])], opset)
        for n in range(1200)
    ]
    return linear(functions=functions, domains=["f"])


def many_nodes() -> bytes:
    chain = [make("Neg", [f"n{n}"], [f"n{n + 1}"]) for n in range(60_000)]
    chain[-1].output[0] = "y"
    return linear(*chain, out="n0")


def sibling_weights(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "model.onnx.data"


def sibling_in_a_branch() -> bytes:
    """The second file is named by a constant in a branch that is never taken."""
    constant = numpy_helper.from_array(np.zeros((1, 10), np.float32), "c")
    constant.ClearField("raw_data")
    constant.data_location = TensorProto.EXTERNAL
    entry = constant.external_data.add()
    entry.key, entry.value = "location", "model.onnx.data"
    outputs = [value("b", FLOAT, ["N", 10])]
    good = helper.make_graph([make("Identity", ["z"], ["b"])], "good", [], outputs)
    bad = helper.make_graph([make("Constant", [], ["b"], value=constant)], "bad", [], outputs)
    node = make("If", ["true"], ["y"], then_branch=good, else_branch=bad)
    return linear(node, out="z", weights={"true": np.array(True)})


def quiet_external(model: onnx.ModelProto) -> None:
    """Has its bytes, and says where to read others."""
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def sparse(dims: tuple[int, ...], *, external: bool = False) -> Any:
    def edit(model: onnx.ModelProto) -> None:
        values = numpy_helper.from_array(np.ones(1, np.float32), "s")
        if external:
            values.ClearField("raw_data")
            values.data_location = TensorProto.EXTERNAL
        indices = numpy_helper.from_array(np.zeros(1, np.int64), "i")
        model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, dims))

    return edit


def dims_of(*dims: int) -> Any:
    def edit(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        del tensor.dims[:]
        tensor.dims.extend(dims)

    return edit


def string_weights(model: onnx.ModelProto) -> None:
    tensor = helper.make_tensor("words", TensorProto.STRING, [4], [b"a", b"b", b"c", b"d"])
    tensor.dims[0] = 5
    model.graph.initializer.append(tensor)


def string_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING


def opset(version: int) -> Any:
    def edit(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = version

    return edit


def training(model: onnx.ModelProto) -> None:
    model.training_info.add().algorithm.name = "sgd"


def no_such_type(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].data_type = 77


def circle() -> bytes:
    return linear(make("Add", ["z", "y"], ["a"]), make("Neg", ["a"], ["y"]), out="z")


def same_name_twice() -> bytes:
    return linear(make("Neg", ["z"], ["y"]), make("Abs", ["z"], ["y"]), out="z")


def nested_loops(depth: int = 3) -> bytes:
    """Loops in loops, each of a million turns."""
    nodes = [make("Sin", ["s_in0"], ["s_out0"])]
    for level in range(depth):
        body = helper.make_graph(
            [make("Identity", [f"go{level}"], [f"on{level}"]), *nodes],
            f"body{level}",
            [
                value(f"turn{level}", TensorProto.INT64, []),
                value(f"go{level}", TensorProto.BOOL, []),
                value(f"s_in{level}", FLOAT, ["N", 10]),
            ],
            [value(f"on{level}", TensorProto.BOOL, []), value(f"s_out{level}", FLOAT, ["N", 10])],
        )
        source = f"s_in{level + 1}" if level + 1 < depth else "z"
        target = f"s_out{level + 1}" if level + 1 < depth else "y"
        nodes = [make("Loop", ["turns", "true", source], [target], body=body)]
    weights = {"turns": np.array(1 << 20, np.int64), "true": np.array(True)}
    return linear(*nodes, out="z", weights=weights)


def slow_matrices() -> bytes:
    """A small file that multiplies large matrices, thirty times for each image."""
    nodes = [make("ReduceMean", ["z"], ["m"], keepdims=1), make("Expand", ["m", "size"], ["a0"])]
    nodes += [make("MatMul", [f"a{n}", f"a{n}"], [f"a{n + 1}"]) for n in range(30)]
    nodes += [
        make("Mul", ["a30", "nought"], ["none"]),
        make("ReduceMax", ["none"], ["zero"], keepdims=0),
        make("Add", ["z", "zero"], ["y"]),
    ]
    weights = {"size": np.array([2500, 2500]), "nought": np.array(0, np.float32)}
    return linear(*nodes, out="z", weights=weights)


def grows(node: onnx.NodeProto, **weights: Any) -> Any:
    """Scores plus the greatest of something huge that ``node`` makes of ``one``."""

    def made() -> bytes:
        nodes = [
            make("ReduceMax", ["x"], ["one"], keepdims=1),
            node,
            make("Cast", ["big"], ["numbers"], to=FLOAT),
            make("ReduceMin", ["numbers"], ["least"], keepdims=0),
            make("Add", ["z", "least"], ["y"]),
        ]
        return linear(*nodes, out="z", weights=weights)

    return made


def doubling(times: int = 40) -> bytes:
    """Forty Concats that each double: a terabyte from 64 numbers."""
    nodes = [make("Concat", [f"d{n}", f"d{n}"], [f"d{n + 1}"], axis=0) for n in range(times)]
    nodes += [make("ReduceMin", [f"d{times}"], ["least"], keepdims=0)]
    nodes += [make("Add", ["z", "least"], ["y"])]
    return linear(*nodes, out="z", weights={"d0": np.zeros(64, np.float32)})


def doubling_shape(times: int = 40) -> bytes:
    """The same with whole numbers that might be a shape, which is worked out before anything runs."""
    nodes = [make("Shape", ["z"], ["d0"])]
    nodes += [make("Concat", [f"d{n}", f"d{n}"], [f"d{n + 1}"], axis=0) for n in range(times)]
    nodes += [
        make("ReduceMin", [f"d{times}"], ["whole"], keepdims=0),
        make("Cast", ["whole"], ["least"], to=FLOAT),
        make("Add", ["z", "least"], ["y"]),
    ]
    return linear(*nodes, out="z")


MANY = np.array([1 << 17, 1 << 17])
CORPUS: Corpus = {
    "functions that double": Hostile(hostile_models.nested_functions_model, "refuse", "E_ONNX_TOO_COMPLEX"),
    "functions in a circle": Hostile(
        hostile_models.circular_functions_model, "refuse", "E_ONNX_TOO_COMPLEX"
    ),
    "1,200 functions": Hostile(many_functions, "refuse", "E_ONNX_TOO_COMPLEX"),
    "60,000 nodes": Hostile(many_nodes, "refuse", "E_ONNX_TOO_COMPLEX"),
    "If in If": Hostile(hostile_models.deep_graphs_model, "refuse", "E_ONNX_TOO_COMPLEX"),
    "weights in /etc": Hostile(hostile_models.external_data_model, "refuse", "E_ONNX_EXTERNAL_DATA"),
    "weights beside it": Hostile(edited(sibling_weights), "refuse", "E_ONNX_EXTERNAL_DATA"),
    "a constant beside it": Hostile(sibling_in_a_branch, "refuse", "E_ONNX_EXTERNAL_DATA"),
    "bytes and a file": Hostile(edited(quiet_external), "refuse", "E_ONNX_EXTERNAL_DATA"),
    "sparse beside it": Hostile(
        edited(sparse((64,), external=True)), "refuse", "E_ONNX_EXTERNAL_DATA"
    ),
    "sparse and huge": Hostile(edited(sparse((1 << 40,))), "refuse", "E_MEMORY"),
    "dims beyond its bytes": Hostile(edited(dims_of(64, 11)), "refuse", "E_ONNX_BROKEN"),
    "dims within its bytes": Hostile(edited(dims_of(64, 9)), "refuse", "E_ONNX_BROKEN"),
    "dims of terabytes": Hostile(hostile_models.short_tensor_model, "refuse", "E_MEMORY"),
    "dims that overflow": Hostile(edited(dims_of(1 << 32, 1 << 32)), "refuse", "E_MEMORY"),
    "negative dims": Hostile(edited(dims_of(-64, -10)), "refuse", "E_ONNX_BROKEN"),
    "unknown number type": Hostile(edited(no_such_type), "refuse", "E_ONNX_BROKEN"),
    "too few words": Hostile(edited(string_weights), "refuse", "E_ONNX_BROKEN"),
    "words as input": Hostile(edited(string_input), "refuse", "E_INPUT_TYPE"),
    "whole numbers as input": Hostile(models.integer_input_model, "refuse", "E_INPUT_TYPE"),
    "two inputs": Hostile(models.two_inputs_model, "refuse", "E_INPUT_SHAPE"),
    "another size": Hostile(models.wrong_input_model, "refuse", "E_INPUT_SHAPE"),
    "a foreign operator": Hostile(hostile_models.foreign_op_model, "refuse", "E_ONNX_OP"),
    "an operator that reads files": Hostile(hostile_models.file_reading_op_model, "refuse", "E_ONNX_OP"),
    "no such operator": Hostile(
        lambda: linear(make("Frobnicate", ["z"], ["y"]), out="z"), "refuse", "E_ONNX_OP"
    ),
    "opset 0": Hostile(edited(opset(0)), "refuse", "E_ONNX_OP"),
    "opset 999": Hostile(edited(opset(999)), "refuse", "E_ONNX_OP"),
    "training information": Hostile(edited(training), "refuse", "E_ONNX_OP"),
    "a circle": Hostile(circle, "refuse", "E_ONNX_BROKEN"),
    "the same name twice": Hostile(same_name_twice, "refuse", "E_ONNX_BROKEN"),
    "an output from nowhere": Hostile(lambda: linear(out="z"), "refuse", "E_ONNX_BROKEN"),
    "a loop without end": Hostile(hostile_models.spin_model, "contain", "E_TIME_WALL"),
    "loops in loops": Hostile(nested_loops, "contain", "E_TIME_WALL"),
    "slow matrices": Hostile(slow_matrices, "contain", "E_TIME_WALL"),
    "ConstantOfShape": Hostile(hostile_models.huge_alloc_model, "refuse", "E_MEMORY"),
    "ConstantOfShape when it runs": Hostile(
        lambda: hostile_models.huge_alloc_model(static=False), "contain", "E_MEMORY"
    ),
    "250 bytes for 8 GB": Hostile(hostile_models.tiny_alloc_model, "refuse", "E_MEMORY"),
    "250 bytes for 8 GB an image": Hostile(
        lambda: hostile_models.tiny_alloc_model(static=False), "refuse", "E_MEMORY"
    ),
    "Expand": Hostile(grows(make("Expand", ["one", "n"], ["big"]), n=MANY), "refuse", "E_MEMORY"),
    "Tile": Hostile(
        grows(make("Tile", ["one", "n"], ["big"]), n=np.array([1, 1, 1 << 17, 1 << 17])),
        "refuse",
        "E_MEMORY",
    ),
    "Range": Hostile(
        grows(
            make("Range", ["a", "b", "c"], ["big"]),
            a=np.array(0), b=np.array(1 << 40), c=np.array(1),
        ),
        "refuse",
        "E_MEMORY",
    ),
    "Pad": Hostile(
        grows(make("Pad", ["one", "n"], ["big"]), n=np.array([0] * 6 + [1 << 16, 1 << 16])),
        "contain",
        "E_MEMORY",
    ),
    "Resize": Hostile(
        grows(
            make("Resize", ["one", "", "n"], ["big"], mode="nearest"),
            n=np.array([1, 1, 1 << 16, 1 << 16], np.float32),
        ),
        "contain",
        "E_MEMORY",
    ),
    "OneHot": Hostile(
        grows(
            make("OneHot", ["i", "n", "v"], ["big"]),
            i=np.zeros(1 << 10, np.int64), n=np.array(1 << 26), v=np.array([0, 1], np.float32),
        ),
        "contain",
        "E_MEMORY",
    ),
    "doubling": Hostile(doubling, "refuse", "E_MEMORY"),
    "doubling a shape": Hostile(doubling_shape, "contain", "E_MEMORY"),
}  # fmt: skip
