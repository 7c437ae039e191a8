"""What features tell each other: typed facts, announced in the transaction that makes them so."""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class SpaceKnocked:
    """Somebody spoke in a server or workspace that is no part of the community."""

    platform: str
    space: str
    name: str


@dataclass(frozen=True)
class MembersJoined:
    """Two members turn out to be one person. Told before their rows are joined.

    Where both have a row of which there can be one, the kept member's stays: a feature that wants
    it otherwise settles it now. Whatever limits a member must stay with them: the stricter counts.
    """

    kept_id: int
    gone_id: int


@dataclass(frozen=True)
class MemberSplit:
    """An account goes on as a member of its own. Whatever limits the old one limits the new one."""

    member_id: int
    new_id: int


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


@dataclass(frozen=True)
class JobAtWork:
    """What a runner is on, in words."""

    what: str  #: such as "k3m9p2qa on digits"
    stage: str  #: such as "predicting"; empty: it has only begun
    since: datetime


@dataclass(frozen=True)
class QueueLine:
    """What waits for runners of one kind."""

    queue: str  #: as the engine names it
    waiting: int
    oldest: datetime  #: when the one that waits longest came


@dataclass(frozen=True)
class RunnersAsked:
    """An admin looks at the runners. Whoever has jobs with the engine adds what it knows of them."""

    keys: frozenset[str]  #: of the jobs that runners are on
    jobs: dict[str, JobAtWork] = field(default_factory=dict)  #: by key
    queues: list[QueueLine] = field(default_factory=list)
    efficiency: dict[str, list[float]] = field(
        default_factory=dict
    )  #: by runner: what recent jobs reached of the machine's own limit


@dataclass(frozen=True)
class JobCounts:
    """Somebody counts jobs that have no end yet. Whoever has some adds to it."""

    jobs: dict[tuple[str, str], int] = field(
        default_factory=dict
    )  #: by queue, as the engine names it, and state
    oldest: dict[str, datetime] = field(
        default_factory=dict
    )  #: by queue, when the one came that waits longest for a runner


@dataclass(frozen=True)
class JobEnded:
    """A job has its end, whatever that is."""

    queue: str  #: as the engine names it
    end: str  #: such as "scored"
    seconds: float  #: since it was accepted
    attempts: int
    lost: int  #: of these, by a fault of ours
