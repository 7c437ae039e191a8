"""What features tell each other: typed facts, announced in the transaction that makes them so."""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class CheckInRecorded:
    """A member said how their week went, for the first time in that week."""

    member_id: int
    week: date  #: the Monday
    streak: int  #: unbroken weeks, this one included


@dataclass(frozen=True)
class SubmissionScored:
    """A model has a score."""

    submission_id: str
    member_id: int
    benchmark_id: int
    metric: str
    value: float
    rank: int


@dataclass(frozen=True)
class JobLine:
    """What one feature says of jobs of its own."""

    what: str  #: such as "Submissions on cpu", or the id of one that is stuck
    state: str  #: such as "queued 3 · running 1 · dead 0"
    stuck: bool = False  #: somebody should look at it


@dataclass(frozen=True)
class JobLines:
    """An admin asks how the jobs are. Whoever has some appends to ``lines``."""

    lines: list[JobLine] = field(default_factory=list)
