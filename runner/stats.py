"""Intervals and figures with their sources; pure numpy, no files, no models."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution
Counts = NDArray[np.int64]


def wilson(right: int, total: int) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion.

    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
    Raises ValueError unless 0 ≤ right ≤ total and total > 0.
    """
    if total <= 0 or not 0 <= right <= total:
        raise ValueError(f"{right} of {total} is no proportion")
    share = right / total
    z2 = Z95 * Z95
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 / (1 + z2 / total) * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2))
    # At the ends the formula gives 0 and 1 exactly, were it not for rounding.
    low = 0.0 if right == 0 else max(0.0, min(middle - half, share))
    high = 1.0 if right == total else min(1.0, max(middle + half, share))
    return low, high


def confusion(true: Counts, predicted: Counts, *, classes: int) -> Counts:
    """Return counts [classes, classes]: row = true class, column = predicted class."""
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(
        classes, classes
    )


@dataclass(frozen=True)
class PerClass:
    """Figures float64 [classes]; 0 where a class was never predicted or never there."""

    support: Counts
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


def per_class(counts: Counts) -> PerClass:
    """Return precision, recall and F1 of each class of a confusion matrix."""
    hits = np.diagonal(counts).astype(np.float64)
    support, taken = counts.sum(axis=1), counts.sum(axis=0)
    return PerClass(
        support,
        _ratio(hits, taken.astype(np.float64)),
        _ratio(hits, support.astype(np.float64)),
        _ratio(2 * hits, (support + taken).astype(np.float64)),
    )


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


def macro_f1(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean F1 over classes of confusions [..., classes, classes].

    The mean of per-class F1 (Opitz & Burst 2019, "Macro F1 and Macro F1", the first of the two),
    over the classes that occur as truth or as prediction, as scikit-learn counts them.
    """
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    return mean_f1(hits, counts.sum(axis=-1) + counts.sum(axis=-2))


def macro_f1_interval(
    counts: Counts, *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of macro F1 over images.

    Efron (1979). Drawing n images anew is drawing their confusion cells from a multinomial, so
    ``resamples`` matrices cost as many draws, whatever n is. Deterministic for a seed.
    """
    total = int(counts.sum())
    if total == 0:
        raise ValueError("no images")
    cells = np.flatnonzero(counts)
    drawn = np.random.default_rng(seed).multinomial(
        total, counts.ravel()[cells] / total, size=resamples
    )
    classes = len(counts)
    true, predicted = np.divmod(cells, classes)
    # Sums per class by one product each: [resamples, cells] @ [cells, classes].
    one = np.eye(classes)
    hits = drawn @ (one[true] * (true == predicted)[:, None])
    both = drawn @ (one[true] + one[predicted])
    low, high = np.quantile(mean_f1(hits, both), [0.025, 0.975])
    return float(low), float(high)


def mean_f1(hits: NDArray[Any], both: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean F1 [...] of hits and of truths plus predictions, [..., classes] each.

    Over the classes that occur as either; for pixels it is the mean Dice coefficient.
    """
    f1 = _ratio(2.0 * hits.astype(np.float64), both.astype(np.float64))
    mean: NDArray[np.float64] = f1.sum(axis=-1) / np.maximum((both > 0).sum(axis=-1), 1)
    return mean


def mean_interval(
    values: NDArray[np.float64], *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of the mean of ``values`` [n]."""
    random = np.random.default_rng(seed)
    means = [values[random.integers(0, len(values), len(values))].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
