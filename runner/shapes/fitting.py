"""Fits the baselines' weights on train, in seconds: two kinds of sight that they share.

*Colour*: a class for each pixel from its colour alone, by logistic regression. *Outline*: whether a
pixel is of any shape, from its surroundings; random features with a least-squares readout (extreme
learning machine: Huang, Zhu & Siew 2006), since that needs no iterations.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from runner.shapes.files import Split
from runner.shapes.graphs import INPUT, Graph, Look, Places
from runner.shapes.world import CLASSES

STRIDE = 2  #: pixels for one place of the outline map
_AROUND = Look(scales=(1, 3, 9), side=3)
_HIDDEN = 96
_RIDGE = 1e-2
_SEED = 1


@dataclass(frozen=True)
class Colour:
    """Logits of background and classes, linear in a colour's numbers and their products."""

    weights: NDArray[np.float64]  #: [9, 1 + classes]
    bias: NDArray[np.float64]

    def added(self, graph: Graph, pixels: str) -> str:
        """Add logits [N, 1 + classes, h, w]."""
        red, green, blue = (
            graph.node("Slice", pixels, *(graph.weight([v], np.int64) for v in (n, n + 1, 1)))
            for n in range(3)
        )
        products = [graph.node("Mul", a, b) for a, b in ((red, green), (red, blue), (green, blue))]
        squares = graph.node("Mul", pixels, pixels)
        numbers = graph.node("Concat", pixels, squares, *products, axis=1)
        return graph.conv(numbers, self.weights.T[:, :, None, None], self.bias)


def fit_colour(train: Split) -> Colour:
    """Fit it on some thousand pixels."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    places, labels = sample(train.masks, 1500, np.random.default_rng(_SEED))
    rgb = train.images[places.image, places.row, places.column] / 255
    red, green, blue = rgb.T
    numbers = np.column_stack([rgb, rgb**2, red * green, red * blue, green * blue])
    with threadpool_limits(1):  # matrices this small are slower on two threads than on one
        fitted: Any = LogisticRegression(max_iter=100, tol=1e-3).fit(numbers, labels)
    return Colour(fitted.coef_.T, fitted.intercept_)


@dataclass(frozen=True)
class Outline:
    """How surely a place belongs to a shape: -1 for background, 1 for a shape."""

    kernel: NDArray[np.float32]  #: [seen, hidden]
    bias: NDArray[np.float32]
    readout: NDArray[np.float32]  #: [hidden + 1]

    def added(self, graph: Graph, evened: str) -> str:
        """Add the map [N, 1, h/STRIDE, w/STRIDE]."""
        sums = graph.node("Sum", *_AROUND.added(graph, evened, self.kernel, stride=STRIDE))
        hidden = graph.node("Relu", graph.node("Add", sums, graph.weight(self.bias[:, None, None])))
        readout = graph.conv(hidden, self.readout[:-1][None, :, None, None], self.readout[-1:])
        return graph.node("Clip", readout, graph.weight(-1.0), graph.weight(1.0))


def fit_outline(train: Split) -> Outline:
    """Fit it on some thousand places."""
    rng = np.random.default_rng(_SEED)
    places, labels = sample(train.masks, 2000, rng)
    seen = _AROUND.of(evened(train.images), places)
    # A hidden unit looks along the line between two examples, from the middle on.
    one, other = (seen[rng.integers(len(seen), size=_HIDDEN)] for _ in range(2))
    along = (one - other) / (((one - other) ** 2).sum(axis=1, keepdims=True) + 1e-3)
    bias = -(along * (one + other)).sum(axis=1)
    hidden = np.maximum(seen @ (2 * along.T) + bias, 0)
    readout = _least_squares(hidden, np.where(labels > 0, 1.0, -1.0))
    return Outline((2 * along.T).astype(np.float32), bias.astype(np.float32), readout)


def _least_squares(hidden: NDArray[Any], wanted: NDArray[np.float64]) -> NDArray[np.float32]:
    rows = np.column_stack([hidden, np.ones(len(hidden))]).astype(np.float64)
    square = rows.T @ rows
    square[np.diag_indices(len(square))] += _RIDGE * len(rows)
    solved: NDArray[np.float32] = np.linalg.solve(square, rows.T @ wanted).astype(np.float32)
    return solved


def evened(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return images [n, h, w, 3] as ``Graph.evened`` makes them."""
    unit = images.astype(np.float32) / 255
    mean, variance = (f(unit, axis=(1, 2), keepdims=True) for f in (np.mean, np.var))
    even: NDArray[np.float32] = (unit - mean) / np.sqrt(variance + 1e-5)
    return even


def sample(
    masks: NDArray[np.uint8], each: int, rng: np.random.Generator
) -> tuple[Places, NDArray[np.int64]]:
    """Return places with their class: ``each`` of every class, three times as many of background."""
    found, labels = [], []
    for kind in range(1 + len(CLASSES)):
        there = np.argwhere(masks == kind)
        wanted = min(len(there), each * (1 if kind else 3))
        found.append(there[rng.choice(len(there), wanted, replace=False)])
        labels.append(np.full(wanted, kind))
    return Places(*np.concatenate(found).T), np.concatenate(labels)


def outlines(outline: Outline, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return outline and evened colours [n, h/STRIDE, w/STRIDE, 4] of images, as a model sees them."""
    graph = Graph("outline")
    small = shrunk(graph, outline)
    model = graph.model(
        graph.node("Transpose", graph.node("Concat", *small, axis=1), perm=[0, 2, 3, 1]),
        "maps", ["N", "h", "w", 4],
    )  # fmt: skip
    found: NDArray[np.float32] = run(model, images)
    return found


def shrunk(graph: Graph, outline: Outline) -> tuple[str, str]:
    """Add the outline [N, 1, …] and the evened colours [N, 3, …], every ``STRIDE`` pixels."""
    colours = graph.evened(graph.pixels())
    step = [graph.weight(v, np.int64) for v in ([0, 0], [2**31, 2**31], [2, 3], [STRIDE] * 2)]
    return outline.added(graph, colours), graph.node("Slice", colours, *step)


def run(model: ModelProto, images: NDArray[np.uint8], batch: int = 50) -> NDArray[Any]:
    """Return the first output of a model for all ``images``."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found = [
        session.run(None, {INPUT: images[first : first + batch]})[0]
        for first in range(0, len(images), batch)
    ]
    return np.concatenate(found)
