"""A PyTorch module that answers as the pace of a prediction asks, and its errors in our words."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.predict.net import Outputs

_MEMORY_WORDS = ("DefaultCPUAllocator", "not enough memory", "bad_alloc", "out of memory")
_MOST_OUTPUTS = 16
_NAMED = 40  # characters of an output's name


def refusal_of(error: Exception, code: str) -> Refusal:
    """Return a Refusal for what PyTorch raised: E_MEMORY where memory ran out, else ``code``."""
    words = str(error)
    if isinstance(error, MemoryError) or any(mark in words for mark in _MEMORY_WORDS):
        return Refusal("E_MEMORY", got="an allocation that the limit refused")
    lines = [line for line in words.splitlines() if line.strip()]
    # TorchScript's errors end with the reason, after a page of source.
    last = lines[-1] if lines else ""
    return Refusal(code, got=f"{type(error).__name__}: {last}")


class TorchNet:
    """A loaded module. ``run`` may be called by several threads at once, one core each."""

    def __init__(self, module: Callable[[torch.Tensor], Any]) -> None:
        """Take ``module`` as it is, in whatever mode it was put."""
        self._module = module

    def run(self, feed: NDArray[Any]) -> Outputs:
        """Return every output by name for ``feed`` [batch, …]. Raises Refusal (E_RUN, E_MEMORY)."""
        try:
            with torch.inference_mode():
                answer = self._module(torch.from_numpy(feed))
                return [
                    (name, _array(value))
                    for name, value in _named(answer)
                    if isinstance(value, torch.Tensor)
                ]
        except Refusal:
            raise
        except Exception as error:  # noqa: BLE001 - a module may raise anything
            raise refusal_of(error, "E_RUN") from None


def _named(answer: Any) -> list[tuple[str, Any]]:
    if isinstance(answer, Mapping):
        return [(str(name)[:_NAMED], value) for name, value in list(answer.items())[:_MOST_OUTPUTS]]
    if isinstance(answer, list | tuple):
        return [(f"output_{place}", value) for place, value in enumerate(answer[:_MOST_OUTPUTS])]
    return [("output", answer)]


def _array(value: torch.Tensor) -> NDArray[Any]:
    if value.dtype == torch.bfloat16:
        value = value.float()
    # A view (expand, transpose) would be read element by element, and a sparse one not at all.
    dense = value.detach().to_dense() if value.layout != torch.strided else value.detach()
    return np.ascontiguousarray(dense.cpu().numpy())
