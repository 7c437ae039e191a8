"""What a model looks at: maps over its images, and whether they tell more than chance."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from runner.failures import Refusal
from runner.report.evidence import Evidence
from runner.report.outputs import Name, Outputs, Said
from runner.report.robustness import Place, places_of
from runner.report.style import (
    HEAD,
    INK,
    LINE,
    SERIES,
    SMALL,
    SOFT,
    TEXT,
    Box,
    Picture,
    axes_in,
    card,
    picture,
    plain,
)
from runner.report.thumbnails import small_copy

_SHOWN = 6  #: images on the picture
_CELL = 1.2  # inches
_NOISE = "random"


class _Curve(Said):
    deletion_auc: tuple[float, ...]
    curve: tuple[tuple[float, ...], ...]


class _Method(_Curve):
    file: Name


class _Saliency(Said):
    images: tuple[Place, ...] = Field(min_length=1, max_length=64)
    classes: tuple[Place, ...]
    confidence: tuple[float, ...]
    methods: dict[Name, _Method] = Field(min_length=1, max_length=4)
    random: _Curve
    fractions: tuple[float, ...] = Field(min_length=2, max_length=200)


class Saliency:
    """Maps [k, h, w] of k images by method, and what deleting pixels in their order did."""

    def __init__(self, evidence: Evidence, outputs: Outputs) -> None:
        """Read what a runner made. Raises Refusal (E_RUNNER_FORM)."""
        said = outputs.words("saliency.json", _Saliency)
        self.evidence = evidence
        self.places = places_of(said.images, evidence)
        self.confidence = said.confidence
        self.fractions = np.array(said.fractions)
        k, names = len(self.places), evidence.manifest.classes
        curves = {**said.methods, _NOISE: said.random}
        steps = len(self.fractions)
        if (
            any(
                len(c.deletion_auc) != k or [len(one) for one in c.curve] != [steps] * k
                for c in curves.values()
            )
            or not len(said.classes) == len(said.confidence) == k
            or max(said.classes) >= len(names)
        ):
            raise Refusal("E_RUNNER_FORM", got="saliency of another form")
        self.classes = [names[c] for c in said.classes]
        self.curves = {name: np.array(c.curve).mean(axis=0) for name, c in curves.items()}
        self.auc = {name: np.array(c.deletion_auc) for name, c in curves.items()}
        shape = (k, *evidence.images.shape[1:3])
        self.maps: dict[str, NDArray[np.float32]] = {
            name: outputs.array(method.file, shape=shape, dtype="float32")
            for name, method in said.methods.items()
        }

    def words(self) -> str:
        """Return whether the maps mean anything, by their deletion AUC (Petsiuk et al. 2018, RISE)."""
        noise = float(self.auc[_NOISE].mean())
        said = []
        for name in self.maps:
            mine = float(self.auc[name].mean())
            means = "tells more than chance" if mine < noise else "tells no more than chance"
            said.append(f"{name} {mine:.3f}, which {means}")
        return (
            f"Deleting the pixels that a map calls important should make the model unsure sooner "
            f"than deleting them at random (deletion AUC {noise:.3f}; smaller is better): "
            f"{'; '.join(said)}."
        )

    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Return a table for the chat: each image, what it was taken for, and the AUCs."""
        methods = [*self.maps, _NOISE]
        lines = [
            (
                f"#{place}", self.classes[row], f"{100 * self.confidence[row]:.0f} %",
                *(f"{self.auc[name][row]:.3f}" for name in methods),
            )
            for row, place in enumerate(self.places)
        ]  # fmt: skip
        return (("image", "taken for", "sure", *(f"AUC {name}" for name in methods)), *lines)


def draw(found: Saliency) -> Picture:
    """Return images with their maps over them, and the deletion curves beside them."""
    shown, methods = min(len(found.places), _SHOWN), list(found.maps)
    side = _CELL * shown + 0.1 * (shown - 1)
    grid = 0.95 + side
    height = HEAD + (1 + len(methods)) * (_CELL + 0.1) + 0.65
    width = grid + 3.7
    figure = card(
        width, height, title="What it looks at",
        subtitle="the redder a place, the more the answer depends on it",
    )  # fmt: skip
    top = height - HEAD
    for column in range(shown):
        image = small_copy(np.asarray(found.evidence.images[found.places[column]]))
        for line, name in enumerate(["image", *methods]):
            box = Box(0.95 + column * (_CELL + 0.1), top - (line + 1) * (_CELL + 0.1), _CELL, _CELL)
            axes = axes_in(figure, box)
            axes.imshow(np.asarray(image))
            if name != "image":
                extent = (-0.5, image.width - 0.5, image.height - 0.5, -0.5)
                axes.imshow(
                    found.maps[name][column], cmap="YlOrRd", alpha=0.6, extent=extent,
                    interpolation="nearest",
                )  # fmt: skip
            axes.set_axis_off()
            if column == 0:
                figure.text(
                    0.25 / width, (box.bottom + _CELL / 2) / height, plain(name, 9),
                    color=SOFT, fontsize=SMALL, va="center",
                )  # fmt: skip
        sure = f"{100 * found.confidence[column]:.0f} %"
        figure.text(
            (0.95 + column * (_CELL + 0.1)) / width,
            (top - (1 + len(methods)) * (_CELL + 0.1) - 0.08) / height,
            plain(f"{found.classes[column]} ({sure})", 20), color=INK, fontsize=SMALL, va="top",
        )  # fmt: skip
    tall = (1 + len(methods)) * (_CELL + 0.1) - 0.4
    axes = axes_in(figure, Box(grid + 0.75, 0.75, 2.6, max(tall, 1.6)))
    axes.grid(color=LINE, linewidth=0.8)
    for number, (name, curve) in enumerate(found.curves.items()):
        noise = name == _NOISE
        axes.plot(
            found.fractions, curve, "--" if noise else "-", linewidth=2,
            color=SOFT if noise else SERIES[number], label=plain(name, 12),
        )  # fmt: skip
    axes.set_xlabel("share of pixels deleted", fontsize=TEXT)
    axes.set_ylabel("how sure it still is", fontsize=TEXT)
    axes.set_ylim(0, None)
    axes.legend(frameon=False, fontsize=SMALL)
    return picture(figure, found.words())
