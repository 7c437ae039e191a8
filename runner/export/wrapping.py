"""A module that takes a benchmark's images as they are, and turns them into what another one wants."""

from typing import Any

import torch
from torch import Tensor, nn

from runner.contract import Task
from runner.formats.preprocessing import Preprocessing

_NAMES = {"classification": "logits", "segmentation": "logits", "detection": "detections"}
_BOXES = ("boxes", "scores", "labels")
_BOX = 4


class NotTensors(Exception):  # noqa: N818 - a fact about a module, in words
    """What a module gives is not made of tensors."""


class TakesImages(nn.Module):
    """uint8 [N, height, width, channels] in RGB; inside, float32 [N, channels, height, width].

    A pixel x of channel c becomes (x * scale - mean[c]) / std[c], as ``preprocessing`` has it.
    """

    def __init__(self, inner: nn.Module, how: Preprocessing, *, channels: int, task: Task) -> None:
        super().__init__()
        self.inner, self.task = inner, task
        self.scale = how.scale
        self.reversed = how.colour == "BGR"
        shift = torch.tensor(how.mean or (0.0,) * channels)
        spread = torch.tensor(how.std or (1.0,) * channels)
        self.register_buffer("shift", shift.reshape(1, channels, 1, 1), persistent=False)
        self.register_buffer("spread", spread.reshape(1, channels, 1, 1), persistent=False)
        self.plain = not how.mean and not how.std

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.named(images).values())

    def named(self, images: Tensor) -> dict[str, Tensor]:
        """Return what comes out, by name. Raises NotTensors for what is not made of tensors."""
        x = images.permute(0, 3, 1, 2).to(torch.float32)
        if self.reversed:
            x = x.flip(1)
        x = x * self.scale
        if not self.plain:
            x = (x - self.shift) / self.spread
        return outputs_of(self.inner(x), self.task)


def outputs_of(given: Any, task: Task) -> dict[str, Tensor]:
    """Return what a module gave by name: as its dict says, or as the task has it.

    A detector's three tensors are boxes [N, K, 4], and then scores and labels [N, K] in either
    order. Raises NotTensors for what is not made of tensors.
    """
    if isinstance(given, Tensor):
        return {_NAMES[task]: given}
    if isinstance(given, dict):
        named = {str(name): value for name, value in given.items()}
    elif isinstance(given, tuple | list) and all(isinstance(v, Tensor) for v in given):
        named = dict(zip(_named(given, task), given, strict=True))
    else:
        raise NotTensors(_words(given))
    if not named or not all(isinstance(value, Tensor) for value in named.values()):
        raise NotTensors(_words(given))
    return named


def _named(given: Any, task: Task) -> tuple[str, ...]:
    if task == "detection" and len(given) == len(_BOXES) and given[0].shape[-1] == _BOX:
        whole_last = not given[2].is_floating_point()
        return _BOXES if whole_last else (_BOXES[0], _BOXES[2], _BOXES[1])
    first = _NAMES[task]
    return (first, *(f"output_{place}" for place in range(1, len(given))))


def _words(given: Any) -> str:
    if isinstance(given, list | tuple) and given and isinstance(given[0], dict):
        return "a list with a dict for each image"
    return type(given).__name__
