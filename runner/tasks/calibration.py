"""How far confidence can be believed, and what one division of the logits would mend. Dev only."""

import numpy as np
from numpy.typing import NDArray

from runner.contract import Calibration

BINS = 15
_MOST = 5_000  # images are enough for one number
_STEPS = 25
_LEAST, _GREATEST = 0.02, 50.0  # of a temperature
_TINY = 1e-30

Scores = NDArray[np.float32]
Labels = NDArray[np.int64]


def ece(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Return the expected calibration error over 15 bins of equal width.

    Guo et al. (2017), On calibration of modern neural networks: the mean over images of the
    distance between accuracy and mean confidence in the image's bin.
    """
    sure, hit, count = _binned(confidence, right)
    return float(np.abs(sure - hit).sum() / max(count.sum(), 1))


def _binned(
    confidence: NDArray[np.floating], right: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Return sums of confidence, of right answers and of images, [15] each."""
    # Bins are open below and closed above, as in the paper; nothing is confident by 0.
    place = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return (
        np.bincount(place, weights=confidence, minlength=BINS).astype(np.float64),
        np.bincount(place, weights=right, minlength=BINS).astype(np.float64),
        np.bincount(place, minlength=BINS),
    )


def calibration(
    scores: Scores, labels: Labels, confidence: NDArray[np.float32], *, probable: bool
) -> Calibration:
    """Return calibration on dev; a random half chooses the temperature, the other half tells of it.

    ``scores`` [n, classes] are logits, or with ``probable`` probabilities, whose logarithms serve.
    """
    right = scores.argmax(axis=1) == labels
    order = np.random.default_rng(0).permutation(len(labels))
    chosen, held = np.array_split(order, 2)
    chosen, held = chosen[:_MOST], held[:_MOST]
    divisor = temperature(logits(scores[chosen], probable=probable), labels[chosen])
    after = softmax(logits(scores[held], probable=probable) / divisor).max(axis=1, initial=0)
    sure, hit, count = _binned(confidence, right)
    return Calibration(
        ece=ece(confidence, right),
        temperature=divisor,
        ece_after=ece(after, right[held]),
        bins=tuple(
            (float(s / c), float(h / c), int(c))
            for s, h, c in zip(sure, hit, count, strict=True)
            if c
        ),
    )


def logits(scores: Scores, *, probable: bool) -> NDArray[np.float64]:
    """Return logits float64: the scores, or the logarithms of probabilities."""
    wide = scores.astype(np.float64)
    return np.log(np.maximum(wide, _TINY)) if probable else wide


def softmax(wide: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares that sum to 1 in each row."""
    powers = np.exp(wide - wide.max(axis=1, keepdims=True, initial=-np.inf))
    shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares


def temperature(wide: NDArray[np.float64], labels: Labels) -> float:
    """Return the divisor of the logits [n, classes] that makes the log-loss least, .02 to 50.

    The loss is convex in 1/T and its slope is mean(expected logit − own logit): bisection finds
    where it vanishes. 1 without images.
    """
    if not len(wide):
        return 1.0
    own = wide[np.arange(len(labels)), labels].mean()
    low, high = 1 / _GREATEST, 1 / _LEAST
    for _ in range(_STEPS):
        middle = float(np.sqrt(low * high))
        expected = (softmax(wide * middle) * wide).sum(axis=1).mean()
        low, high = (low, middle) if expected > own else (middle, high)
    return 1 / float(np.sqrt(low * high))
