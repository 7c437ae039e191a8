"""Opens PyTorch's files for the predicting process. Runs inside a cell of purpose ``torch`` only.

safetensors hold numbers alone. TorchScript and torch.export's ``.pt2`` are programs: opening one
runs what it brings, so the trusted side lets them in at tier full only (``formats.admission``), and
nothing here takes them for harmless. No other pickle is ever opened.
"""

import io
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import nn

from runner.failures import Refusal
from runner.formats import architectures
from runner.formats.architectures import Shape
from runner.formats.preprocessing import KEY, read_preprocessing
from runner.formats.signature import Arrangement, ImageShape, Signature
from runner.formats.torch_safetensors import Header, Stored, read_header, refuse_unless_same
from runner.predict import entry
from runner.predict.torch_flops import flops
from runner.predict.torch_net import TorchNet, refusal_of
from runner.sandbox.child import Job, Start, Status

_NAMES = {torch.float32: "F32", torch.int64: "I64"}
_DTYPES = ("float32", "uint8")


def prepare() -> Start:
    """Load and warm what is loaded lazily, while files can still be read; return ``start``."""
    # Nobody reads a cell's standard error, and a stranger's file may warn for ever.
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    for name, architecture in architectures.ARCHITECTURES.items():
        module = architectures.build(
            name, task=architecture.tasks[0], classes=2, channels=1, height=8, width=8
        ).eval()
        TorchNet(module).run(np.zeros((2, 1, 8, 8), np.float32))
    entry.prepare()  # the heads and numpy are the same
    start = entry.starting(_open)

    def start_warm(job: Job, status: Status) -> Callable[[], None]:
        # Only who needs them waits for these: exporting imports as much again as torch itself.
        {"torchscript": _warm_script, "pt2": _warm_export}.get(job.words["format"], _nothing)()
        return start(job, status)

    return start_warm


def _nothing() -> None:
    pass


class _Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten())
        self.last = nn.Linear(2 * 36, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.last(self.layers(x))
        return y


def _warm_script() -> None:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(_Small().eval()), file)
    net = TorchNet(_load_script(file.getvalue()))
    for _ in range(3):  # the executor looks on twice before it optimises
        net.run(np.zeros((2, 1, 8, 8), np.float32))


def _warm_export() -> None:
    # What it imports asks for a folder to keep compiled code in. One that is there but cannot be
    # written satisfies it, and nothing is compiled here.
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.tempdir = str(Path(torch.__file__).parent)
    file = io.BytesIO()
    batch = torch.export.Dim("batch", min=1, max=1024)
    program = torch.export.export(
        _Small().eval(), (torch.zeros(2, 1, 8, 8),), dynamic_shapes=({0: batch},)
    )
    torch.export.save(program, file)
    TorchNet(_load_export(file.getvalue())).run(np.zeros((3, 1, 8, 8), np.float32))


def _open(words: dict[str, Any], data: bytes) -> entry.Opened:
    """Load ``data`` as the job's format says. Raises Refusal."""
    image = ImageShape(words["height"], words["width"], words["channels"])
    declared = words["declared"]
    preproc, output = declared["preproc"], declared["output"]
    if words["format"] == "safetensors":
        header = read_header(data)
        module = _with_weights(words, header, data)
        preproc = header.metadata.get(KEY, preproc)
        output = header.metadata.get("bookwiz.output", output)
        producer = declared["architecture"]
    else:
        try:
            module = (_load_script if words["format"] == "torchscript" else _load_export)(data)
        except Exception as error:  # noqa: BLE001 - what a stranger's program raises
            raise refusal_of(error, "E_TORCH_BROKEN") from None
        producer = f"torch {torch.__version__}"
    signature = _signature(preproc, image)
    facts: dict[str, Any] = {
        "parameters": sum(parameter.numel() for parameter in module.parameters()),
        "input": signature.words(image),
        "producer": producer,
        "output": output,
    }
    if words["format"] == "safetensors":  # a stranger's program may hide what it computes
        one = np.zeros(signature.shape(1, image), signature.dtype)
        facts["flops"] = flops(module, torch.from_numpy(one))
    return TorchNet(module), signature, facts


def _with_weights(words: dict[str, Any], header: Header, data: bytes) -> nn.Module:
    """Build the declared architecture without memory, compare, then load. Raises Refusal."""
    name = words["declared"]["architecture"]
    shape = Shape(words["classes"], words["channels"], words["height"], words["width"])
    architectures.fitting(name, words["task"], shape)
    with torch.device("meta"):
        module = architectures.build(
            name,
            task=words["task"],
            classes=shape.classes,
            channels=shape.channels,
            height=shape.height,
            width=shape.width,
        ).eval()
    state = module.state_dict()
    wanted = {key: Stored(_NAMES[t.dtype], tuple(t.shape)) for key, t in state.items()}
    refuse_unless_same(wanted, header)
    try:
        loaded = safetensors.torch.load(data)
    except Exception as error:  # noqa: BLE001 - the library has classes of its own
        raise refusal_of(error, "E_SAFETENSORS_BROKEN") from None
    for key, tensor in state.items():
        # A counter of batches that is not there is as good as any: nothing is predicted with it.
        loaded[key] = loaded[key].to(tensor.dtype) if key in loaded else torch.zeros_like(
            tensor, device="cpu"
        )  # fmt: skip
    module.load_state_dict(loaded, strict=True, assign=True)
    return module


def _load_script(data: bytes) -> Any:
    module: Any = torch.jit.load(io.BytesIO(data), map_location="cpu")
    return module.eval()


def _load_export(data: bytes) -> nn.Module:
    return torch.export.load(io.BytesIO(data)).module()


def _signature(preproc: str, image: ImageShape) -> Signature:
    """Return how the module is fed: float32 NCHW of x/255 where nothing else is said."""
    how = read_preprocessing(preproc or None, channels=image.channels)
    dtype = getattr(how, "dtype", None) or "float32"
    if dtype not in _DTYPES:
        raise Refusal("E_PREPROC", "dtype is not one that PyTorch files are fed here.",
                      expected=" or ".join(_DTYPES), got=dtype)  # fmt: skip
    arrangement: Arrangement = "NHWC" if how.layout == "NHWC" else "NCHW"
    return Signature("input", dtype, arrangement, None, how)
