"""What a first tutorial builds: a perceptron and a small convolutional network."""

from torch import Tensor, nn

from runner.formats.architectures import Shape

_HIDDEN = 256
_WIDTHS = (32, 64, 128)


class Mlp(nn.Module):
    """Linear layers: ``layers.1``, ``layers.3``, ``layers.5``."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(shape.channels * shape.height * shape.width, _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.ReLU(),
            nn.Linear(_HIDDEN, shape.classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return y


class SmallCnn(nn.Module):
    """Convolutions with batch norm, each halving the image but the last, then the mean of all places."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = shape.channels
        for place, width in enumerate(_WIDTHS):
            layers += [
                nn.Conv2d(before, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            if place < len(_WIDTHS) - 1:
                layers.append(nn.MaxPool2d(2))
            before = width
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(before, shape.classes)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.classifier(self.features(x).mean(dim=(2, 3)))
        return y


def make(name: str, shape: Shape) -> nn.Module:
    return Mlp(shape) if name == "mlp" else SmallCnn(shape)
