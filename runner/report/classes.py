"""Bars: how each class did, how each slice did, and this model against the best before."""

from collections.abc import Sequence

from runner.contract import Metric, Slice, SplitScore
from runner.report.style import RIGHT, SERIES, Bar, Picture, bars, percent
from runner.report.words import NO_SHARE, TITLES

_MOST_CLASSES = 24
_MOST_SLICES = 24


def draw_iou(name: str, score: SplitScore) -> Picture:
    """Return the IoU of each class over the whole split, the weakest first."""
    metric = score.metrics[0]
    known = sorted((c for c in score.classes if c.iou is not None), key=lambda c: c.iou or 0)
    shown = known[:_MOST_CLASSES]
    weakest = ", ".join(f"{c.name} ({percent(c.iou or 0)})" for c in known[:3])
    left_out = (
        f", the {len(shown)} weakest of {len(known)} classes" if len(known) > len(shown) else ""
    )
    return bars(
        [Bar(c.name, c.iou or 0) for c in shown],
        title=f"{TITLES.get(metric.name, metric.name)} {percent(metric.value)}",
        subtitle=f"{name}, {score.split}: {score.images} images, IoU of each class{left_out}",
        alt=(
            f"IoU of {len(known)} classes on {score.images} {score.split} images, mean "
            f"{percent(metric.value)}; weakest: {weakest or 'none'}."
        ),
    )


def draw_slices(metric: str, slices: Sequence[Slice]) -> Picture:
    """Return the ranking metric under each condition; fewer images make a wider interval."""
    worst = min(slices, key=lambda s: s.score, default=None)
    said = "; ".join(
        f"{s.attribute} {s.value}: {percent(s.score)} of {s.images} image{'s' if s.images != 1 else ''}"
        for s in slices[:_MOST_SLICES]
    )
    title = TITLES.get(metric, metric)
    return bars(
        [
            Bar(
                f"{s.attribute}: {s.value}", s.score, s.low, s.high, f"n = {s.images}",
                _colour(slices, s.attribute),
            )
            for s in slices[:_MOST_SLICES]
        ],
        title=f"Weakest: {worst.attribute} {worst.value}" if worst else "No slices",
        subtitle=f"{title} on dev by what is known of the images, with 95 % intervals",
        alt=f"{title} by condition: {said}." if said else "Nothing is known of the images.",
    )  # fmt: skip


def _colour(slices: Sequence[Slice], attribute: str) -> str:
    names = list(dict.fromkeys(s.attribute for s in slices))
    return SERIES[0] if len(names) == 1 else SERIES[(0, 2)[names.index(attribute) % 2]]


def draw_against(now: Sequence[Metric], before: Sequence[Metric], *, previous: str) -> Picture:
    """Return the dev figures of this model and the best before it, with their intervals."""
    earlier = {metric.name: metric for metric in before}
    rows, said = [], []
    for metric in now:
        old = earlier.get(metric.name)
        if old is None or metric.name in NO_SHARE:
            continue
        title = TITLES.get(metric.name, metric.name)
        rows.append(Bar(f"{title}, now", metric.value, metric.low, metric.high, colour=RIGHT))
        rows.append(Bar(f"before ({previous})", old.value, old.low, old.high, colour=SERIES[2]))
        said.append(f"{title} {percent(metric.value)}, before {percent(old.value)}")
    return bars(
        rows,
        title="Against the best before",
        subtitle="dev, with 95 % intervals",
        alt=f"Now and before on dev: {'; '.join(said)}." if said else "Nothing to compare.",
    )
