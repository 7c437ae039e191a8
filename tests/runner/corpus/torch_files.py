"""PyTorch files, good, broken and hostile. Made with PyTorch itself, when they are needed.

Images are those of ``tests.runner.conftest.Bench``: 8 by 8, grey, ten classes.
"""

import io
import json
import linecache
import pickle
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.runner.corpus import Corpus, Hostile
from tests.runner.models import torch_zip
from tests.runner.safetensors_files import BROKEN, described, raw, safetensors_of

CLASSES = 10
_HARMLESS = "open('/tmp/bookwiz-torch-attack', 'w').write('here')"

#: bodies of forward(self, x: Tensor), as TorchScript has them
_GOOD = "return x.flatten(1)[:, :10]"
_BODIES = {
    "reads a file": """
        text = torch.from_file("/etc/passwd", False, 64, dtype=torch.uint8)
        return text[:10].float().repeat(x.size(0), 1)""",
    "maps a file and writes to it": """
        text = torch.from_file("/tmp/bookwiz-torch-attack", True, 4096, dtype=torch.uint8)
        text.fill_(65)
        return text[:10].float().repeat(x.size(0), 1)""",
    "spins for ever": """
        n = 0
        while n >= 0:
            n = (n + 1) % 1000
        return x.flatten(1)[:, :10]""",
    "allocates 10 GB": """
        much = torch.ones([10, 1024, 1024, 256])
        return x.flatten(1)[:, :10] + much[0, 0, 0, 0]""",
    "keeps ever more": """
        kept = [x]
        while len(kept) > 0:
            kept.append(torch.rand([1024, 1024]))
        return x.flatten(1)[:, :10]""",
    "floods its output": """
        for _ in range(2000):
            print("flood flood flood flood flood flood flood flood flood flood flood flood")
        return x.flatten(1)[:, :10]""",
    "wrong shape": "return x.flatten(1)[:, :9]",
    "lies about its shape later": """
        if x.size(0) == 4:
            return x.flatten(1)[:, :10]
        return x.flatten(1)[:, :9]""",
    "NaN": "return x.flatten(1)[:, :10] / 0.0 * 0.0",
    "a string": 'return "@everyone"',
    "nothing": "return None",
    "an error that pings": 'raise ValueError("@everyone <@1234> /etc/passwd")',
    "an endless view": "return torch.zeros([1]).expand(1000000000, 10)",
    "many outputs": "return [x for _ in range(100000)]",
    "writes to its input": """
        x.fill_(0.5)
        return x.flatten(1)[:, :10]""",
}


def script(body: str = _GOOD) -> bytes:
    """A TorchScript archive whose forward is ``body``."""
    import torch

    # TorchScript reads the source again, which the line cache can give it without a file.
    source = f"class Made(torch.nn.Module):\n    def forward(self, x):\n        {body.strip()}\n"
    name = f"<{hash(body)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    made: dict[str, Any] = {"torch": torch, "__name__": "made"}
    exec(compile(source, name, "exec"), made)
    module = torch.jit.script(made["Made"]().eval())
    file = io.BytesIO()
    torch.jit.save(module, file)
    return file.getvalue()


@cache
def exported() -> bytes:
    """A torch.export archive of a linear model."""
    import torch

    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, CLASSES)).eval()
    batch = torch.export.Dim("batch", min=1, max=1024)
    file = io.BytesIO()
    program = torch.export.export(module, (torch.zeros(2, 1, 8, 8),), dynamic_shapes=({0: batch},))
    torch.export.save(program, file)
    return file.getvalue()


class Payload:
    """Unpickled, it runs ``code``."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Any, tuple[str, dict[str, Any]]]:
        return exec, (self.code, {})


def torch_pickle(code: str) -> bytes:
    """What torch.save makes of a payload: a zip archive with a pickle that runs ``code``."""
    import torch

    file = io.BytesIO()
    torch.save(Payload(code), file)
    return file.getvalue()


def plain_pickle() -> bytes:
    """What torch.save makes, and no TorchScript."""
    return torch_pickle(_HARMLESS)


def bare_pickle() -> bytes:
    return pickle.dumps(Payload(_HARMLESS))


def rewritten(archive: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """The same zip archive with other contents; stored and aligned as PyTorch wants them."""
    import torch

    files = zipfile.ZipFile(io.BytesIO(archive))
    out = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(out)
    for name in files.namelist():
        inner = name.partition("/")[2]
        if inner in (".data/serialization_id", ".data/version", "version", "byteorder"):
            continue
        data = change(inner, files.read(name))
        writer.write_record(inner, data, len(data))
    writer.write_end_of_file()
    return out.getvalue()


def exported_with_pickled_weights(code: str) -> bytes:
    """A .pt2 that says of its weights that they are pickles; opening it runs ``code``."""

    def change(name: str, data: bytes) -> bytes:
        if name.endswith("model_weights_config.json"):
            config = json.loads(data)
            for entry in config["config"].values():
                entry["use_pickle"] = True
            return json.dumps(config).encode()
        return torch_pickle(code) if "/weights/weight_" in f"/{name}" else data

    return rewritten(exported(), change)


def exported_with_pickled_example(code: str) -> bytes:
    """A .pt2 whose sample inputs are a pickle that ``weights_only`` refuses, and so is loaded without."""
    return rewritten(
        exported(),
        lambda name, data: torch_pickle(code) if name.endswith("sample_inputs/model.pt") else data,
    )


def with_names(archive: bytes, rename: Callable[[str], str]) -> bytes:
    files = zipfile.ZipFile(io.BytesIO(archive))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as into:
        for name in files.namelist():
            into.writestr(rename(name), files.read(name))
    return out.getvalue()


def bomb() -> bytes:
    """A TorchScript archive whose code unfolds to a gigabyte of blanks."""
    files = zipfile.ZipFile(io.BytesIO(script()))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as into:
        for name in files.namelist():
            data = files.read(name)
            if name.endswith(".py"):
                with into.open(name, "w", force_zip64=True) as file:
                    file.write(data)
                    for _ in range(1024):
                        file.write(b"\n" * (1 << 20))
            else:
                into.writestr(name, data)
    return out.getvalue()


def weights(
    name: str = "mlp", change: Callable[[dict[str, NDArray[Any]]], None] | None = None, **given: Any
) -> bytes:
    """Weights of an architecture for the bench's images, as ``change`` leaves them."""
    from runner.formats.architectures import build

    module = build(name, task="classification", classes=CLASSES, channels=1, height=8, width=8)
    tensors = {key: value.numpy() for key, value in module.state_dict().items()}
    if change:
        change(tensors)
    return safetensors_of(tensors, **given)


def _nan(tensors: dict[str, NDArray[Any]]) -> None:
    tensors["layers.5.bias"] = np.full(CLASSES, np.nan, np.float32)


def _bytes(tensors: dict[str, NDArray[Any]]) -> None:
    tensors["layers.5.bias"] = np.zeros(CLASSES, np.uint8)


def _turned(tensors: dict[str, NDArray[Any]]) -> None:
    tensors["layers.5.weight"] = np.ascontiguousarray(tensors["layers.5.weight"].T)


_RUN = {
    "reads a file": ("refuse", "E_RUN"),
    "maps a file and writes to it": ("refuse", "E_RUN"),
    "spins for ever": ("contain", "E_TIME_CPU"),
    "allocates 10 GB": ("contain", "E_MEMORY"),
    "keeps ever more": ("contain", "E_MEMORY"),
    "floods its output": ("accept", ""),
    "wrong shape": ("refuse", "E_OUTPUT_SHAPE"),
    "NaN": ("refuse", "E_NAN"),
    "a string": ("refuse", "E_OUTPUT_SHAPE"),
    "nothing": ("refuse", "E_OUTPUT_SHAPE"),
    "an error that pings": ("refuse", "E_RUN"),
    "an endless view": ("contain", "E_MEMORY"),
    "many outputs": ("refuse", "E_OUTPUT_SHAPE"),
    "writes to its input": ("accept", ""),
}
#: of the broken headers, all of which are read in tests/runner/test_safetensors.py
_IN_A_CELL = {"overlap", "header of 100 GB", "100 GB claimed", "same name twice", "deep JSON"}
_MLP = {"architecture": "mlp"}

CORPUS: Corpus = {
    "script good": Hostile(script, "accept", format="torchscript"),
    "export good": Hostile(exported, "accept", format="pt2"),
    "weights good": Hostile(weights, "accept", format="safetensors", declared=_MLP),
    **{
        f"script {name}": Hostile(
            lambda name=name: script(_BODIES[name]), verdict, code, format="torchscript"  # type: ignore[arg-type]
        )
        for name, (verdict, code) in _RUN.items()
    },
    "script lies about its shape later": Hostile(
        lambda: script(_BODIES["lies about its shape later"]), "refuse", "E_OUTPUT_SHAPE",
        format="torchscript",
    ),
    "script cut": Hostile(
        lambda: script()[:-300], "refuse", "E_TORCH_BROKEN", format="torchscript"
    ),
    "script that climbs": Hostile(
        lambda: with_names(script(), lambda name: f"../../../tmp/{name}"),
        "refuse", "E_TORCH_BROKEN", format="torchscript",
    ),
    "script bomb": Hostile(bomb, "refuse", "E_MEMORY", format="torchscript"),
    "plain pickle said to be a script": Hostile(
        plain_pickle, "refuse", "E_NOT_ONNX", evaluated="E_FORMAT", format="torchscript"
    ),
    "bare pickle said to be an export": Hostile(
        bare_pickle, "refuse", "E_NOT_ONNX", evaluated="E_FORMAT", format="pt2"
    ),
    "pickles in a script's clothes": Hostile(
        lambda: torch_zip(script=True), "refuse", "E_TORCH_BROKEN", format="torchscript"
    ),
    "export with pickled weights": Hostile(
        lambda: exported_with_pickled_weights(_HARMLESS), "refuse", "E_TORCH_BROKEN", format="pt2"
    ),
    "export with a pickled example": Hostile(
        lambda: exported_with_pickled_example(_HARMLESS), "refuse", "E_TORCH_BROKEN", format="pt2"
    ),
    "export cut": Hostile(lambda: exported()[:-300], "refuse", "E_TORCH_BROKEN", format="pt2"),
    "export of deep JSON": Hostile(
        lambda: rewritten(
            exported(),
            lambda name, data: b"[" * 200_000 if name.endswith("model.json") else data,
        ),
        "refuse", "E_TORCH_BROKEN", format="pt2",
    ),
    **{
        f"weights {name}": Hostile(
            lambda data=data: data, "refuse", "E_SAFETENSORS_BROKEN",  # type: ignore[misc]
            format="safetensors", declared=_MLP,
        )
        for name, (data, _) in BROKEN.items()
        if name in _IN_A_CELL
    },
    "weights NaN": Hostile(
        lambda: weights(change=_nan), "refuse", "E_NAN", format="safetensors", declared=_MLP
    ),
    "weights wrong dtype": Hostile(
        lambda: weights(change=_bytes), "refuse", "E_WEIGHTS", format="safetensors", declared=_MLP
    ),
    "weights wrong shape": Hostile(
        lambda: weights(change=_turned), "refuse", "E_WEIGHTS", format="safetensors", declared=_MLP
    ),
    "weights of nothing": Hostile(
        lambda: raw(described()), "refuse", "E_WEIGHTS", format="safetensors", declared=_MLP
    ),
    "weights of another network": Hostile(
        lambda: weights("small_cnn"), "refuse", "E_WEIGHTS", format="safetensors", declared=_MLP
    ),
    "weights with a preproc that is none": Hostile(
        lambda: weights(metadata={"bookwiz.preproc": "[[[["}), "refuse", "E_PREPROC",
        format="safetensors", declared=_MLP,
    ),
}  # fmt: skip
