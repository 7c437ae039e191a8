"""A model against another one on the same dev images: what was mended, and what was broken."""

from dataclasses import dataclass
from math import comb, erfc, sqrt

import numpy as np
from numpy.typing import NDArray

_EXACT_UP_TO = 1000  # beyond, the normal approximation is as good and the integers are not huge
_NOTICEABLE = 0.01  # a change of an image's quality that is worth a look


@dataclass(frozen=True)
class Versus:
    """Places of the images that got better and that got worse, the largest change first."""

    fixed: NDArray[np.int64]
    broken: NDArray[np.int64]
    same: int
    p: float  #: of the sign test; for right and wrong that is McNemar's exact test

    @property
    def certain(self) -> bool:
        """Whether chance alone would seldom (p < .05) part them so far."""
        return self.p < 0.05  # noqa: PLR2004 - the field's habit

    def words(self, test: str = "McNemar") -> str:
        """Return the comparison as a sentence; ``test`` is what the p-value is called."""
        fixed, broken = len(self.fixed), len(self.broken)
        if fixed == broken == 0:
            return "Both models do equally well on every dev image."
        end = (
            "more than chance would explain"
            if self.certain
            else "which may be chance: more dev images would be needed to tell"
        )
        return (
            f"{fixed} dev image{'s' if fixed != 1 else ''} better, {broken} worse, {self.same} "
            f"as before ({test} p {p_words(self.p)}): {end}."
        )


def versus(now: NDArray[np.float64], before: NDArray[np.float64]) -> Versus:
    """Compare qualities float [n], 0 to 1, of the same images.

    Raises ValueError if their numbers differ.
    """
    if now.shape != before.shape:
        raise ValueError(f"{len(now)} images against {len(before)}")
    change = now - before
    better, worse = change > _NOTICEABLE, change < -_NOTICEABLE
    order = np.argsort(-np.abs(change), kind="stable")
    fixed, broken = order[better[order]], order[worse[order]]
    return Versus(
        fixed, broken, len(now) - len(fixed) - len(broken), mcnemar(len(fixed), len(broken))
    )


def mcnemar(fixed: int, broken: int) -> float:
    """Return the two-sided p-value of ``fixed`` against ``broken`` discordant pairs.

    McNemar (1947), exact: the smaller is binomial with p = 1/2. Beyond a thousand pairs by the
    normal approximation with continuity correction.
    """
    total, least = fixed + broken, min(fixed, broken)
    if total == 0:
        return 1.0
    if total > _EXACT_UP_TO:
        z = max(abs(fixed - broken) - 1, 0) / sqrt(total)
        return erfc(z / sqrt(2))
    tail = sum(comb(total, k) for k in range(least + 1))
    return float(min(1.0, 2 * tail / 2**total))


def p_words(p: float) -> str:
    """Return a p-value with its sign, such as "= .031": never zero."""
    if p < 0.001:  # noqa: PLR2004
        return "< .001"
    return "= 1" if p > 0.9995 else "= " + f"{p:.3f}".lstrip("0")  # noqa: PLR2004
