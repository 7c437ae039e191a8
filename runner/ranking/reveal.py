"""Board against shadow: how far a season's board was to be believed.

The shadow's images were never told anything of, so an entry that is better on the board than there
was tuned to the board, or met other conditions. Board and shadow are resampled apart, all entries by
the same images of each, so that the interval of the median gap knows how much entries have in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runner.contract import Split
from runner.errands import Entrant, Gap, Revealed, RevealErrand
from runner.ranking import entrants as kept_of
from runner.report import shakeup
from runner.report.page import stored
from runner.tasks import bias as biases
from runner.tasks import statistics as kept
from runner.tasks.statistics import Statistics

if TYPE_CHECKING:
    from runner.desk import Desk

_SEEDS: dict[Split, int] = {"board": 0, "shadow": 1}  # other images: other resamples
_LEAST = 3  # two orders of two entries agree or not by a toss


@dataclass(frozen=True)
class Season:
    """What m entries reach on both splits, [m], and under B resamples of each, [B, m]."""

    board: NDArray[np.float64]
    shadow: NDArray[np.float64]
    drawn_board: NDArray[np.float64]
    drawn_shadow: NDArray[np.float64]

    @property
    def gaps(self) -> NDArray[np.float64]:
        return self.board - self.shadow

    @property
    def drawn_gaps(self) -> NDArray[np.float64]:
        return self.drawn_board - self.drawn_shadow


def carry_out(desk: "Desk", errand: RevealErrand) -> Revealed:
    """Reveal. Entries of whose images nothing usable is kept are left out, and named.

    Raises Refusal: E_TASK for a metric of another task, E_RUNNER_FETCH where nobody is left.
    """
    boards = kept_of.read(desk, errand.dataset, "board", [e.statistics for e in errand.entrants])
    shadows = kept_of.read(desk, errand.dataset, "shadow", [e.shadow for e in errand.entrants])
    there = [
        (e, b, s)
        for e, b, s in zip(errand.entrants, boards, shadows, strict=True)
        if b is not None and s is not None
    ]
    kept_of.refuse_none(there, errand.entrants)
    entrants, board, shadow = zip(*there, strict=True)
    season = measured(board, shadow, errand.metric)
    gaps = gaps_of(entrants, season)
    median, low, high = median_gap(season)
    agreement = spearman(season.board, season.shadow)
    drawn = shakeup.draw(
        errand.title, errand.metric, gaps, spearman=agreement, images=(board[0].images, shadow[0].images)
    )  # fmt: skip
    names = {e.submission for e in entrants}
    return Revealed(
        gaps=gaps,
        spearman=agreement,
        median_gap=median,
        median_low=low,
        median_high=high,
        artifacts=(stored(desk, "shake-up.png", drawn),),
        left_out=tuple(e.name for e in errand.entrants if e.submission not in names),
    )


def _resampled(
    entries: Sequence[Statistics], metric: str, values: NDArray[np.float64], split: Split
) -> NDArray[np.float64]:
    """Return resampled values [B, m], freed of what few images flatter.

    Board and shadow are not equally many: it would else look like a gap.
    """
    drawn = kept.joint(entries, metric, seed=_SEEDS[split])
    if entries[0].each(metric) is not None:
        return drawn
    off = [
        biases.bias(one, metric, value, halvings=kept.RESAMPLES // 20)
        for one, value in zip(entries, values.tolist(), strict=True)
    ]
    return biases.moved(drawn, values - np.array(off))


def measured(board: Sequence[Statistics], shadow: Sequence[Statistics], metric: str) -> Season:
    """Return ``metric`` of all entries on both splits, as they are and resampled."""
    on_board = np.array([kept.value(one, metric) for one in board])
    on_shadow = np.array([kept.value(one, metric) for one in shadow])
    return Season(
        on_board,
        on_shadow,
        _resampled(board, metric, on_board, "board"),
        _resampled(shadow, metric, on_shadow, "shadow"),
    )


def gaps_of(entrants: Sequence[Entrant], season: Season) -> tuple[Gap, ...]:
    """Return each entry's board minus shadow with its 95 % interval, in the board's order."""
    board_ranks, shadow_ranks = places(season.board), places(season.shadow)
    found = []
    for k, entrant in enumerate(entrants):
        low, high = _holding(season.drawn_gaps[:, k], season.gaps[k])
        found.append(
            Gap(
                submission=entrant.submission, name=entrant.name,
                board=float(season.board[k]), shadow=float(season.shadow[k]),
                gap=float(season.gaps[k]), low=low, high=high,
                board_rank=int(board_ranks[k]), shadow_rank=int(shadow_ranks[k]),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda g: (g.board_rank, g.shadow_rank, g.submission)))


def places(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return places [m], the highest first; equal values share the better one (1, 2, 2, 4)."""
    ranks: NDArray[np.int64] = 1 + (values[:, None] < values).sum(axis=1)
    return ranks


def median_gap(season: Season) -> tuple[float, float, float]:
    """Return the median of all gaps and its 95 % interval under the joint resamples."""
    found = np.median(season.gaps)
    return float(found), *_holding(np.median(season.drawn_gaps, axis=1), found)


def _holding(drawn: NDArray[np.float64], gap: np.float64) -> tuple[float, float]:
    """Return the 95 % interval of resampled gaps [B], widened where need be to hold the one found."""
    low, high = kept.percentiles(drawn)
    return min(low, float(gap)), max(high, float(gap))


def spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Return the rank correlation of two orders, equal values sharing their mean place.

    Spearman (1904), The proof and measurement of association between two things: Pearson's
    correlation of ranks. None below three entries, and where all are equal in one of the orders.
    """
    if len(one) < _LEAST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    ranks = [(v[:, None] > v).sum(axis=1) + (v[:, None] == v).sum(axis=1) / 2 for v in (one, other)]
    return float(np.clip(np.corrcoef(*ranks)[0, 1], -1, 1))
