"""The shake-up plot: where entries stood on the board, and where on the shadow."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from runner.errands import Gap
from runner.report.style import (
    HEAD,
    INK,
    RIGHT,
    SMALL,
    SOFT,
    TEXT,
    WRONG,
    Box,
    Picture,
    axes_in,
    card,
    picture,
    plain,
)
from runner.report.words import title

_MOST = 24  # lines that can be followed by eye
_ROW, _SIDE = 0.27, 2.45  # inches
_NAME = 18
_TOLD = 5


def draw(
    name: str, metric: str, gaps: Sequence[Gap], *, spearman: float | None, images: tuple[int, int]
) -> Picture:
    """Return a line for each entry from its place on the board to that on the shadow.

    ``gaps`` in the board's order; ``images`` of board and shadow. Beyond 24 entries the first 24.
    """
    shown = gaps[:_MOST]
    few = f", the first {len(shown)} of {len(gaps)}" if len(gaps) > len(shown) else ""
    width, height = 7.2, HEAD + 0.55 + _ROW * max(len(shown), 2)
    figure = card(
        width,
        height,
        title=_headline(gaps),
        subtitle=(
            f"{name}, {title(metric)}: board ({images[0]:,} images) against shadow "
            f"({images[1]:,} images){few}"
        ),
    )
    rows = _ROW * max(len(shown), 2)
    axes = axes_in(figure, Box(_SIDE, 0.3, width - 2 * _SIDE, rows))
    _lines(axes, shown)
    return picture(figure, alternative(name, gaps, spearman=spearman))


def _headline(gaps: Sequence[Gap]) -> str:
    moved = sum(g.board_rank != g.shadow_rank for g in gaps)
    if not moved:
        return "The shadow agrees: nobody moves"
    return f"{moved} of {len(gaps)} entries change places"


def _lines(axes: Axes, shown: Sequence[Gap]) -> None:
    # Places of those that are drawn, so that lines fill the card and equal ranks stay apart.
    right = {
        g.submission: place
        for place, g in enumerate(sorted(shown, key=lambda g: (g.shadow_rank, g.board_rank)))
    }
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(max(len(shown), 2) - 0.5, -0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0, -0.75, "board", ha="right", color=SOFT, fontsize=SMALL)
    axes.text(1, -0.75, "shadow", ha="left", color=SOFT, fontsize=SMALL)
    for place, gap in enumerate(shown):
        colour, style, mark = _look(gap)
        ends = [place, right[gap.submission]]
        axes.plot([0, 1], ends, color=colour, linewidth=1.8, linestyle=style, alpha=0.9)
        axes.plot([0, 1], ends, "o", color=colour, markersize=4)
        left = f"{gap.board_rank}  {plain(gap.name, _NAME)}  {gap.board:.3f}"
        axes.text(-0.04, ends[0], left, ha="right", va="center", color=INK, fontsize=TEXT)
        said = f"{gap.shadow:.3f}  {gap.shadow_rank}  {plain(gap.name, _NAME)}  {mark}"
        axes.text(1.04, ends[1], said, ha="left", va="center", color=INK, fontsize=TEXT)


def _look(gap: Gap) -> tuple[str, str, str]:
    """Return colour, line and mark of who rose, fell or stayed: never by colour alone."""
    rose = gap.board_rank - gap.shadow_rank
    if rose > 0:
        return RIGHT, "-", f"▲{rose}"
    if rose < 0:
        return WRONG, "--", f"▼{-rose}"
    return SOFT, "-", ""


def alternative(name: str, gaps: Sequence[Gap], *, spearman: float | None) -> str:
    """Return the plot in words: the first places, and who moved most."""
    said = "; ".join(
        f"{g.name} {g.board_rank} to {g.shadow_rank} ({g.board:.3f} to {g.shadow:.3f})"
        for g in gaps[:_TOLD]
    )
    moved = sorted(gaps, key=lambda g: -abs(g.board_rank - g.shadow_rank))[:3]
    most = ", ".join(
        f"{g.name} ({g.board_rank} to {g.shadow_rank})"
        for g in moved
        if g.board_rank != g.shadow_rank
    )
    agree = "" if spearman is None else f" Spearman's rank correlation {spearman:.2f}."
    return (
        f"Places on the board and on the shadow of {name}: {said}."
        f"{f' Moved most: {most}.' if most else ' Nobody moves.'}{agree}"
    )
