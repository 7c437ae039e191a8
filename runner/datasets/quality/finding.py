"""One thing that is wrong with a dataset, and which of its images may show it."""

from collections.abc import Sequence
from dataclasses import dataclass

from runner.datasets.quality.duplicates import Place
from runner.datasets.quality.subject import Subject

SHOTS = 12  #: images that are shown of one finding


@dataclass(frozen=True)
class Finding:
    """One thing to look at. ``shots`` are of splits that may be shown, never of hidden ones."""

    what: str
    where: str  #: which splits
    count: int
    advice: str
    grave: bool = False  #: figures of any model would mislead
    shots: tuple[tuple[Place, str], ...] = ()


def shown(subject: Subject, places: Sequence[Place], words: str) -> tuple[tuple[Place, str], ...]:
    """Return the first of ``places`` that are not hidden, each with ``words``."""
    open_ = [place for place in places if not subject.parts[place[0]].hidden]
    return tuple((place, words) for place in open_[:SHOTS])
