"""The worst dev images side by side, as one picture for the chat."""

import textwrap
from collections.abc import Sequence

import numpy as np

from runner.report.detection import Detections
from runner.report.evidence import Evidence
from runner.report.style import HEAD, INK, SMALL, Box, Picture, axes_in, card, picture, plain
from runner.report.thumbnails import MOST_INVENTED, SHADES, thumbnail
from runner.report.worst import Mistake

_ACROSS = 6
_SIDE = 1.25  # inches
_WORDS = 0.52


def draw(
    evidence: Evidence,
    mistakes: Sequence[Mistake],
    detections: Detections | None = None,
    *,
    lost: bool = False,
) -> Picture:
    """Return up to 24 images with a line below each; one that says so where there are none.

    ``lost``: they are the images that another model did better.
    """
    kind = "images that got worse" if lost else "worst dev images"
    if len(mistakes) == 1:
        kind = kind.replace("images", "image")
    wide = 2 if evidence.task == "segmentation" else 1
    across = _ACROSS // wide
    shown = max(len(mistakes), 1)
    columns, rows = min(across, shown), -(-shown // across)
    cell = _SIDE * wide + 0.22
    width = max(0.5 + columns * cell, 5.2)
    figure = card(
        width,
        HEAD + rows * (_SIDE + _WORDS) + 0.2,
        title=f"The {kind}" if mistakes else "No mistake on dev",
        subtitle=legend_of(evidence),
    )
    height = figure.get_size_inches()[1]
    for number, mistake in enumerate(mistakes):
        row, column = divmod(number, across)
        top = height - HEAD - row * (_SIDE + _WORDS)
        left = 0.3 + column * cell
        axes = axes_in(figure, Box(left, top - _SIDE, _SIDE * wide, _SIDE))
        axes.imshow(np.asarray(thumbnail(evidence, mistake.image, detections)), aspect="equal")
        axes.set_axis_off()
        lines = textwrap.wrap(mistake.words, 21 * wide, max_lines=3, placeholder=" …")
        figure.text(
            left / width, (top - _SIDE - 0.06) / height, "\n".join(plain(line) for line in lines),
            fontsize=SMALL - 1, color=INK, va="top", linespacing=1.15,
        )  # fmt: skip
    return picture(figure, alternative(evidence, mistakes, kind=kind))


def legend_of(evidence: Evidence) -> str:
    """Return what colours and sides mean on the images of a task."""
    if evidence.task == "classification":
        return "wrong, and surest of it"
    if evidence.task == "detection":
        return f"green: found; red: the {MOST_INVENTED} surest inventions; dashed yellow: missed"
    shades = zip(SHADES, evidence.manifest.classes[1:], strict=False)
    if len(evidence.manifest.classes) - 1 > len(SHADES):
        return "left: true classes; right: predicted ones"
    named = ", ".join(f"{name} {shade}" for shade, name in shades)
    return f"left: true, right: predicted; {named}"


def alternative(evidence: Evidence, mistakes: Sequence[Mistake], *, kind: str) -> str:
    """Return the gallery in words, the first five images in full."""
    if not mistakes:
        return f"No mistake on {len(evidence)} dev images."
    first = "; ".join(f"image {m.image}: {m.words}" for m in mistakes[:5])
    rest = f"; and {len(mistakes) - 5} more" if len(mistakes) > 5 else ""  # noqa: PLR2004
    return f"The {len(mistakes)} {kind} of {len(evidence)}. {first}{rest}."
