"""Scores of a classification: what a split's predictions are worth, told as its secrecy allows."""

import io

import numpy as np
from numpy.typing import NDArray

from runner import stats
from runner.contract import ClassScore, Metric, Split, SplitScore

Scores = NDArray[np.float32]  # [n, classes], logits or probabilities, all finite
Labels = NDArray[np.int64]  # [n]
_TOP5_FROM = 6  # with five classes, everything is among the top five
_PAIRS = 10
_PROBABILITY_SLACK = 1e-3


def score(split: Split, scores: Scores, labels: Labels, *, classes: tuple[str, ...]) -> SplitScore:
    """Return a split's figures. Classes and confusions only for dev: elsewhere they tell labels.

    Of equal scores the first class wins, as numpy's argmax has it. Raises ValueError if the numbers
    of scores and labels differ.
    """
    if len(scores) != len(labels):
        raise ValueError(f"{len(scores)} rows for {len(labels)} labels")
    predicted = scores.argmax(axis=1)
    counts = stats.confusion(labels, predicted, classes=len(classes))
    public = split == "dev"
    return SplitScore(
        split=split,
        images=len(labels),
        metrics=_metrics(scores, labels, counts),
        classes=_class_scores(counts, classes) if public else (),
        confusion=tuple(tuple(row) for row in counts.tolist()) if public else (),
        confused=most_confused(counts, classes) if public else (),
    )


def _metrics(scores: Scores, labels: Labels, counts: stats.Counts) -> tuple[Metric, ...]:
    right, total = int(np.trace(counts)), len(labels)
    low, high = stats.wilson(right, total)
    f1_low, f1_high = stats.macro_f1_interval(counts)
    metrics = [
        Metric(name="accuracy", value=right / total, low=low, high=high),
        Metric(name="macro_f1", value=float(stats.macro_f1(counts)), low=f1_low, high=f1_high),
    ]
    if scores.shape[1] >= _TOP5_FROM:
        within = top_k_right(scores, labels, 5)
        low, high = stats.wilson(within, total)
        metrics.append(Metric(name="top5_accuracy", value=within / total, low=low, high=high))
    return tuple(metrics)


def top_k_right(scores: Scores, labels: Labels, k: int) -> int:
    """Return how many images have their label among the ``k`` highest scores.

    Of equal scores the lower class number ranks first, so that k = 1 agrees with argmax.
    """
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    number = np.arange(scores.shape[1])
    ahead = (scores > own) | ((scores == own) & (number < labels[:, None]))
    return int((ahead.sum(axis=1) < k).sum())


def _class_scores(counts: stats.Counts, classes: tuple[str, ...]) -> tuple[ClassScore, ...]:
    of = stats.per_class(counts)
    columns = (of.support.tolist(), of.precision.tolist(), of.recall.tolist(), of.f1.tolist())
    return tuple(
        ClassScore(name=name, support=support, precision=precision, recall=recall, f1=f1)
        for name, support, precision, recall, f1 in zip(classes, *columns, strict=True)
    )


def most_confused(
    counts: stats.Counts, classes: tuple[str, ...]
) -> tuple[tuple[str, str, int], ...]:
    """Return up to ten (true, predicted, count), the most frequent first, then in class order."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    pairs = [(*divmod(int(cell), len(classes)), int(wrong.flat[cell])) for cell in order]
    return tuple((classes[t], classes[p], count) for t, p, count in pairs if count)


def probabilities(scores: Scores) -> NDArray[np.float32]:
    """Return rows that sum to 1: the scores themselves if they already do, else their softmax."""
    sums = scores.sum(axis=1)
    if scores.min() >= 0 and bool(np.all(np.abs(sums - 1) < _PROBABILITY_SLACK)):
        return scores
    # In double precision: float32 logits of 1e38 would overflow when subtracted.
    wide = scores.astype(np.float64)
    powers = np.exp(wide - wide.max(axis=1, keepdims=True))
    shares: NDArray[np.float32] = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def statistics(scores: Scores, labels: Labels) -> bytes:
    """Return an npz with ``right`` (bool [n]) and ``confidence`` (float32 [n]) of each image.

    Enough for every interval and paired test; it names no class, but is for the server only.
    """
    file = io.BytesIO()
    np.savez_compressed(
        file,
        right=scores.argmax(axis=1) == labels,
        confidence=probabilities(scores).max(axis=1),
    )
    return file.getvalue()
