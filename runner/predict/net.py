"""What the pace of a prediction needs to know of a model, whatever file it came from."""

from typing import Any, Protocol

from numpy.typing import NDArray

Outputs = list[tuple[str, NDArray[Any]]]


class Net(Protocol):
    """A loaded model. ``run`` may be called by several threads at once."""

    def run(self, feed: NDArray[Any]) -> Outputs:
        """Return every output by name for ``feed`` [batch, …]. Raises Refusal (E_RUN, E_MEMORY)."""
        ...
