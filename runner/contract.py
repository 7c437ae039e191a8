"""What the bot asks of a runner, and what it gets back. Neither side says more.

Everything here is plain data that survives JSON. Nothing heavier than pydantic may be imported,
so that the bot, which reads outcomes all day, never pays for numpy or ONNX Runtime.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Task = Literal["classification", "detection", "segmentation"]
Split = Literal["dev", "board", "shadow"]
Tier = Literal["full", "reduced", "none"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


#: the code of an attempt that was stopped with its host: a new one follows, nobody is to blame
HANDED_BACK = "E_RUNNER_STOPPED"


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Blob(_Plain):
    """A file named by its content. Whoever fetches it hashes it again and refuses a difference."""

    sha256: Sha256
    size: int = Field(ge=0)  #: bytes
    url: str  #: ``file:///…`` in a shared folder


class Limits(_Plain):
    """What one evaluation may use. Overstepping any of these is the submitter's failure."""

    wall_seconds: float = Field(default=120, gt=0)
    cpu_seconds: float = Field(default=240, gt=0)
    memory_mb: int = Field(default=2048, gt=0)
    model_mb: int = Field(default=200, gt=0)


class Evaluation(_Plain):
    """A model to score: a file, a dataset and limits. No member, no channel, no label."""

    submission: str
    attempt: int = Field(ge=1)
    token: str  #: random for each attempt; an outcome without it is not believed
    task: Task
    model: Blob
    dataset: str  #: key of a dataset version, a folder under ``datasets``
    datasets: str  #: ``file:///…`` of the folder that holds dataset versions
    splits: tuple[Split, ...]
    artifacts: (
        str  #: ``file:///…`` of the content-addressed folder that takes what the runner makes
    )
    metric_version: int = 1
    limits: Limits = Limits()
    minimum_tier: Tier = "reduced"


class Stage(StrEnum):
    """Where an evaluation is. In the order in which a member sees them."""

    FETCH = "fetch"
    CHECK = "check"
    PREDICT = "predict"
    SCORE = "score"
    REPORT = "report"


class Progress(_Plain):
    """How far an attempt has come. May be lost without harm."""

    submission: str
    attempt: int
    token: str
    stage: Stage
    done: float = Field(ge=0, le=1)  #: share of all images predicted


class Failure(_Plain):
    """Why there is no score, in words for the person who can mend it."""

    code: str = Field(pattern=r"^E_[A-Z0-9_]+$")
    ours: bool = False  #: ours is retried and refunded; theirs is explained
    problem: str  #: one sentence: what was wrong
    expected: str = ""
    got: str = ""
    fix: str = ""


class Metric(_Plain):
    """One figure with its 95 % interval where one is known."""

    name: str  #: ``accuracy``, ``macro_f1`` …
    value: float
    low: float | None = None
    high: float | None = None


class ClassScore(_Plain):
    """How one class of the dev split did."""

    name: str
    support: int
    precision: float
    recall: float
    f1: float


class SplitScore(_Plain):
    """The figures of one split.

    Only dev carries ``classes``, ``confusion`` and ``confused``: on hidden splits they would tell
    the labels.
    """

    split: Split
    images: int
    metrics: tuple[Metric, ...]  #: the first one ranks
    classes: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()  #: [true][predicted]
    confused: tuple[tuple[str, str, int], ...] = ()  #: (true, predicted, count), worst first


class Speed(_Plain):
    """What the model cost on this runner."""

    p50_ms: float  #: batch 1
    p95_ms: float  #: batch 1
    images_per_second: float  #: end to end, batched
    limit_per_second: float  #: bare ``session.run`` on a resident batch, same threads
    efficiency: float  #: the former over the latter
    seconds: float  #: predicting, end to end
    threads: int
    hardware: str  #: such as "2-core x86_64 CPU"


class ModelFacts(_Plain):
    """What can be said of a model without running it."""

    format: str  #: ``onnx``
    parameters: int
    size: int  #: bytes
    opset: int
    input: str  #: such as "float32 [N, 1, 28, 28], scaled by 1/255"
    producer: str = ""


class Artifact(_Plain):
    """A file the runner made, already in the ``artifacts`` folder."""

    name: str  #: ``confusion.png``, ``statistics-board.npz`` …
    media_type: str
    sha256: Sha256
    size: int
    alt: str = ""  #: a picture's text alternative


class Outcome(_Plain):
    """The end of one attempt: scores or a failure, never both."""

    submission: str
    attempt: int
    token: str
    runner: str
    tier: Tier
    failure: Failure | None = None
    scores: tuple[SplitScore, ...] = ()
    speed: Speed | None = None
    model: ModelFacts | None = None
    artifacts: tuple[Artifact, ...] = ()
    versions: dict[str, str] = {}  #: onnxruntime, numpy, bookwiz …
    seconds: float = 0  #: the whole attempt


class SplitFacts(_Plain):
    """One split of a dataset version, as its card shows it."""

    split: Literal["train", "dev", "board", "shadow"]
    images: int
    per_class: tuple[int, ...]  #: in the order of the manifest's classes
    conditions: str = ""  #: where these images come from, when it differs ("night, another camera")


class DatasetManifest(_Plain):
    """A dataset version: what ``bookwiz-runner dataset add`` wrote, and what a card says of it.

    Images were decoded once into uint8 [n, height, width, channels]; ``key`` names the content.
    """

    key: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*-[0-9a-f]{12}$")
    name: str
    task: Task
    classes: tuple[str, ...]
    height: int
    width: int
    channels: Literal[1, 3]
    licence: str
    source: str = ""
    splits: tuple[SplitFacts, ...]
    warnings: tuple[str, ...] = ()  #: duplicates across splits, empty classes, unreadable files …
    downloads: tuple[Artifact, ...] = ()  #: public splits only: train and dev
