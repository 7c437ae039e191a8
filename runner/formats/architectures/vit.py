"""A small vision transformer: Dosovitskiy et al., An Image is Worth 16x16 Words, 2020.

Names of parameters are torchvision's (``conv_proj``, ``class_token``, ``encoder.layers.…``).
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from runner.formats.architectures import Shape

PATCH, WIDTH, BLOCKS, HEADS, HIDDEN = 4, 192, 6, 3, 768
_EPS = 1e-6


class Block(nn.Module):
    """Self-attention, then a perceptron; layer norm before each, and both added to what came in."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(WIDTH, eps=_EPS)
        self.self_attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.ln_2 = nn.LayerNorm(WIDTH, eps=_EPS)
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, HIDDEN), nn.GELU(), nn.Dropout(0), nn.Linear(HIDDEN, WIDTH)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.ln_1(x)
        y, _ = self.self_attention(y, y, y, need_weights=False)
        x = x + y
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Encoder(nn.Module):
    def __init__(self, tokens: int) -> None:
        super().__init__()
        # Zeros, which training moves: a normal draw without memory would import the compiler.
        self.pos_embedding = nn.Parameter(torch.zeros(1, tokens, WIDTH))
        self.layers = nn.Sequential(
            OrderedDict((f"encoder_layer_{n}", Block()) for n in range(BLOCKS))
        )
        self.ln = nn.LayerNorm(WIDTH, eps=_EPS)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.ln(self.layers(x + self.pos_embedding))
        return y


class VisionTransformer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.conv_proj = nn.Conv2d(shape.channels, WIDTH, PATCH, stride=PATCH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.encoder = Encoder((shape.height // PATCH) * (shape.width // PATCH) + 1)
        self.heads = nn.Sequential(OrderedDict(head=nn.Linear(WIDTH, shape.classes)))

    def forward(self, x: Tensor) -> Tensor:
        patches = self.conv_proj(x).flatten(2).transpose(1, 2)
        token = self.class_token.expand(x.shape[0], -1, -1)
        y: Tensor = self.heads(self.encoder(torch.cat([token, patches], dim=1))[:, 0])
        return y


def make(name: str, shape: Shape) -> nn.Module:
    del name  # there is only one
    return VisionTransformer(shape)
