"""Two submissions on the same images: how far apart they are, and whether that is more than chance.

On dev all is told that helps: images and classes that one of them does better. Of hidden images only
what the board's own rounding lets through: a difference, its interval and a p-value, each rounded,
since counts of images that two entries disagree on would tell labels.
"""

from typing import TYPE_CHECKING

from runner.contract import Artifact, DatasetManifest
from runner.datasets.version import read_manifest
from runner.errands import CompareErrand, Made
from runner.ranking import contrast
from runner.ranking import entrants as kept_of
from runner.ranking.paired import Comparison, as_released, compared
from runner.report import comparison
from runner.report.page import stored
from runner.report.versus import versus
from runner.report.words import title
from runner.tasks import statistics as kept
from runner.tasks.statistics import Statistics
from runner.tasks.table import task_of

if TYPE_CHECKING:
    from runner.desk import Desk

_TOP5_FROM = 6  # with five classes, everything is among the top five


def carry_out(desk: "Desk", errand: CompareErrand) -> Made:
    """Compare. Figures: difference (one minus other), low, high, p.

    Raises Refusal: E_TASK for a metric of another task, E_RUNNER_FETCH where what was kept is lost.
    """
    manifest = read_manifest(desk.datasets, errand.dataset)
    read = kept_of.read(
        desk, errand.dataset, errand.split, [errand.one.statistics, errand.other.statistics]
    )
    pair = [found for found in read if found is not None]
    kept_of.refuse_none(pair if len(pair) == len(read) else [], (errand.one, errand.other))
    one, other = pair
    found = compared(one, other, errand.metric)
    if errand.split != "dev":
        found = as_released(found, errand.one, errand.other, images=one.images)
        return _made(found, rows=_rows(errand, [found]))
    more = [
        compared(one, other, name)
        for name in task_of(manifest.task).metrics
        if name != errand.metric
        and (name != "top5_accuracy" or len(manifest.classes) >= _TOP5_FROM)
    ]
    return _made(
        found,
        rows=(*_rows(errand, [found, *more]), *_disagreeing(one, other)),
        words=in_words(one, other, errand),
        artifacts=(_picture(desk, errand, manifest, found, one, other),),
    )


def in_words(one: Statistics, other: Statistics, errand: CompareErrand) -> str:
    """Return how many dev images each of them does better."""
    mine, what = contrast.by_image(one)
    theirs, _ = contrast.by_image(other)
    found = versus(mine, theirs)
    if len(found.fixed) == len(found.broken) == 0:
        return "Both do equally well on every dev image."
    return (
        f"Of {one.images:,} dev images, {errand.one.name} does {len(found.fixed):,} better and "
        f"{errand.other.name} {len(found.broken):,}, by {what}; {found.same:,} are alike."
    )


def _disagreeing(one: Statistics, other: Statistics) -> tuple[tuple[str, ...], ...]:
    mine, _ = contrast.by_image(one)
    theirs, _ = contrast.by_image(other)
    found = versus(mine, theirs)
    better, worse = len(found.fixed), len(found.broken)
    return (("Dev images done better", f"{better:,}", f"{worse:,}", f"{better - worse:+,}", ""),)


def _rows(errand: CompareErrand, found: list[Comparison]) -> tuple[tuple[str, ...], ...]:
    head = ("Figure", errand.one.name, errand.other.name, "Difference", "95 % interval")
    return (
        head,
        *(
            (
                title(c.metric), c.show(c.one), c.show(c.other), c.show_difference(c.difference),
                f"{c.show_difference(c.low)} to {c.show_difference(c.high)}",
            )
            for c in found
        ),
    )  # fmt: skip


def _made(
    found: Comparison,
    *,
    rows: tuple[tuple[str, ...], ...],
    words: str = "",
    artifacts: tuple[Artifact, ...] = (),
) -> Made:
    figures = {"difference": found.difference, "low": found.low, "high": found.high, "p": found.p}
    return Made(artifacts=artifacts, words=words, figures=figures, rows=rows)


def _picture(
    desk: "Desk",
    errand: CompareErrand,
    manifest: DatasetManifest,
    found: Comparison,
    one: Statistics,
    other: Statistics,
) -> Artifact:
    mine, what = contrast.by_class(one)
    theirs, _ = contrast.by_class(other)
    picture = comparison.draw(
        comparison.Pair(
            names=(errand.one.name, errand.other.name),
            images=one.images,
            intervals=(kept.interval(one, errand.metric), kept.interval(other, errand.metric)),
            found=found,
            classes=manifest.classes,
            gains=mine - theirs,
            gain=what,
        )
    )
    return stored(desk, "comparison.png", picture)
