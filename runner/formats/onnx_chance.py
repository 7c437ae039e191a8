"""Which operators of an ONNX model draw random numbers.

One file must have one score, whoever hands it in and how often: what draws would have many, and whoever
tries often enough would keep the luckiest.
"""

import math
from collections.abc import Collection

import onnx

from runner.failures import Refusal

_DRAW = {
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike", "Sampling", "BiasDropout", "BitmaskDropout", "BitmaskBiasDropout",
}  # fmt: skip
_TRAINING_MODE = 2  # Dropout's third input; without it nothing is dropped


def stored_no(graph: onnx.GraphProto) -> set[str]:
    """Return the names of what ``graph`` itself stores as the one value false, and nobody can give.

    An initialiser that is listed as an input too is only a default.
    """
    given = {value.name for value in graph.input}
    return {
        tensor.name
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.BOOL
        and math.prod(tensor.dims) == 1
        and not any(tensor.raw_data)
        and not any(tensor.int32_data)
        and tensor.name not in given
    }


def refuse_chance(node: onnx.NodeProto, no: Collection[str] = ()) -> None:
    """Raise Refusal (E_ONNX_RANDOM) for an operator that draws.

    A Dropout's training mode may only be one of ``no``, which are false for ever: a computed one is
    refused whatever it may come to.
    """
    mode = node.input[_TRAINING_MODE] if len(node.input) > _TRAINING_MODE else ""
    trains = bool(mode) and mode not in no
    if node.op_type in _DRAW or (node.op_type == "Dropout" and trains):
        raise Refusal(
            "E_ONNX_RANDOM",
            got="Dropout with a training mode" if node.op_type == "Dropout" else node.op_type,
        )
