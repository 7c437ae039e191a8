"""Scores of a detection: COCO's 12 figures, on boxes mapped back to the original images."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.contract import ClassScore, DatasetManifest, Metric, Split, SplitScore
from runner.datasets.truth import Boxes
from runner.tasks import coco, detected
from runner.tasks import statistics as kept
from runner.tasks.coco import Objects
from runner.tasks.detected import Detected
from runner.tasks.statistics import Attributes, Judged

METRICS = detected.METRICS


class Detection:
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
        kept.refuse_unknown(metric, METRICS)
        classes = len(manifest.classes)
        true, found = objects(truth), boxes(predictions, truth)
        evaluation = coco.evaluated(true, found, size=truth.size, classes=classes)
        statistics = detected.detected(true, found, images=len(truth), classes=classes)
        metrics = kept.ranking_first(_metrics(coco.figures(evaluation), statistics), metric)
        told = SplitScore(split=split, images=len(truth), metrics=metrics)
        if split != "dev":
            return Judged(told, statistics)
        told = SplitScore(
            split=split,
            images=len(truth),
            metrics=metrics,
            classes=_class_scores(statistics, manifest.classes),
            slices=kept.slices(statistics, metric, attributes),
        )
        return Judged(told, statistics, {"curves-dev.npz": curves(evaluation)})

    def statistics(
        self, predictions: NDArray[Any], truth: Any, manifest: DatasetManifest
    ) -> Detected:
        """Return what is kept of each image."""
        return detected.detected(
            objects(truth), boxes(predictions, truth),
            images=len(truth), classes=len(manifest.classes),
        )  # fmt: skip

    def load(self, data: bytearray) -> Detected:
        """Read what ``save`` returned. Raises Refusal (E_RUNNER_FORM) where it is none of that."""
        return Detected.load(data)


def objects(truth: Boxes) -> Objects:
    """Return what is true, in pixels of the original images."""
    return Objects(truth.image, truth.box, truth.category, area=truth.area, crowd=truth.crowd)


def boxes(predictions: NDArray[np.float32], truth: Boxes) -> Objects:
    """Return what rows [n, 100, 6] hold, in pixels of the original images and cut at their edges.

    Raises ValueError if the numbers of rows and images differ.
    """
    if len(predictions) != len(truth):
        raise ValueError(f"{len(predictions)} rows for {len(truth)} images")
    used = (predictions != -1).any(axis=2)
    image = np.nonzero(used)[0]
    rows = predictions[used].astype(np.float64)
    scale, pad = truth.scale[image], truth.pad[image]
    far = truth.size[image][:, ::-1].astype(np.float64)
    low = np.clip((rows[:, 0:2] - pad) / scale, 0, far)
    high = np.clip((rows[:, 2:4] - pad) / scale, 0, far)
    box = np.hstack([low, np.maximum(high - low, 0)])
    return Objects(image, box, rows[:, 5].astype(np.int64), score=rows[:, 4])


def _metrics(figures: dict[str, float], statistics: Detected) -> list[Metric]:
    told = []
    for name, value in figures.items():
        if value < 0:  # no object of that size: there is nothing to tell
            continue
        low, high = kept.interval(statistics, name) if name in METRICS else (None, None)
        told.append(Metric(name=name, value=value, low=low, high=high))
    return told


def _class_scores(statistics: Detected, classes: tuple[str, ...]) -> tuple[ClassScore, ...]:
    once = np.ones((1, statistics.images), np.float32)
    values, counts = statistics.by_class("ap", once)
    recall, _ = statistics.by_class("ar_100", once)
    return tuple(
        ClassScore(
            name=name, support=int(counts[k, 0]),
            ap=float(values[k, 0]) if counts[k, 0] else None,
            recall=float(recall[k, 0]) if counts[k, 0] else None,
        )
        for k, name in enumerate(classes)
    )  # fmt: skip


def curves(evaluation: Any) -> bytes:
    """Return an npz of what may be drawn of dev.

    ``recall`` [101]; ``precision50`` and ``precision`` [classes, 101], at IoU .5 and over .5 to .95,
    and ``scores50`` [classes, 101], the score at which each recall is reached: NaN where a class has
    no object; ``errors`` (names) and ``costs`` (AP50 that each kind of error costs), after Bolya et
    al. (2020), TIDE.
    """
    arrays = evaluation.eval
    precision = arrays["precision"][..., 0, 2].transpose(0, 2, 1)  # [T, K, R]
    scores = arrays["scores"][0, :, :, 0, 2].T
    absent = precision[0, :, :1] < 0
    tide = evaluation.tide_errors()["delta_ap"]
    file = io.BytesIO()
    np.savez(
        file,
        recall=detected.LEVELS,
        precision50=np.where(absent, np.nan, precision[0]),
        precision=np.where(absent, np.nan, precision.mean(axis=0)),
        scores50=np.where(absent, np.nan, scores),
        errors=np.array(sorted(tide)),
        costs=np.array([tide[name] for name in sorted(tide)]),
    )
    return file.getvalue()
