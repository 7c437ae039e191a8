"""One metric of two models on the same images: the difference, its interval and its p-value."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from runner.errands import Entrant
from runner.ranking.outward import outward
from runner.report.versus import mcnemar
from runner.tasks import statistics as kept
from runner.tasks.statistics import Statistics


@dataclass(frozen=True)
class Comparison:
    """One metric of two models, one minus the other."""

    metric: str
    one: float
    other: float
    low: float
    high: float
    p: float  #: two-sided
    share: bool  #: of images, so that it is said in per cent

    @property
    def difference(self) -> float:
        return self.one - self.other

    def show(self, value: float) -> str:
        """Return a value as tables have it: "93.1 %" or "0.505"."""
        return f"{100 * value:.1f} %" if self.share else f"{value:.3f}"

    def show_difference(self, value: float) -> str:
        """Return a difference with its sign: "+1.2 points" or "+0.012"."""
        return f"{100 * value:+.1f} points" if self.share else f"{value:+.3f}"


def compared(one: Statistics, other: Statistics, metric: str) -> Comparison:
    """Return ``metric`` of both, with the 95 % interval of the paired difference and its p-value.

    Right or wrong: McNemar's exact test, and the bootstrap of images, which for pairs is a
    multinomial of who was right. Else the joint bootstrap, whose p-value is twice the share of
    resamples on the far side of no difference, never below 2/(B + 1).
    """
    values = kept.value(one, metric), kept.value(other, metric)
    mine, theirs = one.each(metric), other.each(metric)
    share = mine is not None and theirs is not None
    if mine is not None and theirs is not None:
        ahead, behind = int((mine > theirs).sum()), int((mine < theirs).sum())
        drawn = resampled_pairs(ahead, behind, len(mine))
        p = mcnemar(ahead, behind)
    else:
        both = kept.joint([one, other], metric)
        drawn = both[:, 0] - both[:, 1]
        p = crossing(drawn)
    low, high = kept.percentiles(drawn)
    return Comparison(metric, *values, low=low, high=high, p=p, share=share)


def resampled_pairs(ahead: int, behind: int, images: int, *, seed: int = 0) -> NDArray[np.float64]:
    """Return differences [1000] of two shares under resamples of the images they are shares of."""
    shares = np.array([ahead, behind, images - ahead - behind]) / images
    drawn = np.random.default_rng(seed).multinomial(images, shares, size=kept.RESAMPLES)
    difference: NDArray[np.float64] = (drawn[:, 0] - drawn[:, 1]) / images
    return difference


def crossing(drawn: NDArray[np.float64]) -> float:
    """Return the two-sided p-value of no difference under bootstrap differences [B]."""
    below, above = int((drawn <= 0).sum()), int((drawn >= 0).sum())
    return min(1.0, 2 * (min(below, above) + 1) / (len(drawn) + 1))


def as_released(found: Comparison, one: Entrant, other: Entrant, *, images: int) -> Comparison:
    """Return a comparison on hidden images as coarse as the board: 1/n, and p to hundredths."""

    def shown(value: float, entrant: Entrant) -> float:
        return round(value * images) / images if entrant.quality is None else entrant.quality

    low, high = outward(found.low, found.high, images=images)
    values = shown(found.one, one), shown(found.other, other)
    difference = values[0] - values[1]
    return replace(
        found,
        one=values[0],
        other=values[1],
        low=min(low, difference),
        high=max(high, difference),
        p=math.ceil(100 * found.p) / 100,
    )
