"""What features tell each other: typed facts, announced in the transaction that makes them so."""

from dataclasses import dataclass
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
