"""Finds the module that is to be exported: in a member's own file, or among the architectures."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.card import BenchmarkCard
from runner.failures import Refusal
from runner.formats import architectures

if TYPE_CHECKING:
    from torch import Tensor, nn

_TOLD = 5
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # what training scripts put a state in


def module_of(source: str, weights: Path | None, card: BenchmarkCard | None) -> "nn.Module":
    """Return the module that ``source`` names, with its weights, ready to predict.

    ``source`` is FILE.py:NAME, whose NAME is a module or what makes one when called without
    arguments, or the name of a registered architecture. Raises Refusal (E_EXPORT, E_ARCHITECTURE).
    """
    path, _, name = source.rpartition(":")
    module = _own(Path(path), name) if path.endswith(".py") else _registered(source, weights, card)
    if weights is not None:
        _load(module, state_of(weights), weights.name)
    return module.eval()


def _registered(source: str, weights: Path | None, card: BenchmarkCard | None) -> "nn.Module":
    if source.endswith(".py"):
        raise _no(
            "The name in the file is missing.", "FILE.py:NAME, such as net.py:make_model", source
        )
    if card is None:
        raise _no(
            "An architecture needs to know the benchmark: its classes and its images.",
            "--benchmark card.json",
            f"{source} alone",
        )
    if weights is None:
        raise _no("An architecture comes without weights.", "--weights FILE.safetensors", source)
    return architectures.build(
        source,
        task=card.task,
        classes=len(card.classes),
        channels=card.channels,
        height=card.height,
        width=card.width,
    )


def _own(path: Path, name: str) -> "nn.Module":
    from torch import nn

    if not path.is_file():
        raise _no("There is no such file.", "the path of a Python file of yours", path.name)
    found = _imported(path)
    if not hasattr(found, name):
        words = ", ".join(n for n, v in vars(found).items() if _could_be(v, found.__name__))
        raise _no(f"{path.name} has no {name}.", words or "a function that returns a module", name)
    value = getattr(found, name)
    if not isinstance(value, nn.Module):
        value = _called(value, f"{path.name}:{name}")
    if not isinstance(value, nn.Module):
        raise _no(
            f"{path.name}:{name} gives no torch.nn.Module.",
            "a module, a class of one, or a function that returns one",
            type(value).__name__,
        )
    return value


def _imported(path: Path) -> Any:
    """Import a file, under a name that hides no library: members have files called onnx.py.

    What lies beside it can be imported too, after all libraries.
    """
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(f"exported_{path.stem}", path)
    assert spec is not None, "its name ends in .py"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _no(
            f"{path.name} cannot be imported.",
            "a file that `python` runs without an error",
            f"{type(error).__name__}: {error}",
            'Put what trains under `if __name__ == "__main__":`, so that importing does not train.',
        ) from error
    return module


def _could_be(value: Any, module: str) -> bool:
    return callable(value) and getattr(value, "__module__", "") == module


def _called(make: Any, name: str) -> Any:
    try:
        return make()
    except Exception as error:
        raise _no(
            f"{name} cannot be called without arguments.",
            "a function or class that needs none",
            f"{type(error).__name__}: {error}",
            "Write a function of two lines that returns the module as you trained it.",
        ) from error


def state_of(path: Path) -> "Mapping[str, Tensor]":
    """Return the state dict in a safetensors file or a ``torch.save`` of tensors.

    A pickle is read with ``weights_only=True`` and in no other way. Raises Refusal (E_EXPORT).
    """
    import torch

    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _no(
            f"{path.name} holds no weights that can be read safely.",
            "safetensors, or `torch.save(model.state_dict(), …)`",
            f"{type(error).__name__}: {error}",
            "A whole pickled model runs code when it is opened: load it in your own FILE.py, and "
            "export FILE.py:NAME without --weights.",
        ) from error
    for key in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(key), Mapping):
            found = found[key]
    if not isinstance(found, Mapping) or not all(isinstance(k, str) for k in found):
        got = type(found).__name__
        raise _no(f"{path.name} holds no state dict.", "names and tensors", got)
    return found


def _load(module: "nn.Module", state: "Mapping[str, Tensor]", name: str) -> None:
    wanted = module.state_dict()
    missing = [key for key in wanted if key not in state]
    unexpected = [key for key in state if key not in wanted]
    shapes = [
        f"{key} {list(state[key].shape)} instead of {list(wanted[key].shape)}"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    found = [
        f"{words}: {', '.join(names[:_TOLD])}" + (" …" if len(names) > _TOLD else "")
        for words, names in (("missing", missing), ("unexpected", unexpected), ("shape", shapes))
        if names
    ]
    if found:
        parallel = unexpected and all(key.startswith("module.") for key in unexpected)
        raise _no(
            f"The weights of {name} are not this module's.",
            f"{len(wanted)} tensors, as its state_dict() has them",
            "; ".join(found),
            "Save `model.module.state_dict()`: DataParallel puts module. before every name."
            if parallel
            else "Is it the same network with the same number of classes as when it was trained?",
        )
    module.load_state_dict(state)


def _no(problem: str, expected: str, got: str, fix: str = "") -> Refusal:
    return Refusal("E_EXPORT", problem, expected=expected, got=got, fix=fix)
