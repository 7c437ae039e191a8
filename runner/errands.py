"""What the bot asks of the desk: the trusted side that reads labels, scores, ranks and draws.

A desk (``bookwiz-runner desk``) never runs a model. Files are named by sha256 in its file store,
datasets by key in its folder. Plain data that survives JSON; nothing heavier than pydantic.
"""

from typing import Annotated, Literal

from pydantic import Field

from runner.contract import (
    Artifact,
    Blob,
    Declared,
    Format,
    Ladder,
    Limits,
    ModelFacts,
    Plain,
    Sha256,
    Speed,
    Split,
    SplitScore,
    Task,
    Tier,
    Verdict,
)


class _Errand(Plain):
    task: Task
    dataset: str  #: key


class ScoreErrand(_Errand):
    """Score what a runner predicted. Answered by ``Scored``."""

    kind: Literal["score"] = "score"
    splits: tuple[Split, ...]
    predictions: tuple[Sha256, ...]  #: .npy, one a split
    metric: str
    metric_version: int = 1
    ladder: Ladder | None = None
    probe: Sha256 | None = None  #: predictions on a few dev images under other contracts, .npz
    input: str = ""  #: how the model's input is read, in words


class Scored(Plain):
    """Scores and the statistics they come from (``statistics-<split>.npz``)."""

    scores: tuple[SplitScore, ...]
    warnings: tuple[str, ...] = ()
    verdict: Verdict | None = None
    artifacts: tuple[Artifact, ...] = ()


class Entrant(Plain):
    """A scored submission, by what is kept of each image."""

    submission: str
    name: str  #: whose
    statistics: Sha256  #: of the split that is asked about
    shadow: Sha256 | None = None
    quality: float | None = None  #: what is shown; None: estimated from the statistics
    cost: float | None = None  #: for a Pareto front: milliseconds an image, bytes …


class Made(Plain):
    """Files that were made, the first one for the chat, and a sentence or two on what they show."""

    artifacts: tuple[Artifact, ...]
    words: str = ""
    figures: dict[str, float] = Field(default_factory=dict)  #: what the words are about, for tables
    rows: tuple[tuple[str, ...], ...] = ()  #: a table, whole; the first row is its head


class Analysed(Plain):
    """A finished analysis, for the report: what it is called, and what was made."""

    heading: str
    made: Made


class ReportErrand(_Errand):
    """Draw the card's picture and write the report page. Answered by ``Made``."""

    kind: Literal["report"] = "report"
    submission: str
    title: str  #: of the benchmark
    who: str
    metric: str
    scores: tuple[SplitScore, ...]  #: dev and board; never shadow
    verdict: Verdict | None = None
    dev: Sha256 | None = None  #: predictions on dev
    previous: Sha256 | None = None  #: those of the same team's best before
    previous_submission: str = ""
    kept: Sha256 | None = None  #: what is kept of each dev image of this one
    against: tuple[Entrant, ...] = ()  #: whom it is compared with on dev, by what is kept of dev
    speed: Speed | None = None
    model: ModelFacts | None = None
    model_sha256: str = ""
    config: str = ""  #: hyperparameters the member attached
    notes: str = ""
    runner: str = ""
    tier: str = ""
    versions: dict[str, str] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    analyses: tuple[Analysed, ...] = ()  #: those that ran the model again, to be put in as well
    metric_version: int = 1
    benchmark_image: str = ""  #: words on where the images come from, for provenance


class RankErrand(_Errand):
    """Tie groups by joint bootstrap max-T. Answered by ``Ranking``."""

    kind: Literal["rank"] = "rank"
    metric: str
    entrants: tuple[Entrant, ...]
    resamples: int = 1000
    seed: int = 0


class Ranked(Plain):
    """Where one submission stands."""

    submission: str
    rank: int  #: the group's first place
    tied: bool
    value: float
    low: float
    high: float
    front: bool = False  #: on the Pareto front of quality and cost: nobody dominates it


class Ranking(Plain):
    """All entrants, best first."""

    ranked: tuple[Ranked, ...]
    critical: float  #: the max-T quantile that decided
    left_out: tuple[str, ...] = ()  #: submissions of whose images nothing usable is kept any more


class CompareErrand(_Errand):
    """Two submissions on the same images. Answered by ``Made`` (figures: difference, low, high, p)."""

    kind: Literal["compare"] = "compare"
    metric: str
    split: Split
    one: Entrant
    other: Entrant
    configs: tuple[str, str] = ("", "")


class RevealErrand(_Errand):
    """Board against shadow. Answered by ``Revealed``."""

    kind: Literal["reveal"] = "reveal"
    metric: str
    title: str
    entrants: tuple[Entrant, ...]  #: statistics: board; shadow: shadow


class Gap(Plain):
    """One submission's board minus shadow, with its interval and its ranks on both."""

    submission: str
    name: str
    board: float
    shadow: float
    gap: float
    low: float
    high: float
    board_rank: int
    shadow_rank: int


class Revealed(Plain):
    """The season's end."""

    gaps: tuple[Gap, ...]
    spearman: float | None
    median_gap: float
    median_low: float
    median_high: float
    artifacts: tuple[Artifact, ...]  #: the shake-up plot
    left_out: tuple[
        str, ...
    ] = ()  #: names of those of whose images nothing usable is kept any more


class AnalysisErrand(_Errand):
    """Draw one analysis of a submission on dev. Answered by ``Made``."""

    kind: Literal["analysis"] = "analysis"
    analysis: Literal["confusion", "errors", "slices", "diff", "saliency", "robustness", "quantize"]
    title: str
    submission: str
    metric: str
    dev: Sha256  #: predictions on dev
    other: Sha256 | None = None  #: of what it is compared with
    other_name: str = ""
    outputs: tuple[Artifact, ...] = ()  #: what an analysing runner made
    speed: Speed | None = None
    declared: Declared = Declared()  #: of the model, for what is made from it
    limits: Limits = Limits()


class DatasetErrand(Plain):
    """Look through a dataset. Answered by ``Made``: a picture, a page, a table.

    Either a frozen version (``dataset``) or an uploaded archive (``archive``).
    """

    kind: Literal["dataset"] = "dataset"
    dataset: str = ""
    archive: Sha256 | None = None
    name: str = ""


class StarterErrand(_Errand):
    """Write what a beginner starts from: a script, a notebook, the card. Answered by ``Made``.

    Artifacts: ``start.py`` and ``start.ipynb`` (and those without torch, where there are),
    ``card.json`` for ``bookwiz-runner check``.
    """

    kind: Literal["starter"] = "starter"
    name: str  #: of the benchmark, as one types it
    title: str
    metric: str
    why: str = ""
    formats: tuple[Format, ...] = ("onnx",)
    limits: Limits = Limits()
    minimum_tier: Tier = "reduced"


class LookErrand(_Errand):
    """Look through a model that has to wait for a runner. Answered by ``Looked``, or its refusal."""

    kind: Literal["look"] = "look"
    model: Blob
    declared: Declared = Declared()
    limits: Limits = Limits()


class Looked(Plain):
    """Nothing that can be seen without running the model speaks against it."""


Errand = Annotated[
    ScoreErrand
    | ReportErrand
    | RankErrand
    | CompareErrand
    | RevealErrand
    | AnalysisErrand
    | DatasetErrand
    | StarterErrand
    | LookErrand,
    Field(discriminator="kind"),
]

#: what each kind of errand is answered with
ANSWERS: dict[str, type[Plain]] = {
    "score": Scored,
    "report": Made,
    "rank": Ranking,
    "compare": Made,
    "reveal": Revealed,
    "analysis": Made,
    "dataset": Made,
    "starter": Made,
    "look": Looked,
}
