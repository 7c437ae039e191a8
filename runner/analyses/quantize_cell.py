"""Makes int8 models of an ONNX file. Runs inside a cell of purpose ``quantize`` only.

ONNX Runtime's quantiser is Python over a stranger's graph: it loads it, infers shapes, converts
opsets, runs it to see how large values become, and keeps all of it in files. So it happens behind
all walls, in a private tmpfs, and what comes out is as strange as what went in.
"""

import logging
import mmap
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from runner.formats.signature import ImageShape, Signature
from runner.plain_text import cleaned
from runner.predict import entry
from runner.predict.feeding import Feed, Images
from runner.predict.onnx_net import refusal_of
from runner.sandbox.child import Job, Start, Status
from runner.sandbox.purposes import SCRATCH

_BATCH = 8
_WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN", "Einsum"})
_Options = ort.SessionOptions


class _Reader(CalibrationDataReader):  # type: ignore[misc] # it has no types
    """Feeds calibration images, as the model wants them."""

    def __init__(self, feeds: Iterator[dict[str, NDArray[Any]]]) -> None:
        self._feeds = feeds

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._feeds, None)


def _single() -> Any:
    options = _Options()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return options


def prepare() -> Start:
    """Import and warm up while files can still be read; return ``start``."""
    logging.disable()  # nobody reads a cell's standard error
    entry.prepare()
    ort.SessionOptions = (
        _single  # calibrating takes no options, and wants threads that none may pin
    )
    value = onnx.helper.make_tensor_value_info
    weights = {"w": np.ones((1, 1, 1, 1), np.float32), "m": np.ones((4, 2), np.float32)}
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["x", "w"], ["c"]),
            onnx.helper.make_node("Flatten", ["c"], ["f"]),
            onnx.helper.make_node("MatMul", ["f", "m"], ["y"]),
        ],
        "warm",
        [value("x", onnx.TensorProto.FLOAT, ["N", 1, 2, 2])],
        [value("y", onnx.TensorProto.FLOAT, ["N", 2])],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    # The oldest opset that is taken, so that the converter is warm as well.
    opset = onnx.helper.make_opsetid("", 10)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=5)
    source = Path(SCRATCH, "warm.onnx")
    source.write_bytes(model.SerializeToString())
    feed = {"x": np.ones((1, 1, 2, 2), np.float32)}
    for name, make in _VARIANTS.items():
        make(source, Path(SCRATCH, f"{name}.onnx"), _Reader(iter([feed])))
    _tidy()
    return _start


def _start(job: Job, status: Status) -> Callable[[], None]:
    words = job.words
    image = ImageShape(words["height"], words["width"], words["channels"])
    model, output, images = job.descriptors
    some = entry.map_images(images, 0, words["images"], image)
    board = mmap.mmap(output, words["room"] * len(_VARIANTS), flags=mmap.MAP_SHARED)
    return lambda: _work(words, model, some, board, status)


def _work(
    words: dict[str, Any], model: int, images: Images, board: mmap.mmap, status: Status
) -> None:
    with mmap.mmap(model, words["model_size"], prot=mmap.PROT_READ) as memory:
        data = bytes(memory)
    # As strict as where it is predicted: what is refused there is not looked at here.
    _, signature, _ = entry.open_onnx(words, data)
    for place, (name, make) in enumerate(_VARIANTS.items()):
        _tidy()
        source, target = Path(SCRATCH, "model.onnx"), Path(SCRATCH, f"{name}.onnx")
        source.write_bytes(data)
        try:
            make(source, target, _Reader(_feeds(signature, images)))
            made = target.read_bytes()
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - the quantiser raises whatever Python has
            refusal = refusal_of(error, "E_RUN")
            status.say(made=name, failure=cleaned(refusal.got or type(error).__name__, 200))
            continue
        if len(made) > words["room"]:
            status.say(made=name, failure="it became larger than the model itself")
            continue
        at = place * words["room"]
        board[at : at + len(made)] = made
        status.say(made=name, size=len(made))
    status.say(done=True)


def _feeds(signature: Signature, images: Images) -> Iterator[dict[str, NDArray[Any]]]:
    batch = signature.batch or _BATCH
    shape = ImageShape(*images.shape[1:])
    feed = Feed(signature, shape, batch=batch)
    for at in range(0, len(images), batch):
        yield {signature.name: feed.fill(images[at : at + batch]).copy()}


def _static(source: Path, target: Path, reader: _Reader) -> None:
    """Weights and activations in int8, by ranges that were seen on images."""
    model = onnx.load(source)
    _name_nodes(model.graph)
    onnx.save(model, source)
    quantize_static(
        source, target, reader,
        quant_format=QuantFormat.QDQ, per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        nodes_to_exclude=after_the_weights(model.graph),
    )  # fmt: skip


def after_the_weights(graph: onnx.GraphProto) -> list[str]:
    """Return the names of all nodes that no weights follow: how the answer is put together.

    They stay as they are. In int8 they save nothing, and they spoil it: a table of boxes, scores
    and classes has one range for all, 0 to 96 pixels, in whose steps of 0.38 class 1 is 1.13.
    """
    needed: set[str] = set()
    after = []
    for node in reversed(graph.node):  # ONNX wants them in order: who reads comes after who writes
        if node.op_type in _WEIGHTED or needed.intersection(node.output):
            needed.update(node.input)
        else:
            after.append(node.name)
    return after


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Give a name to each node that has none of its own: what is left out is told by name."""
    taken: set[str] = set()
    for place, node in enumerate(graph.node):
        if not node.name or node.name in taken:
            node.name = f"bookwiz_{place}_{node.op_type}"
        taken.add(node.name)


def _dynamic(source: Path, target: Path, _reader: _Reader) -> None:
    """Weights in int8, activations by the ranges of each run."""
    # Of ConvInteger, ONNX Runtime's CPU kernels take unsigned weights only.
    quantize_dynamic(source, target, weight_type=QuantType.QUInt8)


_VARIANTS: dict[str, Callable[[Path, Path, _Reader], None]] = {
    "static": _static,
    "dynamic": _dynamic,
}


def _tidy() -> None:
    """Leave the scratch empty: it is bounded, and one variant must not starve the next."""
    for path in Path(SCRATCH).iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
