"""The Ladder: a team's entry counts on the board only if it is clearly better than its best so far.

Blum & Hardt (2015), The Ladder: a reliable leaderboard for machine learning competitions,
parameter-free form, for any metric of which higher is better.
"""

import math

import numpy as np

from runner.contract import Verdict
from runner.tasks import statistics as kept
from runner.tasks.statistics import Statistics


def verdict(
    new: Statistics, metric: str, *, best: Statistics | None = None, released: float | None = None
) -> Verdict:
    """Return whether ``new`` counts beside the ``best`` that did, whose ``released`` value is shown.

    It counts if it exceeds the released value by more than one standard error of the paired
    difference; what is released is rounded to 1/n. A first entry always counts.
    """
    images = new.images
    value = kept.value(new, metric)
    rounded = round(value * images) / images
    if best is None or released is None:
        return Verdict(counts=True, released=rounded)
    if value - released > standard_error(new, best, metric):
        return Verdict(counts=True, released=rounded, best=released)
    return Verdict(counts=False, released=released, best=released)


def standard_error(one: Statistics, other: Statistics, metric: str) -> float:
    """Return the standard error of the difference of two models on the same images.

    For means over images std(v − v*, ddof=1)/√n; else the standard deviation over paired
    bootstrap resamples. Raises Refusal (E_RUNNER_FETCH) where the images are not the same number.
    """
    mine, theirs = one.each(metric), other.each(metric)
    if mine is not None and theirs is not None and len(mine) == len(theirs):
        return float(np.std(mine - theirs, ddof=1) / math.sqrt(len(mine))) if len(mine) > 1 else 0.0
    drawn = kept.joint([one, other], metric)
    return float(np.std(drawn[:, 0] - drawn[:, 1], ddof=1))
