"""What comes out of models of three tasks, as rows of one form."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from runner.contract import Declared, Limits
from runner.datasets.version import split_file
from runner.failures import Refusal
from runner.predict.heads.boxes import nms
from runner.predictions import Predictions, predict, refuse_bad_rows
from runner.sandbox.cell import Cell
from runner.tasks.rows import row_of
from tests.runner.conftest import Bench
from tests.runner.models import FLOAT

LIMITS = Limits(wall_seconds=20, cpu_seconds=20, memory_mb=1024)
CLASSES = 3


@pytest.fixture(scope="module")
def colour(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("colour"), h=6, w=5, c=3, classes=CLASSES)


def run(bench: Bench, task: str, model: bytes, output: str = "", preproc: str = "") -> Predictions:
    manifest = bench.manifest.model_copy(update={"task": task})
    cell = Cell()
    try:
        return predict(
            cell,
            model,
            manifest,
            [split_file(bench.folder / "datasets", bench.manifest, "board")],
            limits=LIMITS,
            tell=lambda _: None,
            declared=Declared(output=output, preproc=preproc),
        )
    finally:
        cell.close()


def model_with(
    nodes: Sequence[Any],
    outputs: dict[str, int],
    weights: dict[str, Any],
    shape: Sequence[Any] = ("N", 3, 6, 5),
) -> bytes:
    """Several outputs of any shape, by name and type."""
    values = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()]
    graph = helper.make_graph(
        list(nodes),
        "g",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        values,
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def channels(bench: Bench) -> np.ndarray:
    """Which channel of each pixel is greatest: what the models below segment by."""
    return bench.arrays["board"][0].argmax(axis=3).astype(np.uint8)


SAME = helper.make_node("Identity", ["x"], ["y"])
LAST = helper.make_node("Transpose", ["x"], ["y"], perm=[0, 2, 3, 1])
MAP = helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=0)
MAP_OF_ONE = helper.make_node("ArgMax", ["x"], ["y"], axis=1, keepdims=1)


@pytest.mark.sandbox
@pytest.mark.parametrize("node", [SAME, LAST, MAP, MAP_OF_ONE], ids=["NCHW", "NHWC", "map", "N1HW"])
def test_masks_come_as_logits_in_either_layout_or_as_a_map(node, colour: Bench) -> None:
    kind = TensorProto.INT64 if node.op_type == "ArgMax" else FLOAT
    found = run(colour, "segmentation", model_with([node], {"y": kind}, {}))
    assert found.rows[0].dtype == np.uint8
    assert (found.rows[0] == channels(colour)).all()


@pytest.mark.sandbox
@pytest.mark.parametrize("resize", ["nearest", "bilinear"])
def test_masks_of_another_size_grow_as_declared_and_not_otherwise(resize, colour: Bench) -> None:
    grow = helper.make_node(
        "Resize", ["x", "", "", "size"], ["y"], mode="nearest",
        nearest_mode="floor", coordinate_transformation_mode="asymmetric",
    )  # fmt: skip
    model = model_with([grow], {"y": FLOAT}, {"size": np.array([1, 3, 12, 10])}, (1, 3, 6, 5))
    with pytest.raises(Refusal) as caught:
        run(colour, "segmentation", model)
    assert (caught.value.code, caught.value.got) == ("E_OUTPUT_SHAPE", "12 × 10")
    assert "bookwiz.output" in caught.value.fix
    found = run(colour, "segmentation", model, f'{{"resize": "{resize}"}}')
    assert (found.rows[0] == channels(colour)).all()


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("nodes", "kind", "code"),
    [
        ([helper.make_node("Add", ["arg", "many"], ["y"])], TensorProto.INT64, "E_OUTPUT_SHAPE"),
        ([helper.make_node("Sub", ["arg", "many"], ["y"])], TensorProto.INT64, "E_OUTPUT_SHAPE"),
    ],
)
def test_a_map_of_classes_that_are_none_is_refused(nodes, kind, code, colour: Bench) -> None:
    nodes = [helper.make_node("ArgMax", ["x"], ["arg"], axis=1, keepdims=0), *nodes]
    with pytest.raises(Refusal) as caught:
        run(colour, "segmentation", model_with(nodes, {"y": kind}, {"many": np.array(2)}))
    assert caught.value.code == code


@pytest.mark.sandbox
def test_logits_that_are_no_numbers_are_refused_though_a_map_cannot_show_them(
    colour: Bench,
) -> None:
    nodes = [
        helper.make_node("Sub", ["x", "x"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["y"]),
    ]
    with pytest.raises(Refusal) as caught:
        run(colour, "segmentation", model_with(nodes, {"y": FLOAT}, {}))
    assert caught.value.code == "E_NAN"


BOXES = np.array([[0, 1, 2, 3], [1, 1, 4, 5], [2, 2, 2, 4]], np.float32)  # the last has no area
SCORES = np.array([0.2, 0.9, 0.8], np.float32)
LABELS = np.array([2, 1, 0])
BEST_FIRST = np.array([[1, 1, 4, 5, 0.9, 1], [0, 1, 2, 3, 0.2, 2]], np.float32)


def torchvision_like(*, batched: bool, first_class: int = 0) -> bytes:
    nodes: list[Any] = []
    weights: dict[str, Any] = {}
    if batched:
        nodes = [
            helper.make_node("Shape", ["x"], ["shape"], start=0, end=1),
        ]
    for name, value in (("boxes", BOXES), ("labels", LABELS + first_class), ("scores", SCORES)):
        weights[f"{name}_w"] = value[None] if batched else value
        if batched:
            weights[f"{name}_rest"] = np.ones(value.ndim, np.int64)
            nodes += [
                helper.make_node("Concat", ["shape", f"{name}_rest"], [f"{name}_n"], axis=0),
                helper.make_node("Tile", [f"{name}_w", f"{name}_n"], [name]),
            ]
        else:
            nodes.append(helper.make_node("Identity", [f"{name}_w"], [name]))
    kinds = {"boxes": FLOAT, "labels": TensorProto.INT64, "scores": FLOAT}
    return model_with(nodes, kinds, weights)


def expect_boxes(found: Predictions) -> None:
    rows = found.rows[0]
    assert rows.shape == (80, 100, 6)
    np.testing.assert_allclose(rows[:, :2], np.broadcast_to(BEST_FIRST, (80, 2, 6)), atol=1e-5)
    assert (rows[:, 2:] == -1).all()


@pytest.mark.sandbox
@pytest.mark.parametrize("batched", [True, False])
def test_boxes_scores_and_labels_are_told_by_name(batched: bool, colour: Bench) -> None:
    expect_boxes(run(colour, "detection", torchvision_like(batched=batched)))


@pytest.mark.sandbox
def test_classes_after_a_background_are_declared(colour: Bench) -> None:
    model = torchvision_like(batched=True, first_class=1)
    with pytest.raises(Refusal) as caught:
        run(colour, "detection", model)
    assert (caught.value.code, caught.value.got) == ("E_OUTPUT_SHAPE", "1 to 3")
    expect_boxes(run(colour, "detection", model, '{"first_class": 1}'))


def one_output(value: np.ndarray) -> bytes:
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], start=0, end=1),
        helper.make_node("Concat", ["shape", "rest"], ["n"], axis=0),
        helper.make_node("Tile", ["value", "n"], ["output0"]),
    ]
    weights = {"value": value.astype(np.float32)[None], "rest": np.ones(2, np.int64)}
    return model_with(nodes, {"output0": FLOAT}, weights)


@pytest.mark.sandbox
def test_one_table_of_six_numbers_is_read(colour: Bench) -> None:
    table = np.column_stack([BOXES, SCORES, LABELS])
    expect_boxes(run(colour, "detection", one_output(np.vstack([table, np.zeros((3, 6))]))))


def raw_head(form: str, *, normalised: bool, objectness: bool, logits: bool) -> np.ndarray:
    """[A, 4(+1)+C] with each box twice, the second time a little lower and moved a little."""
    x1, y1, x2, y2 = BOXES[:2].T
    boxes = {
        "xyxy": np.stack([x1, y1, x2, y2], 1),
        "xywh": np.stack([x1, y1, x2 - x1, y2 - y1], 1),
        "cxcywh": np.stack([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], 1),
    }[form]
    scores = np.full((2, CLASSES), 0.0001)
    scores[np.arange(2), LABELS[:2]] = SCORES[:2]
    both = np.vstack([np.hstack([boxes, scores]), np.hstack([boxes + 0.01, scores * 0.9])])
    both[:, 4:] = np.clip(both[:, 4:], 1e-6, 1)
    if normalised:
        both[:, :4] /= [5, 6, 5, 6]
    if objectness:
        both = np.hstack([both[:, :4], np.full((4, 1), 0.5), np.minimum(both[:, 4:] * 2, 2)])
    if logits:
        both[:, 4:] = np.log(both[:, 4:] / (1 - both[:, 4:]))
    return both


@pytest.mark.sandbox
@pytest.mark.parametrize("layout", ["NCA", "NAC"])
@pytest.mark.parametrize("form", ["xyxy", "xywh", "cxcywh"])
@pytest.mark.parametrize("how", ["plain", "normalised", "objectness", "logits"])
def test_raw_heads_are_decoded_by_their_contract_and_thinned_out(
    layout: str, form: str, how: str, colour: Bench
) -> None:
    flags = {name: how == name for name in ("normalised", "objectness", "logits")}
    table = raw_head(form, **flags)
    contract = (
        f'{{"kind": "raw", "layout": "{layout}", "boxes": "{form}", "score_threshold": 0.01,'
        f'"normalised": {str(flags["normalised"]).lower()},'
        f'"objectness": {str(flags["objectness"]).lower()},'
        f'"activation": "{"sigmoid" if flags["logits"] else "none"}"}}'
    )
    model = one_output(table.T if layout == "NCA" else table)
    expect_boxes(run(colour, "detection", model, contract))


@pytest.mark.sandbox
def test_a_raw_head_that_is_not_declared_is_told_what_to_declare(colour: Bench) -> None:
    table = np.tile(raw_head("xyxy", normalised=False, objectness=True, logits=False), (30, 1))
    with pytest.raises(Refusal) as caught:
        run(colour, "detection", one_output(table.T))
    assert caught.value.code == "E_OUTPUT_SHAPE"
    assert '"layout": "NCA"' in caught.value.fix
    assert '"objectness": true' in caught.value.fix


@pytest.mark.sandbox
@pytest.mark.parametrize(
    "output", ["{", "[]", '{"rotate": 1}', '{"kind": "logits"}', '{"iou_threshold": "x"}', "x" * 5000]
)  # fmt: skip
def test_an_output_contract_that_cannot_be_read_is_refused(output: str, colour: Bench) -> None:
    with pytest.raises(Refusal) as caught:
        run(colour, "detection", torchvision_like(batched=True), output)
    assert caught.value.code == "E_OUTPUT_CONTRACT"


def test_nms_keeps_what_a_plain_loop_keeps() -> None:
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 50, (400, 2))
    boxes = np.hstack([corners, corners + rng.uniform(1, 30, (400, 2))]).astype(np.float32)
    labels = rng.integers(0, 3, 400)
    kept: list[int] = []
    for i, (x1, y1, x2, y2) in enumerate(boxes):
        for j in kept:
            wide = min(x2, boxes[j, 2]) - max(x1, boxes[j, 0])
            high = min(y2, boxes[j, 3]) - max(y1, boxes[j, 1])
            shared = max(wide, 0) * max(high, 0)
            a, b = ((box[2] - box[0]) * (box[3] - box[1]) for box in (boxes[i], boxes[j]))
            if labels[i] == labels[j] and shared > 0.5 * (a + b - shared):
                break
        else:
            kept.append(i)
    assert nms(boxes, labels, most=1000, iou=0.5).tolist() == kept
    assert nms(boxes, labels, most=7, iou=0.5).tolist() == kept[:7]


ROW = np.full((100, 6), -1.0, np.float32)
ROW[0] = [1, 1, 2, 2, 0.5, 2]


def _with(place: Any, value: float) -> np.ndarray:
    row = ROW.copy()
    row[place] = value
    return row[None]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (ROW[None], None),
        (_with((0, 5), 3), "E_OUTPUT_SHAPE"),
        (_with((0, 5), 0.5), "E_OUTPUT_SHAPE"),
        (_with((0, 2), 0), "E_OUTPUT_SHAPE"),
        (_with((1, 4), 0.5), "E_OUTPUT_SHAPE"),
        (_with((0, 4), np.inf), "E_NAN"),
        (np.roll(ROW, 1, axis=0)[None], "E_OUTPUT_SHAPE"),
    ],
    ids=["good", "class", "half a class", "swapped", "half unused", "infinite", "hole first"],
)
def test_rows_are_looked_through_after_the_cell_has_died(rows, code, colour: Bench) -> None:
    manifest = colour.manifest.model_copy(update={"task": "detection"})
    if code is None:
        refuse_bad_rows(rows, row_of(manifest), manifest)
        return
    with pytest.raises(Refusal) as caught:
        refuse_bad_rows(rows, row_of(manifest), manifest)
    assert caught.value.code == code


def test_a_pixel_of_a_class_that_is_none_is_seen_after_the_cell_has_died(colour: Bench) -> None:
    manifest = colour.manifest.model_copy(update={"task": "segmentation"})
    rows = np.zeros((2, 6, 5), np.uint8)
    rows[1, 2, 3] = CLASSES
    with pytest.raises(Refusal) as caught:
        refuse_bad_rows(rows, row_of(manifest), manifest)
    assert caught.value.got == "1 of 2 images"
