"""Counts what one image costs a registered architecture: two operations for each multiply-add.

As ``formats.onnx_flops`` counts: only what multiplies matrices, as papers do. Programs of strangers
are not counted: what they compute is not told by their modules.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def flops(module: nn.Module, image: torch.Tensor) -> int | None:
    """Return the operations of ``module`` for one ``image`` [1, …]; None where it does not run."""
    counted: list[int] = []

    def counting(rule: Callable[[Any, Any, Any], int]) -> Callable[[Any, Any, Any], None]:
        return lambda layer, given, made: counted.append(2 * rule(layer, given[0], made))

    hooks = [
        layer.register_forward_hook(counting(rule))
        for layer in module.modules()
        for kind, rule in _RULES.items()
        if isinstance(layer, kind)
    ]
    try:
        with torch.inference_mode():
            module(image)
    except Exception:  # noqa: BLE001 - what cannot be counted is left out; predicting decides
        return None
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counted) or None


def _convolved(layer: nn.Conv2d, _given: torch.Tensor, made: torch.Tensor) -> int:
    return int(made.numel() * layer.weight[0].numel())


def _spread(layer: nn.ConvTranspose2d, given: torch.Tensor, _made: torch.Tensor) -> int:
    return int(given.numel() * layer.weight[0].numel())


def _mapped(layer: nn.Linear, _given: torch.Tensor, made: torch.Tensor) -> int:
    return int(made.numel() * layer.in_features)


def _attended(layer: nn.MultiheadAttention, given: torch.Tensor, _made: object) -> int:
    """Of n tokens of width d: four projections, and every token with every other, twice."""
    tokens, width = given.shape[-2], layer.embed_dim
    return int(4 * tokens * width * width + 2 * tokens * tokens * width)


_RULES: dict[type[nn.Module], Callable[[Any, Any, Any], int]] = {
    nn.Conv2d: _convolved,
    nn.ConvTranspose2d: _spread,
    nn.Linear: _mapped,
    nn.MultiheadAttention: _attended,
}
