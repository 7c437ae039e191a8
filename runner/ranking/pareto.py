"""The choices for deployment: whom nobody beats clearly without costing more."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def front(costs: Sequence[float | None], better: NDArray[np.bool_]) -> list[bool]:
    """Return which of m entries are on the Pareto front of quality and cost (lower is better).

    An entry is dominated only if another one costs at most as much and is better by more than chance
    (``better`` [m, m], row over column): a faster model does not lose its place to luck. What has no
    known cost is no choice, and pushes nobody out.
    """
    known = [c if c is not None else np.nan for c in costs]
    cost = np.array(known, np.float64)
    # A comparison with NaN is false: whoever has no cost dominates nobody.
    dominated = (better & (cost[:, None] <= cost)).any(axis=0)
    return [bool(there) for there in ~dominated & ~np.isnan(cost)]
