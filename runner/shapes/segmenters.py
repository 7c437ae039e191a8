"""Two first entries for the segmentation: one that sees colours, one that sees outlines as well."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from runner.shapes.files import Split
from runner.shapes.fitting import STRIDE, Colour, Outline, outlines, sample, shrunk
from runner.shapes.graphs import Graph, Look, Places
from runner.shapes.world import CLASSES, SIDE

SHAPE = Look(scales=(1, 3), side=7)  #: places of the outline map around one
_HIDDEN = 64
_ROUNDS = 8
_SEED = 2


def colour_pixels(colour: Colour) -> onnx.ModelProto:
    """Return a model that asks each pixel for its colour and nothing else; weak on purpose."""
    graph = Graph("colour-pixels")
    logits = colour.added(graph, graph.pixels())
    return graph.model(logits, "logits", ["N", 1 + len(CLASSES), SIDE, SIDE])


def outline_pixels(train: Split, outline: Outline) -> onnx.ModelProto:
    """Return a network that first finds outlines and then asks what they are outlines of."""
    maps = outlines(outline, train.images)
    masks = train.masks[:, ::STRIDE, ::STRIDE]
    rng = np.random.default_rng(_SEED)
    seen, labels = [], []
    for turn in range(4):  # a shape is what it is however one turns it
        places, found = sample(np.rot90(masks, turn, (1, 2)), 1500, rng)
        seen.append(look(np.rot90(maps, turn, (1, 2)), places))
        labels.append(found)
    net = fit_net(np.concatenate(seen), np.concatenate(labels), rounds=_ROUNDS)
    graph = Graph("outline-pixels")
    logits = add_net(graph, net, *shrunk(graph, outline))
    # Place i of the small map is the middle of pixel STRIDE * i, which is what "asymmetric" says.
    large = graph.node(
        "Resize", logits, "", graph.weight([1, 1, STRIDE, STRIDE]),
        mode="linear", coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    return graph.model(large, "logits", ["N", 1 + len(CLASSES), SIDE, SIDE])


def look(maps: NDArray[np.float32], places: Places) -> NDArray[np.float32]:
    """Return what a net sees of maps [n, h, w, 4] at m places: outlines around, and the colour there."""
    colours = maps[places.image, places.row, places.column, 1:]
    return np.concatenate([SHAPE.of(maps[..., :1], places), colours], axis=1)


def fit_net(seen: NDArray[np.float32], labels: NDArray[np.int64], *, rounds: int) -> Any:
    """Return a classifier with one hidden layer."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    net = MLPClassifier(
        (_HIDDEN,), batch_size=256, max_iter=rounds, learning_rate_init=3e-3, alpha=1e-3,
        random_state=_SEED,
    )  # fmt: skip
    # Matrices this small are slower on two threads than on one; and it shall stop early.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return net.fit(seen, labels)


def add_net(graph: Graph, net: Any, outline: str, colours: str, *, stride: int = 1) -> str:
    """Add what a fitted net says of every ``stride``-th place: [N, outputs, h, w]."""
    first, second = net.coefs_
    bias, last = net.intercepts_
    sums = [
        *SHAPE.added(graph, outline, first[:-3], stride=stride),
        graph.conv(colours, first[-3:].T[:, :, None, None], bias, stride=stride),
    ]
    hidden = graph.node("Relu", graph.node("Sum", *sums))
    return graph.conv(hidden, second.T[:, :, None, None], last)
