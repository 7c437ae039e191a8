"""Which operators of an ONNX model draw random numbers.

One file must have one score, whoever hands it in and how often: what draws would have many, and whoever
tries often enough would keep the luckiest.
"""

import onnx

from runner.failures import Refusal

_DRAW = {
    "Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike", "Sampling", "BiasDropout", "BitmaskDropout", "BitmaskBiasDropout",
}  # fmt: skip
_TRAINING_MODE = 2  # Dropout's third input; without it nothing is dropped


def refuse_chance(node: onnx.NodeProto) -> None:
    """Raise Refusal (E_ONNX_RANDOM) for an operator that draws.

    A Dropout with a training mode is refused whatever that is: it may be computed, and who exports
    for inference has none.
    """
    trains = len(node.input) > _TRAINING_MODE and bool(node.input[_TRAINING_MODE])
    if node.op_type in _DRAW or (node.op_type == "Dropout" and trains):
        raise Refusal(
            "E_ONNX_RANDOM",
            got="Dropout with a training mode" if node.op_type == "Dropout" else node.op_type,
        )
