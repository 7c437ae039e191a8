"""Two first entries for the detection: blobs of a colour, and boxes that a net draws around outlines."""

import json
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from runner.shapes.files import Split
from runner.shapes.fitting import STRIDE, Colour, Outline, outlines, shrunk
from runner.shapes.graphs import Graph, Places
from runner.shapes.segmenters import add_net, fit_net, look
from runner.shapes.world import CLASSES, SIDE

_STEP = 4  # pixels from one place to the next
#: sides of the squares that blobs are looked for in, and of those they must stand out from, in steps
_WINDOWS = {3: 5, 5: 9, 9: 15}
_MIDDLE = np.stack(np.meshgrid(*[np.arange(0, SIDE, _STEP) + 0.5] * 2)).reshape(2, -1)  # pixels
_RAW = {
    "kind": "raw", "layout": "NCA", "boxes": "cxcywh", "normalised": False,
    "score_threshold": 0.02, "iou_threshold": 0.3,
}  # fmt: skip
_UNIT = 16.0  # pixels: what the net counts sides in
_CORE = 0.3  # of a box around its middle: places there answer for it
_MOST, _OVERLAP, _SURE = 30, 0.45, 0.03
_ROUNDS = 8
_NOTHING = 30  # places of each image that belong to no box, to learn from
_SEED = 3


def colour_blobs(colour: Colour) -> onnx.ModelProto:
    """Return a model that takes squares more colourful than their surroundings for shapes.

    A raw head, whose boxes overlap: what they mean, and the NMS they need, is declared.
    """
    graph = Graph("colour-blobs")
    shares = graph.node("Softmax", colour.added(graph, graph.pixels()), axis=1)
    kinds = graph.node("Slice", shares, *(graph.weight([v], np.int64) for v in (1, 99, 1)))
    cells = graph.mean(kinds, _STEP + 1, _STEP)  # and squares are then counted in cells
    scores, boxes = [], []
    for window, wide in _WINDOWS.items():
        area, whole = window**2, wide**2
        inside = graph.mean(cells, window)
        # The mean of the ring alone is the wide square's, less the window in it.
        ring = graph.node(
            "Sub",
            graph.node("Mul", graph.mean(cells, wide), graph.weight(whole / (whole - area))),
            graph.node("Mul", inside, graph.weight(area / (whole - area))),
        )
        stands_out = graph.node("Relu", graph.node("Sub", inside, ring))
        scores.append(graph.node("Reshape", stands_out, graph.weight([0, 0, -1], np.int64)))
        boxes.append(np.concatenate([_MIDDLE, np.full_like(_MIDDLE, window * _STEP)]))
    score = graph.node("Concat", *scores, axis=2)
    # Boxes [1, 4, A] for every image: added to zeros that have its batch.
    nothing = graph.node(
        "Mul",
        graph.node("Slice", score, *(graph.weight([v], np.int64) for v in (0, 1, 1))),
        graph.weight(0),
    )
    box = graph.node("Add", nothing, graph.weight(np.concatenate(boxes, axis=1)[None]))
    anchors = len(_WINDOWS) * (SIDE // _STEP) ** 2
    return graph.model(
        graph.node("Concat", box, score, axis=1),
        "boxes", ["N", 4 + len(CLASSES), anchors], json.dumps(_RAW),
    )  # fmt: skip


def outline_boxes(train: Split, outline: Outline) -> onnx.ModelProto:
    """Return a network that draws boxes around outlines; NMS is inside, so nothing is declared."""
    seen, labels, sides = _examples(train, outlines(outline, train.images))
    kinds = fit_net(seen, labels, rounds=_ROUNDS)
    box = _fit_sides(seen[labels > 0], sides[labels > 0])
    graph = Graph("outline-boxes")
    small = shrunk(graph, outline)
    step = _STEP // STRIDE
    shares = graph.node("Softmax", add_net(graph, kinds, *small, stride=step), axis=1)
    scores = graph.node("Slice", shares, *(graph.weight([v], np.int64) for v in (1, 99, 1)))
    distances = graph.node("Relu", add_net(graph, box, *small, stride=step))
    flat = graph.weight([0, 0, -1], np.int64)
    corners = _corners(graph, graph.node("Reshape", distances, flat))
    table = _thinned(graph, corners, graph.node("Reshape", scores, flat))
    return graph.model(table, "detections", ["N", _MOST, 6])


def _examples(
    train: Split, maps: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float64]]:
    """Return what is seen at some places [m], the class there, and the distances to a box's sides."""
    rng = np.random.default_rng(_SEED)
    truths = [_truth(boxes) for boxes in train.boxes()]
    label, side = (np.stack(part) for part in zip(*truths, strict=True))
    answering = np.flatnonzero(label)
    nothing = np.flatnonzero(label == 0)
    seen, labels, sides = [], [], []
    for turn in range(4):  # a shape is what it is however one turns it
        others = rng.choice(nothing, _NOTHING * len(label), replace=False)
        kept = np.concatenate([rng.choice(answering, len(answering) // 2, replace=False), others])
        image, row, column = np.unravel_index(kept, label.shape)
        labels.append(label[image, row, column])
        row, column, around = _turned(
            row, column, side[image, row, column], turn=turn, places=label.shape[1]
        )
        seen.append(look(np.rot90(maps, turn, (1, 2)), Places(image, row, column)))
        sides.append(around)
    return np.concatenate(seen), np.concatenate(labels), np.concatenate(sides)


def _truth(boxes: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return of one image's map the class that each place answers for, and its box's sides."""
    at = np.arange(0, SIDE, STRIDE) + 0.5
    x, y = np.meshgrid(at, at)
    label, side = np.zeros(x.shape, np.int64), np.zeros((*x.shape, 4))
    for left, top, width, height, kind, _ in boxes[np.argsort(-boxes[:, 5], kind="stable")]:
        core = (np.abs(x - left - width / 2) <= max(_CORE * width / 2, 2)) & (
            np.abs(y - top - height / 2) <= max(_CORE * height / 2, 2)
        )
        label[core] = 1 + int(kind)
        sides = np.stack([x - left, y - top, left + width - x, top + height - y], axis=-1)
        side[core] = sides[core]
    return label, side


def _turned(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    side: NDArray[np.float64],
    *,
    turn: int,
    places: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return where places of a square map, and the sides around them, are after ``np.rot90``."""
    for _ in range(turn):
        row, column = places - 1 - column, row
        side = side[:, [1, 2, 3, 0]]  # what was above is now at the left
    return row, column, side


def _fit_sides(seen: NDArray[np.float32], sides: NDArray[np.float64]) -> Any:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    net = MLPRegressor(
        hidden_layer_sizes=(64,), batch_size=256, max_iter=_ROUNDS, learning_rate_init=3e-3, alpha=1e-3,
        random_state=_SEED,
    )  # fmt: skip
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return net.fit(seen, sides / _UNIT)


def _corners(graph: Graph, distances: str) -> str:
    """Add corners [N, A, 4] in pixels from distances [N, 4, A] to left, top, right and bottom."""
    sign = np.array([-_UNIT, -_UNIT, _UNIT, _UNIT])[:, None]
    reach = graph.node("Mul", distances, graph.weight(sign))
    corners = graph.node("Add", reach, graph.weight(np.tile(_MIDDLE, (2, 1))))
    inside = graph.node("Clip", corners, graph.weight(0.0), graph.weight(float(SIDE)))
    return graph.node("Transpose", inside, perm=[0, 2, 1])


def _thinned(graph: Graph, corners: str, scores: str) -> str:
    """Add the best boxes [N, _MOST, 6] of corners [N, A, 4] and scores [N, C, A], after NMS.

    NonMaxSuppression names what stays as (image, class, place). The scores there are put into zeros,
    so that TopK finds them again image by image; score 0 is no box.
    """
    stay = graph.node(
        "NonMaxSuppression", corners, scores, graph.weight([_MOST], np.int64),
        graph.weight([_OVERLAP]), graph.weight([_SURE]),
    )  # fmt: skip
    zeros = graph.node("Mul", scores, graph.weight(0.0))
    kept = graph.node("ScatterND", zeros, stay, graph.node("GatherND", scores, stay))
    flat = graph.node("Reshape", kept, graph.weight([0, -1], np.int64))
    best = graph.node("TopK", flat, graph.weight([_MOST], np.int64), outputs=2, axis=1)
    places = graph.weight((SIDE // _STEP) ** 2, np.int64)
    kind = graph.node("Div", f"{best}.1", places)
    last = graph.weight([2], np.int64)
    index = graph.node("Unsqueeze", graph.node("Mod", f"{best}.1", places), last)
    four = graph.node("Tile", index, graph.weight([1, 1, 4], np.int64))
    return graph.node(
        "Concat",
        graph.node("GatherElements", corners, four, axis=1),
        graph.node("Unsqueeze", best, last),
        graph.node("Unsqueeze", graph.node("Cast", kind, to=onnx.TensorProto.FLOAT), last),
        axis=2,
    )  # fmt: skip
