"""What a report has to show of dev, worked out once: scores, mistakes, and the model before."""

import functools
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runner import scoring
from runner.contract import DatasetManifest, Metric, SplitScore, Task
from runner.datasets.version import read_manifest
from runner.errands import ReportErrand
from runner.report import classes, confusion, curves, words
from runner.report.detection import Detections, detections_of
from runner.report.evidence import Evidence, gather, kept_predictions
from runner.report.secrecy import dev_score, released, told
from runner.report.style import Bar, Picture, bars
from runner.report.versus import Versus, versus
from runner.report.worst import Mistake, describe, quality, worst

if TYPE_CHECKING:
    from runner.desk import Desk

BROKEN = 12  #: images that got worse, as many as are shown


class Sections:
    """The parts of one report. Reads dev only."""

    def __init__(self, desk: "Desk", errand: ReportErrand) -> None:
        """Read the predictions. Raises Refusal where they, or the dataset, are not here."""
        self.desk = desk
        self.errand = errand
        self.evidence: Evidence | None = None
        self.manifest: DatasetManifest
        if errand.dev is not None:
            self.evidence = gather(desk, errand.dataset, errand.dev)
            self.manifest = self.evidence.manifest
        else:
            self.manifest = read_manifest(desk.datasets, errand.dataset)
        self.dev = dev_score(errand)

    @functools.cached_property
    def detections(self) -> Detections | None:
        return detections_of(self.evidence) if self.evidence else None

    @functools.cached_property
    def mistakes(self) -> list[Mistake] | None:
        return worst(self.evidence, self.detections) if self.evidence else None

    @functools.cached_property
    def before(self) -> Evidence | None:
        """The same images with what the team's best before said of them."""
        if self.evidence is None or self.errand.previous is None:
            return None
        before = kept_predictions(self.desk, self.errand.previous, self.manifest)
        return self.evidence.instead(before)

    @functools.cached_property
    def versus(self) -> Versus | None:
        if self.evidence is None or self.before is None:
            return None
        return compared(self.evidence, self.before, self.detections)

    def difference(self) -> str:
        """Return the comparison with the best before as a sentence; empty without one."""
        return self.versus.words(test_of(self.manifest.task)) if self.versus else ""

    def broken(self) -> list[Mistake]:
        """Return the images that the model before did better, the largest loss first."""
        if self.evidence is None or self.versus is None:
            return []
        return why(self.evidence, self.versus.broken[:BROKEN], self.detections)

    def scores_before(self) -> tuple[Metric, ...]:
        """Return the dev figures of the team's best before, by the metric of today."""
        if self.before is None:
            return ()
        return score_of(self.desk, self.before, metric=self.errand.metric).metrics


def test_of(task: Task) -> str:
    """Return what the paired test is called: of right and wrong, it is McNemar's."""
    return "McNemar" if task == "classification" else "sign test"


def compared(evidence: Evidence, before: Evidence, detections: Detections | None) -> Versus:
    """Compare two models image by image."""
    return versus(quality(evidence, detections), quality(before, detections_of(before)))


def why(
    evidence: Evidence, places: NDArray[np.int64], detections: Detections | None
) -> list[Mistake]:
    """Return those images with a line on what is wrong with each."""
    return [describe(evidence, int(place), detections) for place in places]


def score_of(desk: "Desk", evidence: Evidence, *, metric: str) -> SplitScore:
    """Return the dev score of a model's predictions, as scoring tells it today."""
    scored = scoring.score(
        desk.datasets, evidence.manifest, ("dev",), (evidence.predictions,),
        metric=metric, ladder=None, files=desk.files,
    )  # fmt: skip
    return scored.scores[0]


def draw_card(sections: Sections) -> Picture:
    """Return the picture of the card: what this task's members look at first."""
    score, name = sections.dev, sections.errand.title
    if score is None:
        return _draw_figures(sections.errand)
    return draw_dev(name, score, sections.detections)


def draw_dev(name: str, score: SplitScore, detections: Detections | None) -> Picture:
    """Return confusion matrix, precision-recall curves or IoU per class."""
    if detections is not None:
        return curves.draw(name, score, detections)
    if score.confusion and not any(found.iou is not None for found in score.classes):
        return confusion.draw(name, score)
    return classes.draw_iou(name, score)


def _draw_figures(errand: ReportErrand) -> Picture:
    """Return the released figures as bars, for a benchmark without dev."""
    rows = [
        Bar(words.title(metric.name), metric.value, metric.low, metric.high)
        for score in told(errand)
        for metric in released(errand, score)
        if metric.name not in words.NO_SHARE
    ]
    said = "; ".join(f"{row.name} {100 * row.value:.1f} %" for row in rows) or "nothing released"
    return bars(
        rows, title=errand.title, subtitle="with 95 % intervals", alt=f"{errand.title}: {said}."
    )
