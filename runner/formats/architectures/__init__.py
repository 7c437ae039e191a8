"""The networks that this runner builds itself, for weights that arrive without one (safetensors).

A name is looked up in this table and nowhere else: never a path, never a hub. Importing this costs
no PyTorch; ``build`` does. A member trains with the very same code::

    from runner.formats.architectures import build
    model = build("resnet18", task="classification", classes=10, channels=3, height=32, width=32)
"""

import importlib
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from runner.contract import Task
from runner.failures import Refusal
from runner.plain_text import cleaned

if TYPE_CHECKING:
    from torch import nn

_CLASSIFY: tuple[Task, ...] = ("classification",)
_SEGMENT: tuple[Task, ...] = ("segmentation",)


@dataclass(frozen=True)
class Architecture:
    """A network by name. It takes float32 [N, channels, height, width] and gives logits."""

    name: str
    tasks: tuple[Task, ...]
    module: str  #: of this package; its ``make(name, shape)`` builds the network
    words: str  #: what it is, and where it is from
    multiple: int = 1  #: height and width must be divisible by this
    smallest: int = 1  #: of height and width


ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("mlp", _CLASSIFY, "plain", "two hidden layers of 256"),
        Architecture(
            "small_cnn", _CLASSIFY, "plain", "three convolutions of 32, 64, 128", smallest=4
        ),
        Architecture("resnet18", _CLASSIFY, "resnet", "He et al. 2015; torchvision's names"),
        Architecture("resnet34", _CLASSIFY, "resnet", "He et al. 2015; torchvision's names"),
        Architecture("resnet50", _CLASSIFY, "resnet", "He et al. 2015; torchvision's names"),
        Architecture(
            "vit_small", _CLASSIFY, "vit", "Dosovitskiy et al. 2020: patches of 4, width 192, "
            "6 blocks, 3 heads; torchvision's names", multiple=4,
        ),
        Architecture(
            "unet", _SEGMENT, "unet", "Ronneberger et al. 2015, widths 32 to 256, batch norm",
            multiple=8,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """What a benchmark asks of a network."""

    classes: int
    channels: int
    height: int
    width: int


def named(name: str) -> Architecture:
    """Return the architecture of exactly this name. Raises Refusal (E_ARCHITECTURE)."""
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    close = get_close_matches(name.lower()[:40], ARCHITECTURES, n=3, cutoff=0.5)
    raise Refusal(
        "E_ARCHITECTURE",
        expected=f"one of {', '.join(ARCHITECTURES)}",
        got=cleaned(name, 60) or "no name",
        fix=f"Did you mean {' or '.join(close)}?" if close else "",
    )


def fitting(name: str, task: Task, shape: Shape) -> Architecture:
    """Return the architecture if it does ``task`` on such images. Raises Refusal (E_ARCHITECTURE)."""
    architecture = named(name)
    if task not in architecture.tasks:
        others = [a.name for a in ARCHITECTURES.values() if task in a.tasks]
        raise Refusal(
            "E_ARCHITECTURE",
            f"{architecture.name} does not do {task}.",
            expected=", ".join(others) or f"an ONNX file: no architecture here does {task}",
            got=architecture.name,
        )
    multiple, smallest = architecture.multiple, architecture.smallest
    if shape.height % multiple or shape.width % multiple or min(
        shape.height, shape.width
    ) < smallest:  # fmt: skip
        raise Refusal(
            "E_ARCHITECTURE",
            f"{architecture.name} does not take images of this size.",
            expected=f"height and width divisible by {multiple}, at least {smallest}",
            got=f"{shape.height} by {shape.width}",
        )
    return architecture


def build(
    name: str, *, task: Task, classes: int, channels: int, height: int, width: int
) -> "nn.Module":
    """Return the network with fresh weights, on the default device. Raises Refusal (E_ARCHITECTURE)."""
    shape = Shape(classes, channels, height, width)
    architecture = fitting(name, task, shape)
    module = importlib.import_module(f"{__name__}.{architecture.module}")
    made: nn.Module = module.make(architecture.name, shape)
    return made
