"""The dev split's confusion matrix as a picture, for a chat that may be dark or light.

An opaque card with a border of its own is legible on both. matplotlib's Figure is used directly:
pyplot would keep global state in a process that lives for weeks.
"""

import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.contract import SplitScore


def _give_matplotlib_a_folder() -> None:
    """Point its font cache somewhere writable: without one it is built anew at every start."""
    home = Path(os.environ.get("MPLCONFIGDIR") or Path.home() / ".cache" / "matplotlib")
    existing = next((p for p in (home, *home.parents) if p.exists()), home)
    if not os.access(existing, os.W_OK):
        folder = Path(tempfile.gettempdir()) / f"bookwiz-matplotlib-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        os.environ["MPLCONFIGDIR"] = str(folder)


_give_matplotlib_a_folder()

from matplotlib.axes import Axes  # noqa: E402 - the folder must be known first
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.colors import LinearSegmentedColormap, PowerNorm  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402

_CARD, _INK, _SOFT, _LINE = "#fbfaf7", "#1f2933", "#6b7680", "#e3e0d8"
_RIGHT, _WRONG = "#1d7a74", "#c2542d"
_COUNTS_UP_TO = 20  # more cells than this cannot hold a legible number
_NAMES_UP_TO = 40
_NAME_LENGTH = 14
_DPI = 130
_DARK = 0.55  # from this share of a row on, ink is white


@dataclass(frozen=True)
class Picture:
    """A PNG and the words that say the same."""

    png: bytes
    alt: str


def draw(name: str, score: SplitScore) -> Picture:
    """Return the picture of ``score``, which must carry a confusion (dev does).

    Raises ValueError otherwise.
    """
    if not score.confusion:
        raise ValueError(f"the split {score.split} has no confusion to show")
    counts = np.asarray(score.confusion, dtype=np.int64)
    classes = tuple(found.name for found in score.classes)
    side = float(np.clip(2.6 + 0.36 * len(classes), 4.2, 8.4))
    figure = Figure(figsize=(side + 0.4, side + 0.95), dpi=_DPI, facecolor=_CARD)
    FigureCanvasAgg(figure)
    axes = figure.add_axes(_box(side, classes), facecolor=_CARD)
    _fill(axes, counts)
    _label(axes, classes)
    _title(figure, name, score)
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor=_CARD)
    return Picture(file.getvalue(), alternative(score))


def alternative(score: SplitScore) -> str:
    """Return the picture in words, such as "Confusion matrix of 10 classes: 93.1 % right; …"."""
    worst = ", ".join(
        f"{_cut(true, 40)} taken for {_cut(taken, 40)} ({count} time{'s' if count > 1 else ''})"
        for true, taken, count in score.confused[:3]
    )
    return (
        f"Confusion matrix of {len(score.classes)} classes on {score.images} {score.split} images: "
        f"{100 * score.metrics[0].value:.1f} % right; "
        + (f"most confused: {worst}." if worst else "nothing was confused.")
    )


def _box(side: float, classes: tuple[str, ...]) -> tuple[float, float, float, float]:
    width, height = side + 0.4, side + 0.95
    longest = max(len(_cut(name, _NAME_LENGTH)) for name in classes)
    margin = 0.62 + 0.072 * longest * (len(classes) <= _NAMES_UP_TO)
    size = min(width - margin - 0.3, height - 0.95 - margin)
    return margin / width, margin / height, size / width, size / height


def _fill(axes: Axes, counts: NDArray[np.int64]) -> None:
    rows = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / rows
    right = np.eye(len(counts), dtype=bool)
    # Errors are few: a square root makes one in fifty visible beside the diagonal.
    norm = PowerNorm(0.5, 0, 1)
    for colour, cells in ((_RIGHT, right), (_WRONG, ~right)):
        scale = LinearSegmentedColormap.from_list("card", [_CARD, colour])
        shown = np.ma.masked_where(~cells | (counts == 0), shares)
        axes.imshow(shown, cmap=scale, norm=norm, interpolation="nearest", aspect="equal")
    if len(counts) > _COUNTS_UP_TO:
        return
    size = 9.5 if len(counts) <= 12 else 7.5  # noqa: PLR2004
    for true, taken in np.argwhere(counts > 0):
        dark = norm(shares[true, taken]) > _DARK
        axes.text(
            taken, true, f"{counts[true, taken]}", ha="center", va="center", fontsize=size,
            color="white" if dark else _INK, fontweight="bold" if true == taken else "normal",
        )  # fmt: skip


def _label(axes: Axes, classes: tuple[str, ...]) -> None:
    count = len(classes)
    axes.set_xlabel("predicted", color=_SOFT, fontsize=10, labelpad=6)
    axes.set_ylabel("true", color=_SOFT, fontsize=10, labelpad=6)
    for spine in axes.spines.values():
        spine.set_color(_LINE)
    axes.tick_params(length=0, colors=_INK, labelsize=9 if count <= _COUNTS_UP_TO else 6.5)
    if count > _NAMES_UP_TO:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    names = [_cut(name, _NAME_LENGTH) for name in classes]
    upright = max(len(name) for name in names) > 3  # noqa: PLR2004
    axes.set_xticks(range(count), names, rotation=90 if upright else 0)
    axes.set_yticks(range(count), names)
    if count <= _COUNTS_UP_TO:
        axes.set_xticks(np.arange(0.5, count - 1), minor=True)
        axes.set_yticks(np.arange(0.5, count - 1), minor=True)
        axes.grid(which="minor", color=_LINE, linewidth=0.8)
        axes.tick_params(which="minor", length=0)


def _title(figure: Figure, name: str, score: SplitScore) -> None:
    accuracy = score.metrics[0]
    width, height = figure.get_size_inches()
    left = 0.3 / width
    figure.text(
        left, 1 - 0.36 / height, f"{100 * accuracy.value:.1f} % right", color=_INK, fontsize=15,
        fontweight="bold", va="center",
    )  # fmt: skip
    between = (
        f" · 95 % interval {100 * accuracy.low:.1f}–{100 * accuracy.high:.1f}"
        if accuracy.low is not None and accuracy.high is not None
        else ""
    )
    figure.text(
        left, 1 - 0.65 / height, f"{_cut(name, 28)}, {score.split}: {score.images} images{between}",
        color=_SOFT, fontsize=9, va="center",
    )  # fmt: skip
    inset = 0.06
    figure.add_artist(
        Rectangle(
            (inset / width, inset / height), 1 - 2 * inset / width, 1 - 2 * inset / height,
            fill=False, edgecolor=_LINE, linewidth=1.2, transform=figure.transFigure,
        )
    )  # fmt: skip


def _cut(text: str, length: int) -> str:
    # "$" would start a formula in matplotlib, and an unfinished one raises.
    text = text.replace("$", "\\$")
    return text if len(text) <= length else text[: length - 1] + "…"
