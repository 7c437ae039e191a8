"""What the pace of a prediction needs to know of a model, whatever file it came from."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Outputs = list[tuple[str, NDArray[Any]]]


class Net(Protocol):
    """A loaded model. ``run`` may be called by several threads at once."""

    def run(self, feed: NDArray[Any]) -> Outputs:
        """Return every output by name for ``feed`` [batch, …]. Raises Refusal (E_RUN, E_MEMORY).

        What is no array (a list, a map, nothing) is left out.
        """
        ...


@runtime_checkable
class WritesInPlace(Protocol):
    """A model that can also put one float32 output where the answer belongs, without a copy."""

    def run_into(self, output: str, feed: NDArray[Any], into: NDArray[np.float32]) -> None:
        """Run ``feed``; ``into`` has the shape of ``output``. Raises Refusal (E_RUN, E_MEMORY)."""
        ...
