"""A small U-Net: Ronneberger et al., 2015, with padding and batch norm, at a quarter of the width."""

import torch
from torch import Tensor, nn

from runner.formats.architectures import Shape

_WIDTHS = (32, 64, 128, 256)


def _double(into: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(into, out, 3, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
        nn.Conv2d(out, out, 3, padding=1, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    """Logits [N, classes, height, width]; parameters ``down.…``, ``up.…``, ``merge.…``, ``head``."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        before = (shape.channels, *_WIDTHS[:-1])
        self.down = nn.ModuleList(_double(a, b) for a, b in zip(before, _WIDTHS, strict=True))
        self.pool = nn.MaxPool2d(2)
        ways = list(zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in ways)
        self.merge = nn.ModuleList(_double(2 * b, b) for _, b in ways)
        self.head = nn.Conv2d(_WIDTHS[0], shape.classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for place, block in enumerate(self.down):
            x = block(x if place == 0 else self.pool(x))
            kept.append(x)
        kept.pop()
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([kept.pop(), up(x)], dim=1))
        y: Tensor = self.head(x)
        return y


def make(name: str, shape: Shape) -> nn.Module:
    del name  # there is only one
    return UNet(shape)
