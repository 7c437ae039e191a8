"""Residual networks: He et al., Deep Residual Learning for Image Recognition, 2015, table 1.

Names of parameters and the place of the stride (in the 3x3 convolution of a bottleneck) are
torchvision's, so that its state dicts load, once ``fc`` has the benchmark's classes.
"""

from torch import Tensor, nn

from runner.formats.architectures import Shape

_BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3), "resnet50": (3, 4, 6, 3)}
_WIDTHS = (64, 128, 256, 512)
_EXPANSION = 4


def _conv(into: int, out: int, size: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(into, out, size, stride=stride, padding=size // 2, bias=False)


def _shortcut(into: int, out: int, stride: int) -> nn.Module | None:
    if stride == 1 and into == out:
        return None
    return nn.Sequential(_conv(into, out, 1, stride), nn.BatchNorm2d(out))


class BasicBlock(nn.Module):
    def __init__(self, into: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv(into, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _conv(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(into, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(y)
        return out


class Bottleneck(nn.Module):
    def __init__(self, into: int, width: int, stride: int) -> None:
        super().__init__()
        out = width * _EXPANSION
        self.conv1 = _conv(into, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _conv(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _conv(width, out, 1)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(into, out, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(y)
        return out


class ResNet(nn.Module):
    """Layers ``conv1``, ``bn1``, ``layer1`` to ``layer4``, ``fc``."""

    def __init__(self, name: str, shape: Shape) -> None:
        super().__init__()
        deep = name == "resnet50"
        self.conv1 = nn.Conv2d(shape.channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        before = 64
        for number, (blocks, width) in enumerate(zip(_BLOCKS[name], _WIDTHS, strict=True), 1):
            layer = []
            for place in range(blocks):
                stride = 2 if place == 0 and number > 1 else 1
                layer.append((Bottleneck if deep else BasicBlock)(before, width, stride))
                before = width * _EXPANSION if deep else width
            self.add_module(f"layer{number}", nn.Sequential(*layer))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(before, shape.classes)

    def forward(self, x: Tensor) -> Tensor:
        y = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for number in range(1, len(_WIDTHS) + 1):
            y = self.get_submodule(f"layer{number}")(y)
        out: Tensor = self.fc(self.avgpool(y).flatten(1))
        return out


def make(name: str, shape: Shape) -> nn.Module:
    return ResNet(name, shape)
