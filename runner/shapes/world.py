"""A small world of shapes on textured grounds: what is where is decided first, then painted.

A scene is a plan in numbers, drawn from a seed; ``painting`` turns it into pixels and truth. Shapes
like their own colour but often wear another, overlap, and lie among litter that is none of them.
"""

import colorsys
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Camera = Literal["A", "B"]
Light = Literal["day", "night"]

SIDE = 96  #: height and width of every image, pixels
CLASSES = ("disc", "square", "triangle", "star", "ring")
GROUNDS = ("sand", "planks", "tiles")
_HUES = (0.0, 0.6, 0.36, 0.14, 0.83)  # each class's own, of a turn: red, blue, green, yellow, pink
_OWN_HUE = 0.5  # share of shapes that wear it
_JITTER = 0.05  # standard deviation of a hue, of a turn
_RADIUS = (6.0, 22.0)  # pixels
_MOST_SHAPES = 6
_MOST_HIDDEN = 0.45  # of a shape's circle by those above it: what is left can still be named
_TRIES = 12
_LITTER = 5  # bits of litter at most


@dataclass(frozen=True)
class Shape:
    """One object. ``radius`` is that of the circle around it; later shapes lie above earlier ones."""

    kind: int  #: place in ``CLASSES``
    x: float  #: centre, pixels; pixel i covers i to i + 1
    y: float
    radius: float
    angle: float  #: radians, clockwise as y points down
    colour: tuple[float, float, float]  #: RGB, 0 to 1, by daylight


@dataclass(frozen=True)
class Litter:
    """A short line of any colour: background, though it looks like something."""

    x: float
    y: float
    length: float
    angle: float
    colour: tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """All that decides an image, but for the noise of its pixels, which ``seed`` decides."""

    seed: tuple[int, ...]
    ground: int  #: place in ``GROUNDS``
    tone: tuple[float, float, float]  #: RGB of the ground, 0 to 1
    turn: float  #: of the ground's pattern, radians
    period: float  #: of the ground's pattern, pixels
    light: Light
    gain: float  #: of the light
    camera: Camera
    litter: tuple[Litter, ...]
    shapes: tuple[Shape, ...]

    def attributes(self) -> dict[str, str]:
        """Return what is known of the image beside its truth."""
        middle = float(np.median([shape.radius for shape in self.shapes]))
        apart = all(
            math.dist((a.x, a.y), (b.x, b.y)) > a.radius + b.radius
            for n, a in enumerate(self.shapes)
            for b in self.shapes[n + 1 :]
        )
        return {
            "light": self.light,
            "ground": GROUNDS[self.ground],
            "size": "small" if middle < 11 else "medium" if middle < 16 else "large",  # noqa: PLR2004 - radii that part the images in three
            "overlap": "none" if apart else "some",
        }


def scene(seed: tuple[int, ...], *, nights: float, camera: Camera) -> Scene:
    """Return the scene of that seed; with probability ``nights`` it is night."""
    rng = np.random.default_rng(seed)
    light: Light = "night" if rng.random() < nights else "day"
    return Scene(
        seed=seed,
        ground=int(rng.integers(len(GROUNDS))),
        tone=_colour(rng, hue=rng.uniform(0.05, 0.4), saturation=(0.1, 0.45), value=(0.4, 0.75)),
        turn=float(rng.uniform(0, math.pi)),
        period=float(rng.uniform(8, 20)),
        light=light,
        gain=float(rng.uniform(0.28, 0.5) if light == "night" else rng.uniform(0.8, 1.1)),
        camera=camera,
        litter=tuple(_litter(rng) for _ in range(rng.integers(_LITTER + 1))),
        shapes=_shapes(rng),
    )


def _shapes(rng: np.random.Generator) -> tuple[Shape, ...]:
    """Return shapes of which none hides too much of another."""
    wanted = int(rng.integers(1, _MOST_SHAPES + 1))
    placed: list[Shape] = []
    for _ in range(wanted):
        for _ in range(_TRIES):
            shape = _shape(rng)
            if all(_hidden(below, [*placed[n + 1 :], shape]) <= _MOST_HIDDEN
                   for n, below in enumerate(placed)):  # fmt: skip
                placed.append(shape)
                break
    return tuple(placed)


def _shape(rng: np.random.Generator) -> Shape:
    kind = int(rng.integers(len(CLASSES)))
    own = rng.random() < _OWN_HUE
    hue = rng.normal(_HUES[kind], _JITTER) if own else rng.random()
    radius = float(rng.uniform(*_RADIUS))
    edge = 0.7 * radius  # so that at most a third of it is cut off
    return Shape(
        kind=kind,
        x=float(rng.uniform(edge, SIDE - edge)),
        y=float(rng.uniform(edge, SIDE - edge)),
        radius=radius,
        angle=float(rng.uniform(0, 2 * math.pi)),
        colour=_colour(rng, hue=float(hue), saturation=(0.55, 1.0), value=(0.55, 1.0)),
    )


def _hidden(below: Shape, above: list[Shape]) -> float:
    """Return the share of the circle around ``below`` that the circles above cover, on a grid."""
    steps = (np.arange(12) + 0.5) / 6 - 1
    x, y = np.meshgrid(below.x + below.radius * steps, below.y + below.radius * steps)
    inside = np.hypot(x - below.x, y - below.y) <= below.radius
    covered = np.zeros_like(inside)
    for shape in above:
        covered |= np.hypot(x - shape.x, y - shape.y) <= shape.radius
    return float((covered & inside).sum() / inside.sum())


def _litter(rng: np.random.Generator) -> Litter:
    return Litter(
        x=float(rng.uniform(0, SIDE)),
        y=float(rng.uniform(0, SIDE)),
        length=float(rng.uniform(5, 24)),
        angle=float(rng.uniform(0, math.pi)),
        colour=_colour(rng, hue=float(rng.random()), saturation=(0.3, 0.9), value=(0.3, 1.0)),
    )


def _colour(
    rng: np.random.Generator,
    *,
    hue: float,
    saturation: tuple[float, float],
    value: tuple[float, float],
) -> tuple[float, float, float]:
    return colorsys.hsv_to_rgb(hue % 1, rng.uniform(*saturation), rng.uniform(*value))
