"""Two submissions beside each other: their scores, the difference, and the classes it lies in."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from runner.ranking.paired import Comparison
from runner.report.style import (
    HEAD,
    INK,
    LINE,
    RIGHT,
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
from runner.report.versus import p_words
from runner.report.words import title

_MOST_CLASSES = 8
_ROW, _NAME = 0.3, 22  # inches; letters
_CHANCE = 0.05
_NOTICEABLE = 0.0005  # of a class: smaller gains are rounding


@dataclass(frozen=True)
class Pair:
    """What is drawn of two submissions on dev."""

    names: tuple[str, str]
    images: int
    intervals: tuple[tuple[float, float], tuple[float, float]]  #: of their scores
    found: Comparison
    classes: tuple[str, ...]
    gains: NDArray[np.float64]  #: [classes], one minus other; NaN where a class is not there
    gain: str  #: of what: F1, IoU, AP


def draw(pair: Pair) -> Picture:
    """Return both scores with intervals, their difference with its own, and the largest class gains."""
    found = pair.found
    largest = _largest(pair)
    below = 0.75 + _ROW * max(len(largest), 1)
    width, height = 6.4, HEAD + 2.35 + below
    figure = card(
        width,
        height,
        title=_headline(found),
        subtitle=f"{title(found.metric)} on {pair.images:,} dev images, with 95 % intervals",
    )
    margin = 0.45 + 0.083 * _NAME
    room = width - margin - 1.35
    _scores(axes_in(figure, Box(margin, below + 1.4, room, 0.8)), pair)
    _difference(axes_in(figure, Box(margin, below + 0.4, room, 0.5)), pair)
    _classes(axes_in(figure, Box(margin, 0.4, room, _ROW * max(len(largest), 1))), pair, largest)
    return picture(figure, alternative(pair))


def _headline(found: Comparison) -> str:
    said = found.show_difference(found.difference)
    return f"{said}: {'could be chance' if found.p >= _CHANCE else 'more than chance'}"


def _largest(pair: Pair) -> list[int]:
    """Return the classes that gain or lose most, the largest change first."""
    gains = np.nan_to_num(pair.gains)
    order = np.argsort(-np.abs(gains), kind="stable")[:_MOST_CLASSES]
    return [int(k) for k in order if abs(gains[k]) >= _NOTICEABLE]


def _span(axes: Axes, place: int, value: float, ends: tuple[float, float], colour: str) -> None:
    axes.plot(list(ends), [place, place], color=colour, linewidth=2)
    axes.plot(list(ends), [place, place], "|", color=colour, markersize=8)
    axes.plot([value], [place], "o", color=colour, markersize=6)


def _beside(axes: Axes, place: int, text: str) -> None:
    axes.annotate(
        plain(text), (1.03, place), color=INK, fontsize=TEXT, va="center", annotation_clip=False,
        xycoords=("axes fraction", "data"),
    )  # fmt: skip


def _scores(axes: Axes, pair: Pair) -> None:
    found = pair.found
    values = (found.one, found.other)
    for place, (value, ends) in enumerate(zip(values, pair.intervals, strict=True)):
        _span(axes, place, value, ends, (RIGHT, SERIES[2])[place])
        _beside(axes, place, found.show(value))
    axes.set_yticks([0, 1], [plain(name, _NAME) for name in pair.names])
    axes.set_ylim(1.6, -0.6)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    axes.locator_params(axis="x", nbins=4)
    _ticks(axes, [found.show(tick) for tick in axes.get_xticks()])


def _difference(axes: Axes, pair: Pair) -> None:
    found = pair.found
    most = 1.15 * max(abs(found.low), abs(found.high), abs(found.difference), 1e-3)
    axes.set_xlim(-most, most)
    axes.axvline(0, color=SOFT, linewidth=1.2, linestyle="--")
    _span(axes, 0, found.difference, (found.low, found.high), INK)
    axes.set_yticks([0], ["difference"])
    axes.set_ylim(0.6, -0.6)
    _beside(axes, 0, f"p {p_words(found.p)}")
    ticks = [-most / 1.15, 0, most / 1.15]
    axes.set_xticks(ticks)
    _ticks(axes, [found.show_difference(ticks[0]), "equal", found.show_difference(ticks[2])])


def _ticks(axes: Axes, labels: list[str]) -> None:
    axes.set_xticks(axes.get_xticks(), labels)
    axes.tick_params(axis="x", colors=SOFT, labelsize=SMALL)


def _classes(axes: Axes, pair: Pair, largest: list[int]) -> None:
    axes.set_title(
        f"Where they differ most: {pair.gain} of a class", loc="left", fontsize=TEXT, color=SOFT
    )
    axes.set_ylim(max(len(largest), 1) - 0.5, -0.5)
    most = max((abs(pair.gains[k]) for k in largest), default=1.0)
    axes.set_xlim(-1.05 * most, 1.05 * most)
    axes.axvline(0, color=SOFT, linewidth=1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    if not largest:
        axes.set_yticks([])
        axes.text(0, 0, "in no class", ha="center", va="center", color=SOFT)
        return
    axes.set_yticks(range(len(largest)), [plain(pair.classes[k], _NAME) for k in largest])
    for place, k in enumerate(largest):
        gain = float(pair.gains[k])
        axes.barh(place, gain, height=0.62, color=RIGHT if gain > 0 else SERIES[2])
        _beside(axes, place, f"{gain:+.3f}")


def alternative(pair: Pair) -> str:
    """Return the picture in words."""
    found = pair.found
    said = (
        f"{pair.names[0]} against {pair.names[1]} on {pair.images:,} dev images, by "
        f"{title(found.metric)}: {found.show(found.one)} and {found.show(found.other)}, difference "
        f"{found.show_difference(found.difference)}, 95 % interval {found.show_difference(found.low)} "
        f"to {found.show_difference(found.high)}, p {p_words(found.p)}."
    )
    parts = [f"{pair.classes[k]} ({pair.gains[k]:+.3f})" for k in _largest(pair)[:5]]
    return f"{said} {pair.gain} differs most in {', '.join(parts)}." if parts else said
