"""How a detector trades false alarms for missed objects, and which errors cost it most."""

import numpy as np
from matplotlib.figure import Figure

from runner.contract import ClassScore, SplitScore
from runner.report import words
from runner.report.detection import TIDE, Detections
from runner.report.style import (
    HEAD,
    INK,
    LINE,
    RIGHT,
    SMALL,
    SOFT,
    TEXT,
    WRONG,
    Bar,
    Box,
    Picture,
    axes_in,
    bars,
    card,
    percent,
    picture,
    plain,
)

_IOUS = (0.5, 0.75)
_CLASSES = 12  # lines of the per-class bars on the card


def draw(name: str, score: SplitScore, detections: Detections) -> Picture:
    """Return precision against recall at IoU .50 and .75, and the AP of classes beside it."""
    known = [found for found in score.classes if found.ap is not None]
    shown = sorted(known, key=lambda found: found.ap or 0)[:_CLASSES]
    metric = score.metrics[0]
    figure = card(
        8.6 if shown else 5.2,
        3.6 + HEAD + 0.75,
        title=f"{words.title(metric.name)} {percent(metric.value)}",
        subtitle=f"{name}, {score.split}: {score.images} images",
    )
    axes = axes_in(figure, Box(0.95, 0.7, 3.6, 3.6))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.grid(color=LINE, linewidth=0.8)
    ticks = [0, 0.25, 0.5, 0.75, 1]
    axes.set_xticks(ticks, [f"{100 * t:.0f} %" for t in ticks])
    axes.set_yticks(ticks, [f"{100 * t:.0f} %" for t in ticks])
    axes.set_xlabel("recall: objects found", fontsize=TEXT)
    axes.set_ylabel("precision: findings that are right", fontsize=TEXT)
    said = []
    for iou, colour, line in zip(_IOUS, (RIGHT, WRONG), ("-", "--"), strict=True):
        recall, precision = detections.curve(iou)
        area = float(precision.mean())
        label = f"IoU {iou:.2f}: AP {percent(area)}"
        axes.plot(recall, precision, line, color=colour, linewidth=2, label=label)
        axes.fill_between(recall, precision, color=colour, alpha=0.08)
        said.append(f"AP {percent(area)} at IoU {iou:.2f}")
        half = recall[precision >= 0.5]  # noqa: PLR2004 - every second finding is right
        if iou == _IOUS[0] and len(half) and half.max() > 0:
            said.append(f"{percent(float(half.max()))} of the objects found at 50 % precision")
    axes.legend(loc="lower left", fontsize=TEXT, frameon=False)
    if shown:
        _weakest(figure, shown)
        said.append(
            "weakest classes: "
            + ", ".join(f"{found.name} ({percent(found.ap or 0)})" for found in shown[:3])
        )
    alt = f"Precision-recall curves on {score.images} {score.split} images: {'; '.join(said)}."
    return picture(figure, alt)


def _weakest(figure: Figure, shown: list[ClassScore]) -> None:
    axes = axes_in(figure, Box(6.15, 0.7, 1.6, 3.35))
    places = np.arange(len(shown))
    values = [found.ap or 0 for found in shown]
    axes.barh(places, values, height=0.66, color=RIGHT)
    axes.set_xlim(0, 1)
    axes.set_ylim(max(len(shown), 4) - 0.4, -0.6)
    axes.set_yticks(places, [plain(found.name, 15) for found in shown])
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_title("AP of the weakest classes", fontsize=TEXT, color=SOFT, loc="left")
    for place, value in zip(places, values, strict=True):
        axes.annotate(
            percent(value), (1.04, place), fontsize=SMALL, color=INK, va="center",
            xycoords=("axes fraction", "data"), annotation_clip=False,
        )  # fmt: skip


def errors(detections: Detections) -> Picture:
    """Return what each kind of error costs (TIDE, Bolya et al. 2020), as bars of AP at IoU .50."""
    rows = sorted(detections.tide.items(), key=lambda found: -found[1][0])
    worst = max((cost for _, (cost, _) in rows), default=0)
    said = ", ".join(
        f"{TIDE[kind]} {percent(cost)} ({count} time{'s' if count != 1 else ''})"
        for kind, (cost, count) in rows
    )
    return bars(
        [Bar(TIDE[k], cost, note=f"{count} ×") for k, (cost, count) in rows],
        title="What the errors cost",
        subtitle="AP at IoU .50 that would be won if errors of that kind were mended (TIDE)",
        alt=f"AP at IoU .50 that each kind of error costs: {said}.",
        most=max(0.04, float(np.ceil(worst * 25) / 25)),
    )
