"""The analyses that a member asks for, each a picture with words and rows. Dev only."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from runner.contract import Artifact, DatasetManifest, SplitScore
from runner.errands import AnalysisErrand, Made
from runner.failures import Refusal
from runner.plain_text import cleaned
from runner.preflight import refuse_hostile
from runner.report import classes, confusion, curves, gallery, quantization, robustness, saliency
from runner.report import words as figures
from runner.report.detection import SURE, detections_of
from runner.report.evidence import Evidence, gather, kept_predictions
from runner.report.outputs import Outputs
from runner.report.page import stored
from runner.report.sections import compared, score_of, test_of, why
from runner.report.style import Picture
from runner.report.worst import MOST, worst

if TYPE_CHECKING:
    from runner.desk import Desk

_WORDS = 1200
_CELL = 60
_MODELS = {"model-static.onnx", "model-dynamic.onnx"}
_ROOM = 8 << 20  # bytes that a quantised file may have beyond twice the model's own
_MOST_MODEL = 1 << 30
_BYTES = "application/octet-stream"


def _models(
    desk: "Desk", errand: AnalysisErrand, manifest: DatasetManifest
) -> tuple[list[Artifact], str]:
    """Return the quantised models that are handed to the member, and in words which are not.

    A hostile model has a say in what its quantised files hold: they are looked through as it was.
    """
    found: list[Artifact] = []
    withheld = []
    if errand.analysis != "quantize":
        return found, ""
    outputs = Outputs(desk, errand.outputs)
    most = min(_ROOM + 2_000_000 * errand.limits.model_mb, _MOST_MODEL)
    for file in errand.outputs:
        if file.name in _MODELS:
            data = bytes(outputs.data(file.name, most=most))
            try:
                refuse_hostile(data, manifest, declared=errand.declared, limits=errand.limits)
            except Refusal as refusal:
                why = cleaned(f"{refusal.problem} {refusal.got}", 160)
                withheld.append(f" {file.name} is not handed out: {why} ({refusal.code}).")
                continue
            # Of what else a runner says of its file nothing is passed on.
            found.append(file.model_copy(update={"media_type": _BYTES, "alt": ""}))
    return found, "".join(withheld)


class _Drawn:
    """What one analysis gives."""

    def __init__(
        self,
        pictures: list[tuple[str, Picture]],
        words: str,
        rows: tuple[tuple[str, ...], ...] = (),
        **figures: float,
    ) -> None:
        self.pictures = pictures
        self.words = words
        self.rows = rows
        self.figures = figures


def carry_out(desk: "Desk", errand: AnalysisErrand) -> Made:
    """Draw one analysis. Raises Refusal where its files are missing or of another form."""
    evidence = gather(desk, errand.dataset, errand.dev)
    drawn = _ANALYSES[errand.analysis](desk, errand, evidence)
    models, withheld = _models(desk, errand, evidence.manifest)
    return Made(
        artifacts=(
            *(stored(desk, name, picture) for name, picture in drawn.pictures),
            *models,
        ),
        words=cleaned(drawn.words, _WORDS - len(withheld)) + withheld,
        figures=drawn.figures,
        rows=tuple(tuple(cleaned(cell, _CELL) for cell in row) for row in drawn.rows),
    )


def _confusion(desk: "Desk", errand: AnalysisErrand, evidence: Evidence) -> _Drawn:
    detections = detections_of(evidence)
    if detections is not None:
        return _found_for_what(evidence, detections.confusion())
    score = score_of(desk, evidence, metric=errand.metric)
    picture = confusion.draw(errand.title, score)
    unit = "pixels" if evidence.task == "segmentation" else "images"
    rows = (("true", "predicted", unit), *((t, p, f"{n:,}") for t, p, n in score.confused))
    return _Drawn([("confusion.png", picture)], picture.alt, rows)


def _found_for_what(evidence: Evidence, counts: NDArray[np.int64]) -> _Drawn:
    names = (*evidence.manifest.classes, "(nothing)")
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:10]
    pairs = [
        (names[true], names[said], int(wrong[true, said]))
        for true, said in (divmod(int(cell), len(names)) for cell in order)
        if wrong[true, said]
    ]
    right, there = int(np.trace(counts)), int(counts[:-1].sum())
    most = ", ".join(f"{true} found as {said} ({count}×)" for true, said, count in pairs[:3])
    alt = (
        f"What was found at IoU .50 with confidence {SURE} or more: {right} of {there} objects "
        f"right; most frequent errors: {most or 'none'}."
    )
    picture = confusion.draw_counts(
        counts, names, title=f"{right} of {there} objects found",
        subtitle=f"{len(evidence)} dev images, IoU .50, confidence {SURE} or more", alt=alt,
    )  # fmt: skip
    rows = (("there", "found", "times"), *((t, s, f"{n:,}") for t, s, n in pairs))
    return _Drawn([("confusion.png", picture)], alt, rows)


def _errors(_desk: "Desk", _errand: AnalysisErrand, evidence: Evidence) -> _Drawn:
    detections = detections_of(evidence)
    mistakes = worst(evidence, detections)
    pictures = [("errors.png", gallery.draw(evidence, mistakes, detections))]
    if detections is not None:
        pictures.append(("tide.png", curves.errors(detections)))
    rows = (("image", "what is wrong"), *((f"#{m.image}", m.words) for m in mistakes))
    words = " ".join(picture.alt for _, picture in pictures)
    return _Drawn(pictures, words, rows if mistakes else (), shown=len(mistakes))


def _slices(desk: "Desk", errand: AnalysisErrand, evidence: Evidence) -> _Drawn:
    score = score_of(desk, evidence, metric=errand.metric)
    if not score.slices:
        return _Drawn([], "Nothing is known of this benchmark's images that could part them.")
    picture = classes.draw_slices(score.metrics[0].name, score.slices)
    return _Drawn([("slices.png", picture)], _slice_words(score), _slice_rows(score))


def _slice_words(score: SplitScore) -> str:
    seen = [found for found in score.slices if found.images]
    if not seen:
        return "No slice has an image."
    weakest, best = (choose(seen, key=lambda s: s.score) for choose in (min, max))
    return (
        f"Weakest: {weakest.attribute} {weakest.value} with {100 * weakest.score:.1f} % of "
        f"{figures.count(weakest.images, 'image')}; best: {best.attribute} {best.value} with "
        f"{100 * best.score:.1f} %. Intervals that overlap may differ by chance alone."
    )


def _slice_rows(score: SplitScore) -> tuple[tuple[str, ...], ...]:
    lines = [
        (
            f"{s.attribute}: {s.value}", f"{s.images:,}", f"{100 * s.score:.1f} %",
            "–" if s.low is None or s.high is None
            else f"{100 * s.low:.1f} to {100 * s.high:.1f} %",
        )
        for s in score.slices
    ]  # fmt: skip
    return (("condition", "images", figures.title(score.metrics[0].name), "95 %"), *lines)


def _diff(desk: "Desk", errand: AnalysisErrand, evidence: Evidence) -> _Drawn:
    if errand.other is None:
        raise Refusal("E_TASK", "A difference needs two models.", got="one")
    other = kept_predictions(desk, errand.other, evidence.manifest)
    before, detections = evidence.instead(other), detections_of(evidence)
    found = compared(evidence, before, detections)
    name = errand.other_name or "the other"
    now, then = (score_of(desk, e, metric=errand.metric).metrics for e in (evidence, before))
    pictures = [("diff.png", classes.draw_against(now, then, previous=name))]
    broken = why(evidence, found.broken[:MOST], detections)
    if broken:
        pictures.append(("broken.png", gallery.draw(evidence, broken, detections, lost=True)))
    rows = (
        ("image", "what got worse"),
        *((f"#{m.image}", m.words) for m in broken),
    )
    return _Drawn(
        pictures, f"Against {name}: {found.words(test_of(evidence.task))}", rows if broken else (),
        fixed=len(found.fixed), broken=len(found.broken), same=found.same, p=found.p,
    )  # fmt: skip


def _saliency(desk: "Desk", errand: AnalysisErrand, evidence: Evidence) -> _Drawn:
    found = saliency.Saliency(evidence, Outputs(desk, errand.outputs))
    auc = {f"deletion_auc_{name}": float(value.mean()) for name, value in found.auc.items()}
    return _Drawn([("saliency.png", saliency.draw(found))], found.words(), found.rows(), **auc)


def _robustness(desk: "Desk", errand: AnalysisErrand, evidence: Evidence) -> _Drawn:
    found = robustness.Robustness(evidence, Outputs(desk, errand.outputs))
    means = {name: found.mean(name) for name in found.corruptions}
    picture = robustness.draw(found)
    return _Drawn(
        [("robustness.png", picture)], found.words(), found.rows(), clean=found.clean, **means
    )


def _quantize(desk: "Desk", errand: AnalysisErrand, evidence: Evidence) -> _Drawn:
    found = quantization.Quantization(evidence, Outputs(desk, errand.outputs))
    values = {variant.name: variant.value for variant in found.worked}
    picture = quantization.draw(found)
    return _Drawn([("quantize.png", picture)], found.words(), found.rows(), **values)


_ANALYSES: dict[str, Callable[["Desk", AnalysisErrand, Evidence], _Drawn]] = {
    "confusion": _confusion,
    "errors": _errors,
    "slices": _slices,
    "diff": _diff,
    "saliency": _saliency,
    "robustness": _robustness,
    "quantize": _quantize,
}
