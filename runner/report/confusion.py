"""The dev split's confusion matrix as a picture."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from numpy.typing import NDArray

from runner.contract import SplitScore
from runner.report import words
from runner.report.style import (
    CARD,
    HEAD,
    INK,
    LINE,
    RIGHT,
    SOFT,
    WRONG,
    Box,
    Picture,
    axes_in,
    card,
    percent,
    picture,
    plain,
)

_COUNTS_UP_TO = 20  # more cells than this cannot hold a legible number
_NAMES_UP_TO = 40
_NAME_LENGTH = 14
_LONGEST = 9999  # counts above this do not fit their cell
_DARK = 0.55  # from this share of a row on, ink is white


def draw(name: str, score: SplitScore) -> Picture:
    """Return the picture of ``score``, which must carry a confusion (dev does).

    Raises ValueError otherwise.
    """
    if not score.confusion:
        raise ValueError(f"the split {score.split} has no confusion to show")
    metric = score.metrics[0]
    between = (
        f" · 95 % interval {100 * metric.low:.1f}–{100 * metric.high:.1f}"
        if metric.low is not None and metric.high is not None
        else ""
    )
    accuracy = metric.name == "accuracy"
    value = percent(metric.value)
    return draw_counts(
        np.asarray(score.confusion, dtype=np.int64),
        tuple(found.name for found in score.classes),
        title=f"{value} right" if accuracy else f"{words.title(metric.name)} {value}",
        subtitle=f"{_cut(name, 28)}, {score.split}: {score.images} images{between}",
        alt=alternative(score),
    )


def draw_counts(
    counts: NDArray[np.int64], names: tuple[str, ...], *, title: str, subtitle: str, alt: str
) -> Picture:
    """Return the picture of counts [k, k]: row = what is true, column = what was predicted."""
    side = float(np.clip(2.6 + 0.36 * len(names), 4.2, 8.4))
    figure = card(side + 0.4, side + HEAD, title=title, subtitle=subtitle)
    axes = axes_in(figure, _box(side, names))
    _fill(axes, counts)
    _label(axes, names)
    return picture(figure, alt)


def alternative(score: SplitScore) -> str:
    """Return the picture in words, such as "Confusion matrix of 10 classes: 93.1 % right; …"."""
    unit = "pixel" if any(found.iou is not None for found in score.classes) else "time"
    worst = ", ".join(
        f"{_cut(true, 40)} taken for {_cut(taken, 40)} ({count:,} {unit}{'s' if count > 1 else ''})"
        for true, taken, count in score.confused[:3]
    )
    metric = score.metrics[0]
    value = percent(metric.value)
    return (
        f"Confusion matrix of {len(score.classes)} classes on {score.images} {score.split} images: "
        + (
            f"{value} right; "
            if metric.name == "accuracy"
            else f"{words.title(metric.name)} {value}; "
        )
        + (f"most confused: {worst}." if worst else "nothing was confused.")
    )


def _box(side: float, classes: tuple[str, ...]) -> Box:
    width, height = side + 0.4, side + HEAD
    longest = max(len(_cut(name, _NAME_LENGTH)) for name in classes)
    margin = 0.62 + 0.072 * longest * (len(classes) <= _NAMES_UP_TO)
    size = min(width - margin - 0.3, height - HEAD - margin)
    return Box(margin, margin, size, size)


def _fill(axes: Axes, counts: NDArray[np.int64]) -> None:
    rows = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    shares = counts / rows
    right = np.eye(len(counts), dtype=bool)
    # Errors are few: a square root makes one in fifty visible beside the diagonal.
    norm = PowerNorm(0.5, 0, 1)
    for colour, cells in ((RIGHT, right), (WRONG, ~right)):
        scale = LinearSegmentedColormap.from_list("card", [CARD, colour])
        shown = np.ma.masked_where(~cells | (counts == 0), shares)
        axes.imshow(shown, cmap=scale, norm=norm, interpolation="nearest", aspect="equal")
    if len(counts) > _COUNTS_UP_TO:
        return
    size = 9.5 if len(counts) <= 12 else 7.5  # noqa: PLR2004
    for true, taken in np.argwhere(counts > 0):
        dark = norm(shares[true, taken]) > _DARK
        axes.text(
            taken, true, _number(counts, shares, true, taken), ha="center", va="center", fontsize=size,
            color="white" if dark else INK, fontweight="bold" if true == taken else "normal",
        )  # fmt: skip


def _number(counts: NDArray[np.int64], shares: NDArray[np.float64], true: int, taken: int) -> str:
    """Return what stands in a cell: a count, or where those are long (pixels), percent of the row."""
    if counts.max() <= _LONGEST:
        return f"{counts[true, taken]}"
    share = 100 * shares[true, taken]
    return f"{share:.0f} %" if share >= 0.5 else "·"  # noqa: PLR2004 - what would round to zero


def _label(axes: Axes, classes: tuple[str, ...]) -> None:
    count = len(classes)
    axes.set_xlabel("predicted", color=SOFT, fontsize=10, labelpad=6)
    axes.set_ylabel("true", color=SOFT, fontsize=10, labelpad=6)
    for spine in axes.spines.values():
        spine.set_visible(True)
    axes.tick_params(length=0, colors=INK, labelsize=9 if count <= _COUNTS_UP_TO else 6.5)
    if count > _NAMES_UP_TO:
        axes.set_xticks([])
        axes.set_yticks([])
        return
    names = [plain(name, _NAME_LENGTH) for name in classes]
    upright = max(len(name) for name in names) > 3  # noqa: PLR2004
    axes.set_xticks(range(count), names, rotation=90 if upright else 0)
    axes.set_yticks(range(count), names)
    if count <= _COUNTS_UP_TO:
        axes.set_xticks(np.arange(0.5, count - 1), minor=True)
        axes.set_yticks(np.arange(0.5, count - 1), minor=True)
        axes.grid(which="minor", color=LINE, linewidth=0.8)
        axes.tick_params(which="minor", length=0)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
