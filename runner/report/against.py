"""This model against others on the same dev images: how far apart, and whether that may be chance.

Of dev alone, whose images are public: two values on hidden images would tell on how many of them
two entries disagree (docs/decisions/0015).
"""

from typing import TYPE_CHECKING

from runner.errands import ReportErrand
from runner.ranking import entrants
from runner.ranking.paired import Comparison, compared

if TYPE_CHECKING:
    from runner.desk import Desk

Rows = tuple[tuple[str, ...], ...]

_LEVEL = 0.05
HEAD = ("Image by image on dev", "Difference", "95 % interval", "Is that chance?")


def rows(desk: "Desk", errand: ReportErrand) -> Rows:
    """Return a table, head and all; nothing where there is nobody to compare with.

    Whoever's images are not kept any more is left out.
    Raises Refusal: E_RUNNER_DATASET without the dataset, E_TASK for a metric of another task.
    """
    if errand.kept is None or not errand.against:
        return ()
    files = [errand.kept, *(other.statistics for other in errand.against)]
    own, *others = entrants.read(desk, errand.dataset, "dev", files)
    if own is None:
        return ()
    found = [
        (other.name, compared(own, theirs, errand.metric))
        for other, theirs in zip(errand.against, others, strict=True)
        if theirs is not None
    ]
    return (HEAD, *(_row(name, said) for name, said in found)) if found else ()


def _row(name: str, said: Comparison) -> tuple[str, ...]:
    low, high = said.show_difference(said.low), said.show_difference(said.high)
    return (
        f"against {name}",
        said.show_difference(said.difference),
        f"{low.removesuffix(' points')} to {high}",
        _verdict(said),
    )


def _verdict(said: Comparison) -> str:
    if said.low == said.high == 0:
        return "no difference"
    return "hardly" if said.p < _LEVEL else "it may be"
