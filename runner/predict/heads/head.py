"""What every head is told, does, and says."""

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from runner.contract import Task
from runner.failures import Refusal
from runner.formats.fitting import Fed
from runner.formats.output_contract import UNDECLARED, OutputContract
from runner.formats.signature import ImageShape
from runner.predict.net import Outputs


@dataclass(frozen=True)
class Want:
    """What a benchmark asks of a model's outputs."""

    task: Task
    classes: int
    row: tuple[int, ...]  #: shape of one image's answer, as in ``runner.tasks.rows``
    dtype: str
    image: ImageShape  #: the benchmark's
    fed: Fed  #: where it lies in what the model is fed
    contract: OutputContract = UNDECLARED


class Head(Protocol):
    """Writes rows. ``write`` and ``bare`` may be called by several threads at once."""

    @property
    def batch(self) -> int | None:
        """Return 1 where the outputs have no place for a second image; None: any number."""
        ...

    def write(self, feed: NDArray[Any], into: NDArray[Any]) -> None:
        """Write the rows of ``feed`` [batch, …] to ``into`` [rows ≤ batch, …].

        Raises Refusal: E_RUN, E_OUTPUT_SHAPE, E_NAN, E_MEMORY.
        """
        ...

    def bare(self, feed: NDArray[Any]) -> None:
        """Run the model alone, as fast as it goes: what the rest is measured by."""
        ...


def told(outputs: Outputs) -> str:
    """Return the outputs in words, such as "boxes float32 [4, 100, 4] and …"."""
    words = [f"{name} {value.dtype} {list(value.shape[:8])}" for name, value in outputs[:5]]
    return " and ".join(words) or "no array at all, but a list, a map or nothing"


def another_batch(value: NDArray[Any]) -> Refusal:
    """Return the refusal of an output that changed its form from one batch to the next."""
    return Refusal("E_OUTPUT_SHAPE", got=f"{list(value.shape[:8])} for another batch")
