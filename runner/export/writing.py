"""Writes a module as one ONNX file that takes pixels as they are, and compares both on random images.

PyTorch has two exporters. The one used here (``dynamo=False``) needs nothing but PyTorch and takes
whatever can be traced; the other needs onnxscript.
"""

import io
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from runner.contract import Task
from runner.export.wrapping import NotTensors, TakesImages
from runner.failures import Refusal
from runner.formats.output_contract import KEY as OUTPUT_KEY
from runner.formats.preprocessing import KEY, Preprocessing

OPSET = 17  # old enough for every ONNX Runtime that is still in use
#: what rounding alone can do to float32, as a share of the greatest number that comes out
ROUNDING = 1e-3
_INPUT, _SEED = "images", 20240501
_MOST_NOTES = 3
_BATCH = (
    "forward() must not fix the batch: say x.flatten(1) or x.reshape(x.shape[0], …), never a number "
    "or len(x) for dimension 0. If it can only take one image at a time, add --one-by-one."
)
_FATAL_ONLY = 4


@dataclass(frozen=True)
class Wanted:
    """What the file is for, and what its module wants of pixels and says of its outputs."""

    task: Task
    height: int
    width: int
    channels: int
    how: Preprocessing
    output: str = ""  #: JSON for ``bookwiz.output``
    one_by_one: bool = False  #: the module takes one image at a time, as some detectors do

    @property
    def traced(self) -> int:
        """The batch that the exporter sees: not 1, which it would take for a constant."""
        return 1 if self.one_by_one else 2

    @property
    def compared(self) -> tuple[int, ...]:
        """The batches that are compared; of each, the images are others."""
        return (1,) if self.one_by_one else (1, 3)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of what the file is fed."""
        return (*(self.how.size or (self.height, self.width)), self.channels)


@dataclass(frozen=True)
class Exported:
    """The file, and how far ONNX Runtime is from PyTorch with it."""

    data: bytes
    outputs: Mapping[str, tuple[int, ...]]  #: by name: the shape for one image
    difference: float  #: the largest of any number on the random images
    greatest: float  #: the largest number itself, by which to judge it
    notes: tuple[str, ...]  #: what PyTorch's tracer warned of
    wanted: Wanted

    def words(self) -> str:
        """Return what goes in, what comes out and how it was compared, a line each."""
        batch = "1" if self.wanted.one_by_one else "N"
        shape = ", ".join(map(str, (batch, *self.wanted.shape)))
        outputs = (
            f"{name} [{', '.join(map(str, dims if self.wanted.one_by_one else (batch, *dims[1:])))}]"
            for name, dims in self.outputs.items()
        )
        lines = [
            f"  in:  uint8 [{shape}]; {self.wanted.how.words()} inside",
            f"  out: {', '.join(outputs)}",
            (
                f"  ONNX Runtime against PyTorch on random images: at most {self.difference:.2g} apart, "
                f"of numbers up to {self.greatest:.3g}"
            ),
        ]
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


def write(module: nn.Module, wanted: Wanted) -> Exported:
    """Export ``module``, which takes float32 [N, channels, height, width].

    Raises Refusal (E_EXPORT) for what cannot be traced, or what the file does otherwise.
    """
    whole = TakesImages(module, wanted.how, channels=wanted.channels, task=wanted.task).eval()
    for parameter in whole.parameters():
        parameter.requires_grad_(False)
    # Attention's fast path is one operator that no exporter knows.
    torch.backends.mha.set_fastpath_enabled(False)
    here = _run_here(whole, wanted, _images(wanted, wanted.traced))
    data, notes = _traced(whole, wanted, list(here))
    finished = _finished(data, wanted)
    compared = [_compare(finished, whole, wanted, batch) for batch in wanted.compared]
    difference, greatest = (max(both) for both in zip(*compared, strict=True))
    if not difference <= ROUNDING * max(greatest, 1):
        raise Refusal(
            "E_EXPORT",
            "The ONNX file does not do what the module does.",
            expected=f"numbers that differ by at most {ROUNDING * max(greatest, 1):.2g}",
            got=f"a difference of {difference:.3g}",
            fix="Look for Python `if`, loops over values, or random numbers in forward(): "
            "the exporter writes down what one example did. " + " ".join(notes[:1]),
        )
    one = _run_here(whole, wanted, _images(wanted, 1))
    shapes = {name: tuple(value.shape) for name, value in one.items()}
    return Exported(finished, shapes, difference, greatest, notes, wanted)


def _images(wanted: Wanted, batch: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(_SEED + batch)
    return random.integers(0, 256, (batch, *wanted.shape), dtype=np.uint8)


def _run_here(whole: TakesImages, wanted: Wanted, images: NDArray[np.uint8]) -> dict[str, Tensor]:
    try:
        with torch.inference_mode():
            return whole.named(torch.from_numpy(images))
    except NotTensors as error:
        raise Refusal(
            "E_EXPORT",
            "The module gives something that is no tensor.",
            expected="a tensor, a tuple of tensors, or a dict of tensors by name",
            got=str(error),
            fix="Put a module of your own around it that returns tensors; docs/recipes/export.md "
            "shows one for torchvision's detectors.",
        ) from error
    except Exception as error:
        h, w, c = wanted.shape
        raise Refusal(
            "E_EXPORT",
            "The module does not run on the benchmark's images.",
            expected=f"forward() of float32 [{len(images)}, {c}, {h}, {w}]",
            got=f"{type(error).__name__}: {error}",
            fix=_BATCH
            if len(images) != wanted.traced
            else "Change the first layer to that many channels, or do what is needed in a module of "
            "your own around it; for another size add --size HxW.",
        ) from error


def _traced(whole: TakesImages, wanted: Wanted, names: list[str]) -> tuple[bytes, tuple[str, ...]]:
    example = torch.from_numpy(_images(wanted, wanted.traced))
    file = io.BytesIO()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            scripted = any(isinstance(m, torch.jit.ScriptModule) for m in whole.modules())
            torch.onnx.export(
                # The exporter traces TorchScript only where the whole is TorchScript.
                torch.jit.trace(whole, (example,), check_trace=False) if scripted else whole,
                (example,),
                file,
                input_names=[_INPUT],
                output_names=names,
                dynamic_axes=_free(wanted, names),
                opset_version=OPSET,
                dynamo=False,
            )
        except Exception as error:
            raise _untraceable(error) from error
    notes = [_first(w.message) for w in heard if issubclass(w.category, torch.jit.TracerWarning)]
    return file.getvalue(), tuple(dict.fromkeys(notes))[:_MOST_NOTES]


def _free(wanted: Wanted, names: list[str]) -> dict[str, dict[int, str]]:
    """Return which dimensions are any number: the batch, or how much is found on one image."""
    if wanted.one_by_one:
        return {name: {0: f"{name}_found"} for name in names} if wanted.task == "detection" else {}
    return {name: {0: "batch"} for name in (_INPUT, *names)}


def _first(message: object) -> str:
    """Return the first sentence of a tracer's warning."""
    return str(message).partition(". ")[0].strip() + "."


def _untraceable(error: Exception) -> Refusal:
    words = f"{type(error).__name__}: {error}"
    if isinstance(error, torch.onnx.errors.UnsupportedOperatorError):
        return Refusal(
            "E_EXPORT",
            "The module uses an operator that ONNX has no word for.",
            expected=f"operators that torch.onnx.export knows at opset {OPSET}",
            got=words,
            fix="Write that step with ordinary tensor operators. Or write the file yourself with "
            "PyTorch's other exporter, torch.onnx.export(…, dynamo=True); that needs "
            "`pip install onnxscript`.",
        )
    return Refusal("E_EXPORT", got=words)


def _finished(data: bytes, wanted: Wanted) -> bytes:
    """Return the file with what it says of itself, checked as ONNX checks it."""
    model = onnx.load_model_from_string(data)
    said: dict[str, Any] = {"layout": "NHWC", "dtype": "uint8"}
    if wanted.how.size is not None:
        said |= {"size": list(wanted.how.size), "resize": wanted.how.resize or "stretch"}
        said |= {"pad": wanted.how.pad, "interpolation": wanted.how.interpolation}
    properties = {KEY: json.dumps(said)}
    if wanted.output:
        properties[OUTPUT_KEY] = wanted.output
    onnx.helper.set_model_props(model, properties)
    onnx.checker.check_model(model, full_check=True)
    finished: bytes = model.SerializeToString()
    return finished


def _compare(data: bytes, whole: TakesImages, wanted: Wanted, batch: int) -> tuple[float, float]:
    """Return the largest difference on ``batch`` random images, and the greatest number."""
    images = _images(wanted, batch)
    here = _run_here(whole, wanted, images)
    options = ort.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    options.intra_op_num_threads = 1
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        there = session.run(list(here), {_INPUT: images})
    except Exception as error:
        raise Refusal(
            "E_EXPORT",
            f"The ONNX file does not run on a batch of {batch}.",
            expected="a file that takes any number of images",
            got=str(error),
            fix=_BATCH,
        ) from error
    differences, greatest = [0.0], [0.0]
    for (name, mine), theirs in zip(here.items(), there, strict=True):
        if tuple(mine.shape) != theirs.shape:
            raise Refusal(
                "E_EXPORT",
                f"The output {name} has another shape in the ONNX file.",
                expected=str(list(mine.shape)),
                got=str(list(theirs.shape)),
                fix="What forward() gives must not depend on what the images show: let every image "
                "have the same number of boxes.",
            )
        if mine.numel():
            one, other = (_comparable(v, wanted.task) for v in (mine.numpy(), theirs))
            differences.append(float(np.abs(one - other).max()))
            greatest.append(float(np.abs(one).max()))
    return max(differences), max(greatest)


def _comparable(values: NDArray[Any], task: Task) -> NDArray[np.float64]:
    """Return numbers to subtract; of detections, without their order: rounding swaps equal scores."""
    numbers = values.astype(np.float64)
    return np.sort(numbers.reshape(len(numbers), -1)) if task == "detection" else numbers
