"""Models that load and run, and whose answers are none."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.runner import models
from tests.runner.corpus import Corpus, Hostile
from tests.runner.corpus.onnx_graphs import edited, linear, make
from tests.runner.models import FLOAT

_ANSI = "\x1b[31mred\x1b[0m \u202egnp.\u2066exe\u2069 \x00\x07 @everyone <!channel> /root/secret"


def odd_names() -> bytes:
    """Everything that has a name or a text has one that pings, colours or turns around."""
    model = onnx.load_model_from_string(models.good_model(producer=_ANSI))
    name = f"{_ANSI}\n"
    model.graph.name = model.doc_string = model.domain = name
    model.producer_version = name
    for place, node in enumerate(model.graph.node):
        node.name = f"{name}{place}"
        node.input[:] = [name if n == "x" else n for n in node.input]
    model.graph.input[0].name = name
    return model.SerializeToString()


def odd_words_of_a_failure() -> bytes:
    """Fails on every batch but one image, and the failure quotes the node's name."""
    model = onnx.load_model_from_string(models.failing_model())
    for place, node in enumerate(model.graph.node):
        node.name = f"{_ANSI}{place}"
    return model.SerializeToString()


def two_inputs_that_ping() -> bytes:
    model = onnx.load_model_from_string(models.two_inputs_model())
    model.graph.input[1].name = _ANSI
    return model.SerializeToString()


def sequence_output(model: onnx.ModelProto) -> None:
    model.graph.node.append(make("SequenceConstruct", ["y"], ["list"]))
    tensor = helper.make_tensor_type_proto(FLOAT, ["N", 10])
    model.graph.output[0].CopyFrom(
        helper.make_value_info("list", helper.make_sequence_type_proto(tensor))
    )


def optional_output(model: onnx.ModelProto) -> None:
    tensor = helper.make_tensor_type_proto(FLOAT, ["N", 10])
    model.graph.node.append(make("Optional", ["y"], ["maybe"], type=tensor))
    model.graph.output[0].CopyFrom(
        helper.make_value_info("maybe", helper.make_optional_type_proto(tensor))
    )


def string_output(model: onnx.ModelProto) -> None:
    model.graph.node.append(make("Cast", ["y"], ["words"], to=TensorProto.STRING))
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("words", TensorProto.STRING, ["N", 10])
    )


def whole_number_output(model: onnx.ModelProto) -> None:
    model.graph.node.append(make("Cast", ["y"], ["whole"], to=TensorProto.INT64))
    model.graph.output[0].CopyFrom(
        helper.make_tensor_value_info("whole", TensorProto.INT64, ["N", 10])
    )


def rows_that_depend_on_data() -> bytes:
    """Only the rows whose first score is above 0."""
    nodes = [
        make("Gather", ["z", "first"], ["score"], axis=1),
        make("Greater", ["score", "nought"], ["which"]),
        make("Compress", ["z", "which"], ["y"], axis=0),
    ]
    weights = {"first": np.array(0), "nought": np.array(0, np.float32)}
    return linear(*nodes, out="z", weights=weights, output=["M", 10])


def one_row_less() -> bytes:
    ends = {"from": np.array([0]), "to": np.array([-1]), "axis": np.array([0])}
    return linear(
        make("Slice", ["z", "from", "to", "axis"], ["y"]), out="z", weights=ends, output=["M", 10]
    )


def one_row_for_all() -> bytes:
    return linear(make("ReduceMean", ["z"], ["y"], axes=[0]), out="z", output=["M", 10])


def other_images_rows() -> bytes:
    """The scores of the last image first."""
    ends = {n: np.array([v]) for n, v in (("from", -1), ("to", -(2**40)), ("a", 0), ("step", -1))}
    return linear(make("Slice", ["z", "from", "to", "a", "step"], ["y"]), out="z", weights=ends)


def rows_of_the_first_image() -> bytes:
    """Every image gets the first one's scores."""
    ends = {
        "from": np.array([0]),
        "to": np.array([1]),
        "a": np.array([0]),
        "o": np.array(0, np.float32),
    }
    nodes = [
        make("Slice", ["z", "from", "to", "a"], ["first"]),
        make("Mul", ["z", "o"], ["none"]),
        make("Add", ["none", "first"], ["y"]),
    ]
    return linear(*nodes, out="z", weights=ends)


def less_the_batchs_mean() -> bytes:
    """What batch norm does when it is left in training mode."""
    nodes = [make("ReduceMean", ["z"], ["m"], axes=[0]), make("Sub", ["z", "m"], ["y"])]
    return linear(*nodes, out="z")


def softmax_over_the_batch() -> bytes:
    return linear(make("Softmax", ["z"], ["y"], axis=0), out="z")


def dice() -> bytes:
    """Answers by chance, another time otherwise."""
    nodes = [
        make("RandomUniformLike", ["z"], ["r"], low=-30.0, high=30.0),
        make("Add", ["z", "r"], ["y"]),
    ]
    return linear(*nodes, out="z")


def fixed_dice() -> bytes:
    """The same with a batch of one, where no neighbour can show it."""
    nodes = [
        make("RandomUniformLike", ["z"], ["r"], low=-30.0, high=30.0),
        make("Add", ["z", "r"], ["y"]),
    ]
    return linear(*nodes, out="z", shape=[1, 1, 8, 8], output=[1, 10])


def weights_with(number: float) -> bytes:
    matrix = np.full((64, 10), number, np.float32)
    nodes = [make("Flatten", ["x"], ["flat"]), make("MatMul", ["flat", "w"], ["y"])]
    return models.model_of(nodes, shape=["N", 1, 8, 8], output=["N", 10], weights={"w": matrix})


def faint_dice() -> bytes:
    """Noise that no comparison of two answers notices, and that decides where scores are equal."""
    return linear(
        make("RandomNormalLike", ["z"], ["r"], scale=1e-6), make("Add", ["z", "r"], ["y"]), out="z"
    )


def dice_in_a_branch() -> bytes:
    """Draws only where the images are bright."""
    outputs = [helper.make_tensor_value_info("b", FLOAT, ["N", 10])]
    still = helper.make_graph([make("Identity", ["z"], ["b"])], "still", [], outputs)
    draws = helper.make_graph([make("RandomUniformLike", ["z"], ["b"])], "draws", [], outputs)
    return linear(
        make("ReduceMean", ["x"], ["mean"], keepdims=0),
        make("Greater", ["mean", "bright"], ["is"]),
        make("If", ["is"], ["y"], then_branch=draws, else_branch=still),
        out="z",
        weights={"bright": np.array(1e6, np.float32)},
    )


def training_dropout(*, trains: bool = True) -> bytes:
    return linear(
        make("Dropout", ["z", "ratio", "train"], ["y"]),
        out="z",
        weights={"ratio": np.array(1e-4, np.float32), "train": np.array(trains)},
    )


CORPUS: Corpus = {
    "names that ping and colour": Hostile(odd_names, "accept"),
    "a failure that pings": Hostile(odd_words_of_a_failure, "refuse", "E_RUN"),
    "inputs that ping": Hostile(two_inputs_that_ping, "refuse", "E_INPUT_SHAPE"),
    "a list": Hostile(edited(sequence_output), "refuse", "E_OUTPUT_SHAPE"),
    "perhaps a tensor": Hostile(edited(optional_output), "refuse", "E_OUTPUT_SHAPE"),
    "words": Hostile(edited(string_output), "refuse", "E_OUTPUT_SHAPE"),
    "whole numbers": Hostile(edited(whole_number_output), "refuse", "E_OUTPUT_SHAPE"),
    "seven classes": Hostile(models.wrong_classes_model, "refuse", "E_OUTPUT_SHAPE"),
    "seven classes, not declared": Hostile(models.lying_classes_model, "refuse", "E_OUTPUT_SHAPE"),
    "rows that depend on data": Hostile(rows_that_depend_on_data, "refuse", "E_OUTPUT_SHAPE"),
    "one row less": Hostile(one_row_less, "refuse", "E_OUTPUT_SHAPE"),
    "one row for all": Hostile(one_row_for_all, "refuse", "E_OUTPUT_SHAPE"),
    "fails on batches": Hostile(models.failing_model, "refuse", "E_RUN"),
    "rows of other images": Hostile(other_images_rows, "refuse", "E_BATCH"),
    "rows of the first image": Hostile(rows_of_the_first_image, "refuse", "E_BATCH"),
    "less the batch's mean": Hostile(less_the_batchs_mean, "refuse", "E_BATCH"),
    "softmax over the batch": Hostile(softmax_over_the_batch, "refuse", "E_BATCH"),
    "dice": Hostile(dice, "refuse", "E_ONNX_RANDOM"),
    "dice with a batch of one": Hostile(fixed_dice, "refuse", "E_ONNX_RANDOM"),
    "dice that decide ties": Hostile(faint_dice, "refuse", "E_ONNX_RANDOM"),
    "dice in a branch": Hostile(dice_in_a_branch, "refuse", "E_ONNX_RANDOM"),
    "a dropout that trains": Hostile(training_dropout, "refuse", "E_ONNX_RANDOM"),
    "a dropout that is told not to": Hostile(lambda: training_dropout(trains=False), "accept"),
    "a dropout that does not": Hostile(
        lambda: linear(make("Dropout", ["z"], ["y"]), out="z"), "accept"
    ),
    "NaN": Hostile(models.nan_model, "refuse", "E_NAN"),
    "NaN weights": Hostile(lambda: weights_with(np.nan), "refuse", "E_NAN"),
    "infinite weights": Hostile(lambda: weights_with(np.inf), "refuse", "E_NAN"),
    "NaN for some images": Hostile(models.half_nan_model, "accept", evaluated="E_NAN"),
    "a batch of a million": Hostile(
        lambda: models.good_model(shape=[1_000_000, 1, 8, 8], output=[1_000_000, 10]),
        "refuse",
        "E_INPUT_SHAPE",
    ),
    "a negative batch": Hostile(
        lambda: models.good_model(shape=[-1, 1, 8, 8]), "refuse", "E_INPUT_SHAPE"
    ),
}
