from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.db import Base


class Dataset(Base):
    """A frozen dataset version that a runner can read. Its key names the content."""

    __tablename__ = "dataset"

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)  #: runner.contract.DatasetManifest
    added_at: Mapped[datetime]


class Benchmark(Base):
    """A task on a dataset version with a metric version: what models are compared on."""

    __tablename__ = "benchmark"
    __table_args__ = (UniqueConstraint("community_id", "name", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(100))
    task: Mapped[str] = mapped_column(String(20))
    dataset_key: Mapped[str | None] = mapped_column(
        ForeignKey("dataset.key")
    )  #: None: announced, not open yet
    metric: Mapped[str] = mapped_column(String(20))
    metric_version: Mapped[int] = mapped_column(default=1)
    why: Mapped[str] = mapped_column(
        String(1000)
    )  #: why this metric: what each kind of error costs
    rules: Mapped[str] = mapped_column(String(1000), default="")
    per_day: Mapped[int] = mapped_column(
        default=5
    )  #: scored submissions a member may have in a day
    queue: Mapped[str] = mapped_column(String(20), default="cpu")
    limits: Mapped[dict[str, Any]] = mapped_column(JSON)  #: runner.contract.Limits
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)  #: a change is a new version; the old one stays
    formats: Mapped[list[str]] = mapped_column(JSON, default=lambda: ["onnx", "safetensors"])
    minimum_tier: Mapped[str] = mapped_column(String(10), default="reduced")
    frame: Mapped[dict[str, Any] | None] = mapped_column(
        JSON
    )  #: what each kind of error costs, and the metric that follows
    frozen_at: Mapped[datetime | None]  #: takes no more submissions
    revealed_at: Mapped[datetime | None]  #: the shadow is public from here on
    reveal: Mapped[dict[str, Any] | None] = mapped_column(JSON)  #: runner.errands.Revealed
    paused: Mapped[bool] = mapped_column(default=False)  #: re-scoring stands still
    starter: Mapped[dict[str, Any] | None] = mapped_column(
        JSON
    )  #: of what, and runner.errands.Made

    @property
    def label(self) -> str:
        """How members type it, and how it is told apart from its other versions."""
        return (
            self.name if self.version == 1 and not self.frozen_at else f"{self.name}@{self.version}"
        )


class State(StrEnum):
    """Where a submission is. The last four are ends."""

    QUEUED = "queued"  #: in our line
    DISPATCHED = "dispatched"  #: handed to the engine
    RUNNING = "running"  #: a runner was heard of
    SCORING = "scoring"  #: predicted; the desk scores
    SCORED = "scored"
    FAILED = "failed"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


WAITING = (State.QUEUED, State.DISPATCHED, State.RUNNING, State.SCORING)
GIVEN = (State.DISPATCHED, State.RUNNING)


class Purpose(StrEnum):
    """What a submission's model is run for. Only the first two rank."""

    SCORE = "score"
    RESCORE = "rescore"  #: an older entry on a newer version of its benchmark; costs no quota
    SALIENCY = "saliency"
    ROBUSTNESS = "robustness"
    QUANTIZE = "quantize"


RANKING = (Purpose.SCORE, Purpose.RESCORE)


class Submission(Base):
    """A member's model for a benchmark, and how its scoring goes. This row is the truth."""

    __tablename__ = "submission"
    __table_args__ = (
        Index("ix_submission_line", "state", "queue", "position"),
        Index("ix_submission_board", "benchmark_id", "state"),
    )

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    position: Mapped[int] = mapped_column(
        index=True
    )  #: place in the line; moderators may change it
    benchmark_id: Mapped[int] = mapped_column(ForeignKey("benchmark.id", ondelete="CASCADE"))
    member_id: Mapped[int | None] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), index=True
    )
    baseline: Mapped[str | None] = mapped_column(
        String(60)
    )  #: its name, where no member stands behind it
    file_name: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int] = mapped_column(BigInteger)  #: bytes
    notes: Mapped[str] = mapped_column(String(500), default="")
    place: Mapped[dict[str, Any] | None] = mapped_column(JSON)  #: where the live message stands
    queue: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default=State.QUEUED)
    attempt: Mapped[int] = mapped_column(default=1)
    token: Mapped[str] = mapped_column(String(64))  #: of the current attempt
    losses: Mapped[int] = mapped_column(default=0)  #: attempts that ended by a fault of ours
    stage: Mapped[str | None] = mapped_column(String(20))
    done: Mapped[float] = mapped_column(default=0.0)
    accepted_at: Mapped[datetime]
    dispatched_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSON)  #: runner.contract.Failure
    report: Mapped[dict[str, Any] | None] = mapped_column(
        JSON
    )  #: runner.contract.Outcome, scores apart

    purpose: Mapped[str] = mapped_column(String(20), default=Purpose.SCORE)
    origin_id: Mapped[str | None] = mapped_column(
        ForeignKey("submission.id", ondelete="CASCADE")
    )  #: whose model is run again: of an analysis or a re-scoring
    format: Mapped[str] = mapped_column(String(20), default="onnx")
    declared: Mapped[dict[str, Any]] = mapped_column(
        JSON, default=dict
    )  #: runner.contract.Declared
    options: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)  #: of an analysis
    config: Mapped[str] = mapped_column(Text, default="")  #: hyperparameters, as the member wrote
    claim: Mapped[dict[str, Any] | None] = mapped_column(
        JSON
    )  #: an outcome whose predictions wait to be scored
    counts: Mapped[bool | None]  #: whether the Ladder let it count; None: not scored
    released: Mapped[float | None]  #: the board value that is shown since
    page: Mapped[dict[str, Any] | None] = mapped_column(JSON)  #: runner.errands.Made: the report
    lacking: Mapped[str] = mapped_column(
        String(40), default=""
    )  #: while it waits: the engine's queue that it is for and no runner takes

    @property
    def job(self) -> str:
        """The key of the current attempt's job."""
        return f"{self.id}:{self.attempt}"


class Score(Base):
    """One figure of a submission on one split. Written once, never changed."""

    __tablename__ = "score"
    __table_args__ = (UniqueConstraint("submission_id", "split", "metric"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id", ondelete="CASCADE"))
    split: Mapped[str] = mapped_column(String(10))
    metric: Mapped[str] = mapped_column(String(20))
    value: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    images: Mapped[int]


class Board(Base):
    """A board's places as they were last computed, with what they were computed from."""

    __tablename__ = "board"

    benchmark_id: Mapped[int] = mapped_column(
        ForeignKey("benchmark.id", ondelete="CASCADE"), primary_key=True
    )
    basis: Mapped[str] = mapped_column(String(64))  #: hash of the entries; another one: out of date
    ranking: Mapped[dict[str, Any]] = mapped_column(JSON)  #: runner.errands.Ranking
    computed_at: Mapped[datetime]
