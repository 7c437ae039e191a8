"""Scores of a classification: what a split's predictions are worth, told as its secrecy allows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner import stats
from runner.contract import ClassScore, DatasetManifest, Metric, Split, SplitScore
from runner.tasks import calibration
from runner.tasks import statistics as kept
from runner.tasks.statistics import Attributes, Judged, Kept, Weights

Scores = NDArray[np.float32]  # [n, classes], logits or probabilities, all finite
Labels = NDArray[np.int64]  # [n]
METRICS = ("accuracy", "macro_f1", "top5_accuracy")
_TOP5_FROM = 6  # with five classes, everything is among the top five
_PAIRS = 10
_PROBABILITY_SLACK = 1e-3
_AT_ONCE = 1 << 19  # numbers that a processor's cache holds


class Classification:
    """What the task knows how to do."""

    metrics = METRICS

    def judge(
        self,
        split: Split,
        predictions: NDArray[Any],
        truth: Any,
        manifest: DatasetManifest,
        *,
        metric: str,
        attributes: Attributes,
    ) -> Judged:
        """Score one split; ``metric`` comes first in what is told. Raises Refusal (E_TASK)."""
        return judge(
            split, predictions, np.asarray(truth, np.int64), classes=manifest.classes,
            metric=metric, attributes=attributes,
        )  # fmt: skip

    def statistics(
        self, predictions: NDArray[Any], truth: Any, manifest: DatasetManifest
    ) -> "Classified":
        """Return what is kept of each image."""
        return read(predictions, np.asarray(truth, np.int64), classes=len(manifest.classes))[0]

    def load(self, data: bytearray) -> "Classified":
        """Read what ``save`` returned. Raises Refusal (E_RUNNER_FORM) where it is none of that."""
        return Classified.load(data)


@dataclass(frozen=True)
class Classified(Kept):
    """What is kept of n images."""

    true: NDArray[np.int32]  #: [n]
    predicted: NDArray[np.int32]  #: [n], of equal scores the first class
    right: NDArray[np.bool_]  #: [n]
    within5: NDArray[np.bool_]  #: [n], the label is among the five highest scores
    confidence: NDArray[np.float32]  #: [n], of the predicted class
    classes: int

    @property
    def images(self) -> int:
        return len(self.true)

    def each(self, metric: str) -> NDArray[np.float64] | None:
        kept.refuse_unknown(metric, METRICS)
        means = {"accuracy": self.right, "top5_accuracy": self.within5}
        return means[metric].astype(np.float64) if metric in means else None

    def replicates(self, metric: str, weights: Weights) -> NDArray[np.float64]:
        values = self.each(metric)
        total = weights.sum(axis=1, dtype=np.float64)
        if values is not None:
            # Sums of whole numbers below 2**24 are exact in float32.
            sums: NDArray[np.float32] = weights @ values.astype(np.float32)
            share: NDArray[np.float64] = sums.astype(np.float64) / total
            return share

        def hits(begin: int, end: int) -> NDArray[np.float32]:
            one: NDArray[np.bool_] = self.true[:, None] == np.arange(begin, end)
            return np.where(self.right[:, None], one, 0).astype(np.float32)

        def both(begin: int, end: int) -> NDArray[np.float32]:
            number = np.arange(begin, end)
            times: NDArray[np.float32] = np.zeros((self.images, len(number)), np.float32)
            for column in (self.true, self.predicted):
                times += column[:, None] == number
            return times

        return stats.mean_f1(
            kept.in_blocks(weights, self.classes, hits),
            kept.in_blocks(weights, self.classes, both),
        )

    def take(self, images: NDArray[np.int64]) -> "Classified":
        return Classified(
            self.true[images], self.predicted[images], self.right[images], self.within5[images],
            self.confidence[images], self.classes,
        )  # fmt: skip


def score(
    split: Split,
    scores: Scores,
    labels: Labels,
    *,
    classes: tuple[str, ...],
    metric: str = "accuracy",
    attributes: Attributes | None = None,
) -> SplitScore:
    """Return a split's figures. Classes, confusions, log-loss only for dev: elsewhere they tell labels.

    Of equal scores the first class wins, as numpy's argmax has it. Raises ValueError if the numbers
    of scores and labels differ.
    """
    return judge(
        split, scores, labels, classes=classes, metric=metric, attributes=attributes or {}
    ).score


def judge(
    split: Split,
    scores: Scores,
    labels: Labels,
    *,
    classes: tuple[str, ...],
    metric: str,
    attributes: Attributes,
) -> Judged:
    """Return a split's figures as ``score`` does, and what is kept of each image."""
    kept.refuse_unknown(metric, METRICS)
    found, losses, probable = read(scores, labels, classes=len(classes))
    counts = stats.confusion(labels, found.predicted.astype(np.int64), classes=len(classes))
    metrics = kept.ranking_first(_metrics(found, counts, metric), metric)
    told = SplitScore(split=split, images=len(labels), metrics=metrics)
    if split == "dev":
        calibrated = calibration.calibration(scores, labels, found.confidence, probable=probable)
        low, high = stats.mean_interval(losses)
        told = SplitScore(
            split=split,
            images=len(labels),
            metrics=(
                *metrics,
                Metric(name="nll", value=float(losses.mean()), low=low, high=high),
                Metric(name="ece", value=calibrated.ece),
            ),
            classes=_class_scores(counts, classes),
            confusion=tuple(tuple(row) for row in counts.tolist()),
            confused=most_confused(counts, classes),
            slices=kept.slices(found, metric, attributes),
            calibration=calibrated,
        )
    return Judged(told, found)


def _metrics(found: Classified, counts: stats.Counts, metric: str) -> list[Metric]:
    low, high = stats.macro_f1_interval(counts)
    metrics = [
        kept.as_metric(found, "accuracy"),
        Metric(name="macro_f1", value=float(stats.macro_f1(counts)), low=low, high=high),
    ]
    if found.classes >= _TOP5_FROM or metric == "top5_accuracy":
        metrics.append(kept.as_metric(found, "top5_accuracy"))
    return metrics


def read(
    scores: Scores, labels: Labels, *, classes: int
) -> tuple[Classified, NDArray[np.float64], bool]:
    """Return what is kept, the log-loss [n] in nats, and whether the scores are probabilities.

    One pass over pieces that fit a cache. Raises ValueError if the numbers of rows differ.
    """
    if len(scores) != len(labels):
        raise ValueError(f"{len(scores)} rows for {len(labels)} labels")
    count, step = len(labels), max(1, _AT_ONCE // scores.shape[1])
    probable = are_probabilities(scores)
    predicted = np.empty(count, np.int32)
    ahead = np.empty(count, np.int32)
    confidence = np.empty(count, np.float32)
    losses = np.empty(count, np.float64)
    for begin in range(0, count, step):
        part = slice(begin, begin + step)
        predicted[part] = scores[part].argmax(axis=1)
        own = np.take_along_axis(scores[part], labels[part, None], axis=1)
        ahead[part] = _ahead(scores[part], own, labels[part])
        best = scores[part].max(axis=1, keepdims=True)
        if probable:
            confidence[part], losses[part] = best[:, 0], -np.log(np.maximum(own[:, 0], 1e-30))
            continue
        with np.errstate(over="ignore"):  # logits of -1e38 fall to -inf, whose share is 0
            powers = np.exp(scores[part] - best)
        total = powers.sum(axis=1, dtype=np.float64)
        confidence[part] = 1 / total
        losses[part] = np.log(total) + best[:, 0].astype(np.float64) - own[:, 0]
    found = Classified(
        labels.astype(np.int32), predicted, predicted == labels, ahead < 5, confidence, classes  # noqa: PLR2004
    )  # fmt: skip
    return found, losses, probable


def _ahead(scores: Scores, own: Scores, labels: Labels) -> NDArray[np.int64]:
    """Return how many classes rank before the label; of equal scores the lower number does."""
    higher = np.count_nonzero(scores > own, axis=1)
    tied = np.flatnonzero(np.count_nonzero(scores == own, axis=1) > 1)
    number = np.arange(scores.shape[1])
    before = (scores[tied] == own[tied]) & (number < labels[tied, None])
    higher[tied] += np.count_nonzero(before, axis=1)
    ranks: NDArray[np.int64] = higher
    return ranks


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


def are_probabilities(scores: Scores) -> bool:
    """Return whether every row is a distribution: nothing negative, a sum of 1 within .001."""
    few = scores[:256]  # most logits betray themselves there
    return all(
        part.min(initial=0) >= 0 and bool(np.all(np.abs(part.sum(axis=1) - 1) < _PROBABILITY_SLACK))
        for part in (few, scores)
    )


def probabilities(scores: Scores) -> NDArray[np.float32]:
    """Return rows that sum to 1: the scores themselves if they already do, else their softmax."""
    if are_probabilities(scores):
        return scores
    # In double precision: float32 logits of 1e38 would overflow when subtracted.
    return calibration.softmax(scores.astype(np.float64)).astype(np.float32)
