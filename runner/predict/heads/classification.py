"""Scores of each class, [batch, classes]; written by the model itself where it can."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.predict.heads.head import Want, another_batch, told
from runner.predict.net import Net, WritesInPlace


@dataclass(frozen=True)
class ScoresHead:
    """Copies one output into rows, or has it written there."""

    net: Net
    output: str
    classes: int
    in_place: WritesInPlace | None
    batch: int | None = None

    def write(self, feed: NDArray[Any], into: NDArray[np.float32]) -> None:
        if self.in_place is not None and len(into) == len(feed):
            self.in_place.run_into(self.output, feed, into)
            return
        value = dict(self.net.run(feed)).get(self.output)
        if value is None or value.shape != (len(feed), self.classes):
            raise another_batch(np.empty(0) if value is None else value)
        np.copyto(into, value[: len(into)], casting="unsafe")

    def bare(self, feed: NDArray[Any]) -> None:
        if self.in_place is None:
            self.net.run(feed)
            return
        self.in_place.run_into(self.output, feed, np.empty((len(feed), self.classes), np.float32))


def settle(net: Net, feed: NDArray[Any], want: Want) -> ScoresHead:
    """Return the head for the first output [batch, classes]; see ``heads.settle``."""
    outputs = net.run(feed)
    for name, value in outputs:
        if value.shape == (len(feed), want.classes) and value.dtype.kind == "f":
            bound = value.dtype == np.float32 and isinstance(net, WritesInPlace)
            return ScoresHead(net, name, want.classes, net if bound else None)  # type: ignore[arg-type]
    raise Refusal(
        "E_OUTPUT_SHAPE",
        expected=f"[{len(feed)}, {want.classes}], one score per class",
        got=told(outputs),
    )
