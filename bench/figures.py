"""A measured figure beside what it has to reach."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    measured: str
    gate: str
    good: bool | None  #: None: shown for comparison, no gate


def percentile(values: Sequence[float], share: float) -> float:
    """The value that *share* of all lie at or below, interpolated."""
    ordered = sorted(values)
    if len(ordered) == 1:
        return ordered[0]
    return statistics.quantiles(ordered, n=1000, method="inclusive")[
        max(0, min(998, round(share * 1000) - 1))
    ]


def table(figures: Sequence[Figure]) -> str:
    rows = [
        f"| {f.what} | {f.measured} | {f.gate} | {'' if f.good is None else 'yes' if f.good else '**no**'} |"
        for f in figures
    ]
    return "\n".join(["| What | Measured | Gate | Held |", "|---|--:|--:|---|", *rows])
