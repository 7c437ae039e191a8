"""Tie groups: who can be told apart on these images, all pairs being asked at once.

Joint bootstrap max-T (Romano & Wolf 2005, Stepwise multiple testing as formalized data snooping;
Westfall & Young 1993): every resample draws the same images for all models, and the largest
studentised difference of any pair decides how large one must be to be no chance. So the whole board
errs at most once in twenty, whatever its length. Plain pairwise tests against the best split equal
models twice as often, since the best was chosen by looking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runner.errands import Entrant, Ranked, RankErrand, Ranking
from runner.failures import Refusal
from runner.ranking import draws, pareto
from runner.ranking import entrants as kept_of
from runner.ranking.outward import outward
from runner.tasks import statistics as kept
from runner.tasks.statistics import Statistics

if TYPE_CHECKING:
    from runner.desk import Desk

LEVEL = 0.95
_NO_SPREAD = 1e-12  # a standard error below this is rounding of a difference that never changes


@dataclass(frozen=True)
class Tested:
    """All pairs of m models, compared at once."""

    gaps: NDArray[np.float64]  #: [m, m], value of the row minus value of the column
    errors: NDArray[np.float64]  #: [m, m], standard errors of these gaps
    critical: float  #: how many standard errors are no chance

    @property
    def better(self) -> NDArray[np.bool_]:
        """Return [m, m]: whether the row is better than the column by more than chance.

        A gap that no resample changes is certain, however small.
        """
        spread = self.errors > _NO_SPREAD
        score = np.divide(self.gaps, self.errors, out=np.zeros_like(self.gaps), where=spread)
        certain = ~spread & (self.gaps > _NO_SPREAD)
        found: NDArray[np.bool_] = certain | (score > self.critical)
        return found


def tested(values: NDArray[np.float64], drawn: NDArray[np.float64]) -> Tested:
    """Compare values [m] by what they are under joint resamples [B, m].

    T_r is the largest |(boot_i − boot_j) − (mu_i − mu_j)| / se_ij over all pairs; the 95 % quantile
    of T is what a gap must exceed, in its own standard errors. Zero for a single model.
    """
    many = len(values)
    moved = drawn - values
    errors = np.zeros((many, many))
    largest = np.zeros(len(drawn))
    for one in range(many - 1):
        # One row of pairs at a time: all of them at once would fill the memory.
        differences = moved[:, one + 1 :] - moved[:, [one]]
        spread = differences.std(axis=0, ddof=1)
        errors[one, one + 1 :] = errors[one + 1 :, one] = spread
        there = spread > _NO_SPREAD
        scores = np.abs(differences[:, there]) / spread[there]
        np.maximum(largest, scores.max(axis=1, initial=0), out=largest)
    return Tested(values[:, None] - values, errors, float(np.quantile(largest, LEVEL)))


def groups(order: Sequence[int], better: NDArray[np.bool_]) -> list[list[int]]:
    """Cut ``order``, best first, into groups whose members share a place.

    A group runs from its leader to the last before the first model that its leader is clearly better
    than; that one leads the next.
    """
    found: list[list[int]] = []
    for model in order:
        if not found or better[found[-1][0], model]:
            found.append([])
        found[-1].append(model)
    return found


def carry_out(desk: "Desk", errand: RankErrand) -> Ranking:
    """Rank a board. Entries of whose images nothing usable is kept are left out, and named.

    Raises Refusal: E_TASK for a metric of another task, E_RUNNER_FETCH where nobody is left.
    """
    read = kept_of.read(desk, errand.dataset, "board", [e.statistics for e in errand.entrants])
    there = [(e, s) for e, s in zip(errand.entrants, read, strict=True) if s is not None]
    kept_of.refuse_none(there, errand.entrants)
    folder = desk.files / "drawn"
    ranking = rank(
        [e for e, _ in there], [s for _, s in there], errand.metric,
        resamples=errand.resamples, seed=errand.seed, folder=folder,
    )  # fmt: skip
    draws.forget_unused(folder)
    lost = tuple(e.submission for e, s in zip(errand.entrants, read, strict=True) if s is None)
    return ranking.model_copy(update={"left_out": lost})


def rank(
    entrants: Sequence[Entrant],
    statistics: Sequence[Statistics],
    metric: str,
    *,
    resamples: int = kept.RESAMPLES,
    seed: int = 0,
    folder: Path | None = None,
) -> Ranking:
    """Return the places of ``entrants`` by what is kept of each of their images.

    ``folder``: where it is kept what was drawn of each entry, so that it need not be drawn again.

    They stand in the order of what is shown of them; whether a gap is chance is asked of the values
    before rounding, since the board's rounding to 1/n would make gaps or hide them.
    """
    # Sums of floats depend on their order: whoever asks in another one gets the same to the last bit.
    by_id = sorted(range(len(entrants)), key=lambda k: entrants[k].submission)
    entrants, statistics = [entrants[k] for k in by_id], [statistics[k] for k in by_id]
    values, drawn, intervals = _drawn(
        entrants, statistics, metric, resamples=resamples, seed=seed, folder=folder
    )
    compared = tested(values, drawn)
    shown = [v if e.quality is None else e.quality for e, v in zip(entrants, values, strict=True)]
    order = sorted(range(len(entrants)), key=lambda k: (-shown[k], -values[k], k))
    front = pareto.front([e.cost for e in entrants], compared.better)
    ranked: list[Ranked] = []
    for group in groups(order, compared.better):
        rank = len(ranked) + 1
        for k in group:
            low, high = intervals[k]
            ranked.append(
                Ranked(
                    submission=entrants[k].submission, rank=rank, tied=len(group) > 1,
                    value=float(shown[k]), low=low, high=high, front=front[k],
                )
            )  # fmt: skip
    return Ranking(ranked=tuple(ranked), critical=compared.critical)


def _drawn(
    entrants: Sequence[Entrant], statistics: Sequence[Statistics], metric: str,
    *, resamples: int, seed: int, folder: Path | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[tuple[float, float]]]:  # fmt: skip
    """Return values [m], what they are under joint resamples [B, m], and their intervals."""
    if all(one.each(metric) is not None for one in statistics):
        values = [kept.value(one, metric) for one in statistics]
        drawn = kept.joint(statistics, metric, count=resamples, seed=seed)
        return np.array(values), drawn, [kept.interval(one, metric) for one in statistics]
    sizes = {one.images for one in statistics}
    if len(sizes) > 1:
        raise Refusal("E_RUNNER_FETCH", "Statistics of other images.", got=str(sorted(sizes)))
    found = [
        draws.drawn(folder, e.statistics, s, metric, count=resamples, seed=seed)
        for e, s in zip(entrants, statistics, strict=True)
    ]
    intervals = [
        outward(*kept.freed(one.resampled, one.value, one.bias), images=statistics[0].images)
        for one in found
    ]
    resampled = np.stack([one.resampled for one in found], axis=1)
    return np.array([one.value for one in found]), resampled, intervals
