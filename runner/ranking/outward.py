"""Rounding of what is said of hidden images, as coarse as the Ladder rounds values: to 1/n."""

import math

_SLACK = 1e-9  # a bound on the grid stays there, whatever floats make of it


def outward(low: float, high: float, *, images: int) -> tuple[float, float]:
    """Return the interval widened to multiples of 1/``images``.

    So it holds the rounded value beside it, covers no less, and tells nothing finer than that value.
    """
    return (
        math.floor(low * images + _SLACK) / images,
        math.ceil(high * images - _SLACK) / images,
    )
