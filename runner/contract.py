"""What the bot asks of a runner, and what it gets back. Neither side says more.

Everything here is plain data that survives JSON. Nothing heavier than pydantic may be imported,
so that the bot, which reads outcomes all day, never pays for numpy or ONNX Runtime.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Task = Literal["classification", "detection", "segmentation"]
Format = Literal["onnx", "safetensors", "torchscript", "pt2"]
Split = Literal["dev", "board", "shadow"]
Tier = Literal["full", "reduced", "none"]

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
#: what a key of a dataset version looks like: its name, and the first half of its content's hash
DATASET_KEY = r"[a-z0-9][a-z0-9-]*-[0-9a-f]{12}"
#: in which a runner says what it sends; the server believes its own digest only
HASH_HEADER = "X-Bookwiz-Sha256"
#: past it a double, and so JSON elsewhere, cannot tell two neighbours apart
MOST = 2**53
Count = Annotated[int, Field(ge=0, lt=MOST)]
LONGEST_NAME = 100  #: characters of a runner's name


#: the code of an attempt that was stopped with its host: a new one follows, nobody is to blame
HANDED_BACK = "E_RUNNER_STOPPED"
#: what an evaluation may take beyond its own wall limit, which the runner keeps as long as it can
GRACE_SECONDS = 30.0
#: for fetching the images the first time, and a store that is away for a while
TRANSFER_SECONDS = 600.0


class Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Blob(Plain):
    """A file named by its content. Whoever fetches it hashes it again and refuses a difference."""

    sha256: Sha256
    size: int = Field(ge=0)  #: bytes
    url: str  #: ``file:///…`` in a shared folder, or a signed ``https://…`` that soon expires


class Limits(Plain):
    """What one evaluation may use. Overstepping any of these is the submitter's failure."""

    wall_seconds: float = Field(default=120, gt=0)
    cpu_seconds: float = Field(default=240, gt=0)
    memory_mb: int = Field(default=2048, gt=0)
    model_mb: int = Field(default=200, gt=0)


class Declared(Plain):
    """What a member says of a model in the form, where the file itself does not say it.

    ``preproc`` and ``output`` are JSON as in the metadata keys ``bookwiz.preproc`` and
    ``bookwiz.output``; they are read where the model is, in the sandbox.
    """

    architecture: str = ""  #: name in the registry, for safetensors
    preproc: str = ""
    output: str = ""


class Ladder(Plain):
    """The best that counted of a team so far (Blum & Hardt 2015); a new entry must beat it clearly."""

    released: float  #: the value that is shown, rounded to 1/n
    statistics: Sha256  #: of the board split of the submission that reached it


#: what a model is run for: ``score`` ranks; the others analyse it on dev
Purpose = Literal["score", "saliency", "robustness", "quantize"]


class Evaluation(Plain):
    """A model to run: a file, images and limits. No member, no channel, no label.

    With ``datasets`` (a folder on this host) the runner is trusted: it reads the labels there and
    scores. Without, it predicts from ``inputs`` alone and its predictions are scored elsewhere.
    """

    submission: str
    attempt: int = Field(ge=1)
    token: str  #: random for each attempt; an outcome without it is not believed
    task: Task
    model: Blob
    dataset: str  #: key of a dataset version, a folder under ``datasets``
    datasets: str = ""  #: ``file:///…`` of the folder that holds dataset versions; or empty
    splits: tuple[Split, ...]
    artifacts: (
        str  #: ``file:///…`` of the content-addressed folder that takes what the runner makes,
        # or a signed ``https://…`` that takes it by PUT
    )
    purpose: Purpose = "score"
    format: Format = "onnx"
    declared: Declared = Declared()
    options: dict[str, str] = {}  #: of the purpose, such as which images a saliency is for
    metric: str = "accuracy"  #: the one that ranks
    metric_version: int = 1
    ladder: Ladder | None = None  #: None: the team's first entry
    manifest: "DatasetManifest | None" = None  #: with ``inputs``: what the folder would say
    inputs: tuple[Blob, ...] = ()  #: the images (.npy) of each of ``splits``
    limits: Limits = Limits()
    minimum_tier: Tier = "reduced"
    vouched: bool = False  #: a moderator's own file: runs without walls where the host allows that


class Stage(StrEnum):
    """Where an evaluation is. In the order in which a member sees them."""

    FETCH = "fetch"
    CHECK = "check"
    PREDICT = "predict"
    SCORE = "score"
    REPORT = "report"


class Progress(Plain):
    """How far an attempt has come. May be lost without harm."""

    submission: str
    attempt: int
    token: str
    stage: Stage
    done: float = Field(ge=0, le=1)  #: share of all images predicted


class Failure(Plain):
    """Why there is no score, in words for the person who can mend it."""

    code: str = Field(pattern=r"^E_[A-Z0-9_]+$")
    ours: bool = False  #: ours is retried and refunded; theirs is explained
    problem: str  #: one sentence: what was wrong
    expected: str = ""
    got: str = ""
    fix: str = ""


class Metric(Plain):
    """One figure with its 95 % interval where one is known."""

    name: str  #: ``accuracy``, ``macro_f1`` …
    value: float
    low: float | None = None
    high: float | None = None


class ClassScore(Plain):
    """How one class of the dev split did; a task fills in the figures that it knows."""

    name: str
    support: Count  #: images, boxes or pixels of that class
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    ap: float | None = None  #: detection: AP at IoU .50 to .95
    iou: float | None = None  #: segmentation: over the whole split
    dice: float | None = None


class Slice(Plain):
    """The ranking metric on the dev images that share an attribute, such as night."""

    attribute: str
    value: str
    images: Count
    score: float
    low: float | None = None
    high: float | None = None


class Calibration(Plain):
    """How far confidence can be believed on dev, and what one division of the logits would mend."""

    ece: float  #: expected calibration error, 15 bins
    temperature: float  #: the divisor that a half of dev chose
    ece_after: float  #: on the other half
    bins: tuple[tuple[float, float, int], ...] = ()  #: (confidence, accuracy, images)


class SplitScore(Plain):
    """The figures of one split.

    Only dev carries more than ``metrics``: on hidden splits the rest would tell the labels.
    """

    split: Split
    images: Count
    metrics: tuple[Metric, ...]  #: the first one ranks
    classes: tuple[ClassScore, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()  #: [true][predicted]
    confused: tuple[tuple[str, str, int], ...] = ()  #: (true, predicted, count), worst first
    slices: tuple[Slice, ...] = ()
    calibration: Calibration | None = None


class Verdict(Plain):
    """What the Ladder says of an entry's board score."""

    counts: bool  #: clearly better than the team's best so far
    released: float  #: what is shown from now on
    best: float | None = None  #: what was shown before


class Speed(Plain):
    """What the model cost on this runner."""

    p50_ms: float  #: batch 1
    p95_ms: float  #: batch 1
    images_per_second: float  #: end to end, batched
    limit_per_second: float  #: bare ``session.run`` on a resident batch, same threads, meanwhile
    efficiency: float  #: the former over the latter
    seconds: float  #: predicting, end to end, without the bare runs
    threads: Count
    hardware: str  #: such as "2-core x86_64 CPU"


class ModelFacts(Plain):
    """What can be said of a model without running it."""

    format: str  #: ``onnx``, ``safetensors (resnet18)`` …
    parameters: Count
    size: Count  #: bytes
    opset: Count = 0  #: ONNX only
    flops: Count | None = None  #: multiply-adds × 2 for one image, where the graph tells
    memory_mb: int | None = Field(default=None, ge=0, lt=2**31)  #: peak of the predicting process
    input: str  #: such as "float32 [N, 1, 28, 28], scaled by 1/255"
    producer: str = ""


class Artifact(Plain):
    """A file the runner made, already in the ``artifacts`` folder."""

    name: str  #: ``confusion.png``, ``statistics-board.npz`` …
    media_type: str
    sha256: Sha256
    size: Count
    alt: str = ""  #: a picture's text alternative


class Outcome(Plain):
    """The end of one attempt: a failure, or predictions; with scores where the runner is trusted."""

    submission: str
    attempt: int
    token: str
    runner: str
    tier: Tier
    failure: Failure | None = None
    scores: tuple[SplitScore, ...] = ()
    verdict: Verdict | None = None  #: with scores of a board
    predictions: tuple[Artifact, ...] = ()  #: one a split (or variant), ``predictions-<split>.npy``
    warnings: tuple[str, ...] = ()  #: what a member should look at though it was scored
    speed: Speed | None = None
    model: ModelFacts | None = None
    artifacts: tuple[Artifact, ...] = ()
    versions: dict[str, str] = {}  #: onnxruntime, numpy, bookwiz …
    seconds: float = 0  #: the whole attempt


class SplitFacts(Plain):
    """One split of a dataset version, as its card shows it."""

    split: Literal["train", "dev", "board", "shadow"]
    images: Count
    per_class: tuple[int, ...]  #: in the order of the manifest's classes: images, boxes or pixels
    sha256: Sha256 | None = None  #: of the images file, ``images/<split>.npy``
    size: int = 0  #: bytes of that file
    attributes: tuple[str, ...] = ()  #: names of what is known of each image: source, night …
    conditions: str = ""  #: where these images come from, when it differs ("night, another camera")


class DatasetManifest(Plain):
    """A dataset version: what ``bookwiz-runner dataset add`` wrote, and what a card says of it.

    Images were decoded once into uint8 [n, height, width, channels]; ``key`` names the content.
    """

    key: str = Field(pattern=f"^{DATASET_KEY}$")
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


Evaluation.model_rebuild()
