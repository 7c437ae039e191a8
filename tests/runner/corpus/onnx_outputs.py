"""Models whose boxes or masks are none, or are such that arithmetic on them could break.

Images are 8 by 8, grey, of three classes (``tests.runner.conftest.Bench``).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.runner.corpus import Corpus, Hostile
from tests.runner.models import FLOAT

CLASSES = 3
INT = TensorProto.INT64
Node = Any

_BOXES = np.array([[0, 1, 2, 3], [1, 1, 4, 5]], np.float32)
_SCORES = np.array([0.2, 0.9], np.float32)
_LABELS = np.array([2, 1])
_FIRST = [
    helper.make_node("Flatten", ["x"], ["flat"]),
    helper.make_node("MatMul", ["flat", "corner"], ["first"]),
    helper.make_node("Sub", ["first", "dark"], ["shifted"]),
]
_CORNER = {"corner": np.eye(64, 1, dtype=np.float32), "dark": np.float32(0.04)}


def model_of(
    nodes: Sequence[Node], outputs: dict[str, int], weights: dict[str, NDArray[Any] | Any]
) -> bytes:
    """A model with ``outputs`` (element types by name) of any shape."""
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes),
        "g",
        [value("x", FLOAT, ["N", 1, 8, 8])],
        [value(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def for_each_image(
    values: dict[str, NDArray[Any]], more: Sequence[Node] = (), **weights: Any
) -> bytes:
    """A model that gives ``values`` for every image; ``more`` nodes may put others in their place."""
    made = {name for node in more for name in node.output}
    nodes = [helper.make_node("Shape", ["x"], ["n"], start=0, end=1)]
    for name, value in values.items():
        out = f"{name}_same" if name in made else name
        weights |= {f"{name}_one": value[None], f"{name}_rest": np.ones(value.ndim, np.int64)}
        nodes += [
            helper.make_node("Concat", ["n", f"{name}_rest"], [f"{name}_n"], axis=0),
            helper.make_node("Tile", [f"{name}_one", f"{name}_n"], [out]),
        ]
    kinds = {name: helper.np_dtype_to_tensor_dtype(value.dtype) for name, value in values.items()}
    return model_of([*nodes, *more], kinds, weights)


def found(
    boxes: Any = _BOXES, scores: Any = _SCORES, labels: Any = _LABELS, **more: NDArray[Any]
) -> bytes:
    """A detector that sees the same in every image."""
    boxes, scores = np.asarray(boxes, np.float32), np.asarray(scores, np.float32)
    return for_each_image({"boxes": boxes, "scores": scores, "labels": np.asarray(labels), **more})


def with_box(value: float) -> bytes:
    boxes = _BOXES.copy()
    boxes[1, 2] = value
    return found(boxes)


def boxes_that_break_late() -> bytes:
    """NaN only where an image's first pixel is dark."""
    nodes = [
        *_FIRST,
        helper.make_node("Sqrt", ["shifted"], ["root"]),
        helper.make_node("Reshape", ["root", "column"], ["rooted"]),
        helper.make_node("Add", ["boxes_same", "rooted"], ["boxes"]),
    ]
    values = {"boxes": _BOXES, "scores": _SCORES, "labels": _LABELS}
    return for_each_image(values, nodes, **_CORNER, column=np.array([-1, 1, 1]))


def boxes_of_one_image() -> bytes:
    """Whatever the batch, the boxes of one."""
    values = {"boxes": _BOXES, "scores": _SCORES, "labels": _LABELS}
    nodes = [helper.make_node("Identity", [f"{name}_w"], [name]) for name in values]
    weights = {f"{name}_w": value[None] for name, value in values.items()}
    return model_of(nodes, {"boxes": FLOAT, "scores": FLOAT, "labels": INT}, weights)


def masked(value: Any, kind: Any = np.float32) -> bytes:
    """A segmenter that gives ``value`` for every image."""
    return for_each_image({"y": np.asarray(value, kind)})


def logits(value: float) -> NDArray[np.float32]:
    """Logits of the right shape, one of which is ``value``."""
    made = np.random.default_rng(0).normal(size=(CLASSES, 8, 8)).astype(np.float32)
    made[1, 2, 3] = value
    return made


def masks_of_one_image() -> bytes:
    nodes = [helper.make_node("Identity", ["w"], ["y"])]
    return model_of(nodes, {"y": FLOAT}, {"w": logits(0)[None]})


def maps_that_break_late() -> bytes:
    """A class that is none only where an image's first pixel is dark."""
    nodes = [
        *_FIRST,
        helper.make_node("Less", ["shifted", "none"], ["is_dark"]),
        helper.make_node("Cast", ["is_dark"], ["one"], to=INT),
        helper.make_node("Mul", ["one", "many"], ["class"]),
        helper.make_node("Reshape", ["class", "column"], ["classes"]),
        helper.make_node("Add", ["y_same", "classes"], ["y"]),
    ]
    more = {"none": np.float32(0), "many": np.array(CLASSES), "column": np.array([-1, 1, 1])}
    return for_each_image({"y": np.zeros((8, 8), np.int64)}, nodes, **_CORNER, **more)


_MANY = np.tile([1, 1, 4, 5], (20_000, 1)) + np.linspace(0, 3, 20_000)[:, None]


def _boxes(make: Any, verdict: Any, code: str = "", evaluated: str | None = None) -> Hostile:
    return Hostile(make, verdict, code, evaluated, task="detection")


def _masks(make: Any, verdict: Any, code: str = "", evaluated: str | None = None) -> Hostile:
    return Hostile(make, verdict, code, evaluated, task="segmentation")


_SHAPE = ("refuse", "E_OUTPUT_SHAPE")
CORPUS: Corpus = {
    "boxes": _boxes(found, "accept"),
    "NaN boxes": _boxes(lambda: with_box(np.nan), "refuse", "E_NAN"),
    "infinite boxes": _boxes(lambda: with_box(np.inf), "refuse", "E_NAN"),
    "NaN scores": _boxes(lambda: found(scores=[np.nan, 0.5]), "refuse", "E_NAN"),
    "infinite scores": _boxes(lambda: found(scores=[np.inf, 0.5]), "refuse", "E_NAN"),
    "NaN boxes for some images": _boxes(boxes_that_break_late, "accept", evaluated="E_NAN"),
    "boxes the wrong way round": _boxes(lambda: found(_BOXES[:, [2, 3, 0, 1]]), *_SHAPE),
    "boxes beside the image": _boxes(lambda: found(_BOXES - 1000), "accept"),
    "boxes of 1e38": _boxes(lambda: found([[-3e38, -3e38, 3e38, 3e38], [0, 0, 1e38, 1]]), "accept"),
    "boxes without an area": _boxes(lambda: found(np.zeros((2, 4))), "accept"),
    "scores of 1e38": _boxes(lambda: found(scores=[3e38, -3e38]), "accept"),
    "20,000 boxes": _boxes(
        lambda: found(_MANY, np.linspace(0, 1, 20_000), np.zeros(20_000, np.int64)), "accept"
    ),
    "no boxes": _boxes(lambda: found(np.zeros((0, 4)), [], np.zeros(0, np.int64)), "accept"),
    "a class too many": _boxes(lambda: found(labels=np.array([0, CLASSES])), *_SHAPE),
    "a class below none": _boxes(lambda: found(labels=np.array([0, -1])), *_SHAPE),
    "the largest class there is": _boxes(lambda: found(labels=np.array([0, 2**63 - 1])), *_SHAPE),
    "half a class": _boxes(lambda: found(labels=np.array([0, 0.5], np.float32)), *_SHAPE),
    "a class that is no number": _boxes(
        lambda: found(labels=np.array([0, np.nan], np.float32)), *_SHAPE
    ),
    "an infinite class": _boxes(lambda: found(labels=np.array([0, np.inf], np.float32)), *_SHAPE),
    "more boxes than scores": _boxes(lambda: found(np.vstack([_BOXES, _BOXES])), *_SHAPE),
    "boxes of five numbers": _boxes(lambda: found(np.zeros((2, 5))), *_SHAPE),
    "boxes of one image for all": _boxes(boxes_of_one_image, *_SHAPE),
    "a count of a billion": _boxes(lambda: found(num=np.array([10**9])), "accept"),
    "a count below none": _boxes(lambda: found(num=np.array([-(10**9)])), "accept"),
    "masks": _masks(lambda: masked(logits(0)), "accept"),
    "NaN logits": _masks(lambda: masked(logits(np.nan)), "refuse", "E_NAN"),
    "infinite logits": _masks(lambda: masked(logits(np.inf)), "accept"),
    "logits of two classes": _masks(lambda: masked(logits(0)[:2]), *_SHAPE),
    "logits of another size": _masks(lambda: masked(logits(0)[:, :4, :4]), *_SHAPE),
    "logits without pixels": _masks(lambda: masked(np.zeros((CLASSES, 0, 8))), *_SHAPE),
    "logits of one dimension": _masks(lambda: masked(np.zeros(CLASSES * 64)), *_SHAPE),
    "logits of five": _masks(lambda: masked(logits(0)[None]), *_SHAPE),
    "masks of one image for all": _masks(masks_of_one_image, *_SHAPE),
    "a map of numbers with points": _masks(lambda: masked(np.zeros((8, 8))), *_SHAPE),
    "a map of yes and no": _masks(lambda: masked(np.zeros((8, 8)), np.bool_), *_SHAPE),
    "a map with a class too many": _masks(
        lambda: masked(np.full((8, 8), CLASSES), np.int64), *_SHAPE
    ),
    "a map with a class below none": _masks(lambda: masked(np.full((8, 8), -1), np.int64), *_SHAPE),
    "a map that would wrap around": _masks(lambda: masked(np.full((8, 8), 256), np.int64), *_SHAPE),
    "a map that breaks late": _masks(maps_that_break_late, "accept", evaluated="E_OUTPUT_SHAPE"),
}
