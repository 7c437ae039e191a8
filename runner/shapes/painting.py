"""Paints a scene: pixels uint8 [SIDE, SIDE, 3], and what is true of each."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from runner.shapes.world import CLASSES, GROUNDS, SIDE, Scene, Shape

_FINE = 4  # painted this much larger, then averaged: smooth edges
_RING = 0.62  # inner radius of a ring, of its outer one
_STAR = 0.45  # inner radius of a star
_CORNERS = {"square": 4, "triangle": 3}
_NOISE = {"day": 0.02, "night": 0.045}  # standard deviation, of white
_NIGHT = np.array([0.8, 0.9, 1.15], np.float32)  # lamps are blue here
_CAMERA_B = np.array([1.12, 1.0, 0.82], np.float32)  # and the other camera's pictures yellow
_BLUR_B = 0.8  # pixels

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Painted:
    """An image with its truth."""

    pixels: NDArray[np.uint8]  #: [SIDE, SIDE, 3]
    owner: NDArray[np.int64]  #: [SIDE, SIDE]: place in the scene's shapes of what is seen; -1: none
    mask: NDArray[np.uint8]  #: [SIDE, SIDE]: 0 background, else 1 + class


def paint(scene: Scene) -> Painted:
    """Return the image of a scene: the same pixels every time."""
    rng = np.random.default_rng((*scene.seed, 1))
    canvas = _ground(scene, rng)
    for bit in scene.litter:
        dx, dy = bit.length / 2 * math.cos(bit.angle), bit.length / 2 * math.sin(bit.angle)
        line = _Patch(bit.x, bit.y, bit.length / 2 + 2)
        ends = [line.at(bit.x + s * dx, bit.y + s * dy) for s in (-1, 1)]
        line.draw.line(ends, fill=255, width=2 * _FINE)
        _lay(canvas, line.cover(), np.array(bit.colour))
    owner = np.full((SIDE, SIDE), -1, np.int64)
    down = (np.arange(SIDE) + 0.5)[:, None]
    for number, shape in enumerate(scene.shapes):
        cover = coverage(shape)
        # Brighter at the top, as if lit from there.
        shade = 1 - 0.25 * np.clip((down - shape.y) / shape.radius, -1, 1)[..., None]
        _lay(canvas, cover, np.array(shape.colour) * shade)
        owner[cover >= 0.5] = number  # noqa: PLR2004 - more than half of the pixel
    kinds = np.array([0, *(1 + shape.kind for shape in scene.shapes)], np.uint8)
    return Painted(_taken(canvas, scene, rng), owner, kinds[owner + 1])


def coverage(shape: Shape) -> Plane:
    """Return how much of each pixel [SIDE, SIDE] a shape covers, 0 to 1, whatever lies above it."""
    patch = _Patch(shape.x, shape.y, shape.radius + 1)
    kind = CLASSES[shape.kind]
    if kind in ("disc", "ring"):
        patch.circle(shape.x, shape.y, shape.radius, fill=255)
        if kind == "ring":
            patch.circle(shape.x, shape.y, _RING * shape.radius, fill=0)
    else:
        patch.draw.polygon([patch.at(x, y) for x, y in corners(shape)], fill=255)
    return patch.cover()


class _Patch:
    """A part of the image around a place, painted ``_FINE`` times as large: the whole takes ten times as long."""

    def __init__(self, x: float, y: float, radius: float) -> None:
        self.left, self.top = math.floor(x - radius), math.floor(y - radius)
        self.side = math.ceil(2 * radius) + 1
        self.fine = Image.new("L", (self.side * _FINE, self.side * _FINE))
        self.draw = ImageDraw.Draw(self.fine)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point of the image lies on the patch, as Pillow counts: pixel 0 has its centre at 0."""
        return (x - self.left) * _FINE - 0.5, (y - self.top) * _FINE - 0.5

    def circle(self, x: float, y: float, radius: float, *, fill: int) -> None:
        self.draw.ellipse(
            (*self.at(x - radius, y - radius), *self.at(x + radius, y + radius)), fill=fill
        )

    def cover(self) -> Plane:
        """Return how much of each pixel [SIDE, SIDE] of the image is painted."""
        plane = np.zeros((SIDE, SIDE), np.float32)
        top, left = max(self.top, 0), max(self.left, 0)
        small = np.asarray(self.fine.reduce(_FINE))[top - self.top :, left - self.left :]
        part = plane[top : top + small.shape[0], left : left + small.shape[1]]
        part[...] = small[: part.shape[0], : part.shape[1]] / 255
        return plane


def corners(shape: Shape) -> list[tuple[float, float]]:
    """Return the corners of a square, a triangle or a star, pixels."""
    star = CLASSES[shape.kind] == "star"
    count = 10 if star else _CORNERS[CLASSES[shape.kind]]
    found = []
    for n in range(count):
        angle = shape.angle + 2 * math.pi * n / count
        radius = shape.radius * (_STAR if star and n % 2 else 1)
        found.append((shape.x + radius * math.cos(angle), shape.y + radius * math.sin(angle)))
    return found


def _lay(canvas: Plane, cover: Plane, colour: NDArray[np.float64]) -> None:
    """Lay a colour over the canvas [SIDE, SIDE, 3] where ``cover`` [SIDE, SIDE] says."""
    rows = np.flatnonzero(cover.any(axis=1))
    part = slice(rows[0], rows[-1] + 1) if len(rows) else slice(0)
    if colour.ndim > 1:
        colour = colour[part]
    canvas[part] += cover[part, :, None] * (colour.astype(np.float32) - canvas[part])


def _ground(scene: Scene, rng: np.random.Generator) -> Plane:
    """Return the textured ground [SIDE, SIDE, 3], 0 to 1."""
    x = np.arange(SIDE, dtype=np.float32) + 0.5
    y = x[:, None]
    # Coarse clouds on every ground, grown from a few random numbers.
    clouds = Image.fromarray(rng.normal(0, 1, (8, 8)).astype(np.float32)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    kind = GROUNDS[scene.ground]
    if kind == "sand":
        pattern = 0.06 * rng.standard_normal((SIDE, SIDE), np.float32)
    elif kind == "planks":
        along = (x * math.cos(scene.turn) + y * math.sin(scene.turn)) / scene.period
        dark = along % 1 < 0.1  # noqa: PLR2004 - a gap between two planks
        pattern = 0.09 * (np.floor(along) % 3 - 1) - 0.2 * dark
    else:
        along = (x * math.cos(scene.turn) + y * math.sin(scene.turn)) / scene.period
        across = (y * math.cos(scene.turn) - x * math.sin(scene.turn)) / scene.period
        pattern = 0.11 * ((np.floor(along) + np.floor(across)) % 2 * 2 - 1)
    shade = (1 + 0.07 * np.asarray(clouds) + pattern).astype(np.float32)
    ground: Plane = np.array(scene.tone, np.float32) * shade[..., None]
    return ground


def _taken(canvas: Plane, scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return what the camera makes of the canvas under the scene's light."""
    seen = np.clip(canvas, 0, 1) * scene.gain
    if scene.light == "night":
        seen = seen * _NIGHT
    if scene.camera == "B":
        seen = _blurred(seen) * _CAMERA_B
    noise = _NOISE[scene.light] * (1.5 if scene.camera == "B" else 1)
    seen = seen + np.float32(noise) * rng.standard_normal(seen.shape, np.float32)
    pixels: NDArray[np.uint8] = np.rint(np.clip(seen, 0, 1) * 255).astype(np.uint8)
    return pixels


def _blurred(seen: Plane) -> Plane:
    small = Image.fromarray(np.rint(np.clip(seen, 0, 1) * 255).astype(np.uint8))
    blurred: Plane = np.asarray(small.filter(ImageFilter.GaussianBlur(_BLUR_B)), np.float32)
    return blurred / np.float32(255)
