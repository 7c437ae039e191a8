"""Looks through an ONNX file and runs nothing of it. Inside a cell of purpose ``preflight`` only.

For files that are handed on rather than predicted: a desk has none but this use for a model.
"""

import mmap
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

from runner.formats.onnx_reading import read_onnx
from runner.formats.output_contract import read_output_contract
from runner.sandbox.child import Job, Start, Status


def prepare() -> Start:
    """Import and warm up while files can still be read; return ``start``."""
    value = onnx.helper.make_tensor_value_info
    sides: list[str | int | None] = ["N", 1, 1, 1]
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Flatten", ["x"], ["y"])], "warm",
        [value("x", onnx.TensorProto.FLOAT, sides)],
        [value("y", onnx.TensorProto.FLOAT, ["N", 1])],
    )  # fmt: skip
    opset = onnx.helper.make_opsetid("", 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    warm = {
        "height": 1, "width": 1, "channels": 1, "task": "classification", "classes": 1,
        "declared": {"preproc": "", "output": ""}, "limits": {"memory": 1 << 20},
    }  # fmt: skip
    read_onnx(warm, model.SerializeToString())
    onnx.numpy_helper.to_array(onnx.numpy_helper.from_array(np.zeros(1, np.int64)))
    return _start


def _start(job: Job, status: Status) -> Callable[[], None]:
    [model] = job.descriptors
    return lambda: _work(job.words, model, status)


def _work(words: dict[str, Any], model: int, status: Status) -> None:
    with mmap.mmap(model, words["model_size"], prot=mmap.PROT_READ) as memory:
        data = bytes(memory)
    _, facts = read_onnx(words, data)
    read_output_contract(facts.pop("output") or words["declared"]["output"], words["task"])
    status.say(model=facts)
    status.say(done=True)
