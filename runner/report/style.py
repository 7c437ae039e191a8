"""The one house style of every picture, for a chat that may be dark or light, and for paper.

An opaque card with a border of its own is legible on all of them. matplotlib's Figure is used
directly: pyplot would keep global state in a process that lives for weeks. Colours that mean
something are told apart by people who see red and green alike, and never by colour alone.
"""

import functools
import io
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


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
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.font_manager import findfont, get_font  # noqa: E402
from matplotlib.patches import Rectangle  # noqa: E402

CARD, INK, SOFT, LINE = "#fbfaf7", "#1f2933", "#5d6872", "#e3e0d8"
RIGHT, WRONG = "#1d7a74", "#c2542d"  #: right and wrong, now and better, new and old
SERIES = (
    RIGHT,
    WRONG,
    "#4a5fa5",
    "#b58a1b",
    "#7b4b94",
    "#4f7f3a",
)  #: several things in one picture
TITLE, TEXT, SMALL = 15.0, 9.5, 8.0  #: points
DPI = 130
HEAD = 0.95  #: inches at the top of a card that its title and subtitle take
_INSET = 0.06
_SMALLEST = 0.8  # of its size, for a subtitle that would not fit
_MISSING = "\u25a1"


@dataclass(frozen=True)
class Picture:
    """A PNG and the words that say the same."""

    png: bytes
    alt: str


@dataclass(frozen=True)
class Box:
    """Where something lies on a card, in inches from its left and its bottom edge."""

    left: float
    bottom: float
    width: float
    height: float


def card(width: float, height: float, *, title: str, subtitle: str = "") -> Figure:
    """Return an empty card of that many inches with its frame and head; draw below ``HEAD``."""
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor=CARD)
    FigureCanvasAgg(figure)
    left = 0.3 / width
    letters = int((width - 0.5) * 7.6)
    figure.text(
        left, 1 - 0.36 / height, plain(title, letters), color=INK, fontsize=TITLE,
        fontweight="bold", va="center",
    )  # fmt: skip
    room = int(letters * 1.75)
    smaller = min(1.0, max(_SMALLEST, room / max(len(subtitle), 1)))
    figure.text(
        left, 1 - 0.66 / height, plain(subtitle, int(room / smaller)), color=SOFT,
        fontsize=9 * smaller, va="center",
    )  # fmt: skip
    figure.add_artist(
        Rectangle(
            (_INSET / width, _INSET / height), 1 - 2 * _INSET / width, 1 - 2 * _INSET / height,
            fill=False, edgecolor=LINE, linewidth=1.2, transform=figure.transFigure,
        )
    )  # fmt: skip
    return figure


def axes_in(figure: Figure, box: Box) -> Axes:
    """Return axes in house style that fill ``box``."""
    width, height = figure.get_size_inches()
    axes: Axes = figure.add_axes(
        (box.left / width, box.bottom / height, box.width / width, box.height / height),
        facecolor=CARD,
    )
    for side, spine in axes.spines.items():
        spine.set_color(LINE)
        spine.set_visible(side in ("left", "bottom"))
    axes.tick_params(length=0, colors=INK, labelsize=TEXT)
    axes.set_axisbelow(True)
    axes.xaxis.label.set_color(SOFT)
    axes.yaxis.label.set_color(SOFT)
    return axes


def picture(figure: Figure, alt: str) -> Picture:
    """Return the finished card. ``alt`` says in words what it shows."""
    file = io.BytesIO()
    figure.savefig(file, format="png", facecolor=CARD)
    return Picture(file.getvalue(), alt)


def plain(text: str, length: int = 10_000) -> str:
    """Return ``text`` as matplotlib draws it: no formula, no letter that its font lacks, cut short.

    A letter that is missing (Chinese, say, where no such font is installed) becomes a hollow square:
    the words beside the picture have the name in full.
    """
    line = " ".join(text.split())
    line = line if len(line) <= length else line[: max(length - 1, 0)] + "…"
    known = _letters()
    line = "".join(c if ord(c) in known else _MISSING for c in line)
    # "$" would start a formula in matplotlib, and an unfinished one raises.
    return line.replace("$", "\\$")


@functools.cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def percent(share: float) -> str:
    """Return a share as the pictures write it, such as "93.1 %"."""
    return f"{100 * share:.1f} %"


@dataclass(frozen=True)
class Bar:
    """One line of a bar chart: a value, with its interval where one is known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""  #: a few letters behind the value, such as "n = 12"
    colour: str = RIGHT


_ROW = 0.3  # inches
_NAME_LENGTH = 24


def bars(
    rows: Sequence[Bar], *, title: str, subtitle: str, alt: str, most: float = 1.0, unit: str = "%"
) -> Picture:
    """Return a card of horizontal bars, one below the other, from 0 to ``most``.

    ``unit`` "%" writes shares as percent; any other one is put behind the number. With no row at
    all it says so.
    """
    width, height = 6.4, HEAD + 0.4 + _ROW * max(len(rows), 1)
    figure = card(width, height, title=title, subtitle=subtitle)
    names = [plain(row.name, _NAME_LENGTH) for row in rows]
    margin = 0.45 + 0.083 * max((len(name) for name in names), default=4)
    axes = axes_in(figure, Box(margin, 0.4, width - margin - 1.6, _ROW * max(len(rows), 1)))
    axes.set_xlim(0, most)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.grid(axis="x", color=LINE, linewidth=0.8)
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks(range(len(rows)), names)
    ticks = np.linspace(0, most, 5)
    axes.set_xticks(ticks, [_with_unit(tick, unit, digits=0) for tick in ticks])
    axes.tick_params(axis="x", colors=SOFT, labelsize=SMALL)
    if not rows:
        axes.text(0.5 * most, 0, "nothing to show", ha="center", va="center", color=SOFT)
        axes.set_yticks([])
    for place, row in enumerate(rows):
        axes.barh(place, row.value, height=0.62, color=row.colour)
        if row.low is not None and row.high is not None:
            axes.plot([row.low, row.high], [place, place], color=INK, linewidth=1.4)
            axes.plot([row.low, row.high], [place, place], "|", color=INK, markersize=6)
        note = f" · {row.note}" if row.note else ""
        axes.annotate(
            plain(_with_unit(row.value, unit) + note), (1.02, place), color=INK, fontsize=TEXT,
            xycoords=("axes fraction", "data"), va="center", annotation_clip=False,
        )  # fmt: skip
    return picture(figure, alt)


def _with_unit(value: float, unit: str, digits: int = 1) -> str:
    if unit == "%":
        return f"{100 * value:.{digits}f} %"
    return f"{value:.3g} {unit}".rstrip()
