"""Carries out a StarterErrand: fills the templates with what a benchmark is, and stores the files."""

import math
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from runner import blobs
from runner.card import BenchmarkCard
from runner.contract import Artifact, DatasetManifest, Task
from runner.datasets.version import read_manifest
from runner.desk import Desk
from runner.errands import Made, StarterErrand
from runner.starters.notebook import notebook

_WIDTH = 100
_LARGE = 96  # pixels from which the first convolution already halves the image
_FAR = 160  # pixels from which a detector's cells are 8 wide, not 4
_MOST_BOXES = 100
_CHANNELS = (32, 64, 128, 128, 256)


@dataclass(frozen=True)
class _Kind:
    """What is said about a task, besides the code of its template."""

    words: str
    outputs: tuple[str, ...]
    gives: str
    analysis: str
    epochs: int
    learning_rate: float
    ideas: tuple[str, ...]


_KINDS: dict[Task, _Kind] = {
    "classification": _Kind(
        "Which class is an image of?",
        ("logits",),
        "a score for each class",
        "confusion",
        30,
        3e-3,
        (
            "Ideas: turn and shift the images while training; a wider net; more epochs.",
            "One idea at a time, with the same seed: otherwise you never know which one helped.",
        ),
    ),
    "detection": _Kind(
        "Where are objects, and of which class?",
        ("boxes", "scores", "labels"),
        "boxes, their scores and their classes",
        "slices",
        40,
        2e-3,
        (
            "Ideas: mirror images and boxes; a wider net; more epochs; smaller cells.",
            "Look at what it misses before you change anything: small ones? crowded ones?",
        ),
    ),
    "segmentation": _Kind(
        "Which class is each pixel of?",
        ("logits",),
        "a score for each class and pixel",
        "slices",
        30,
        3e-3,
        (
            "Ideas: mirror images and masks; a wider net; more epochs; a Dice loss.",
            "Thin things are lost first: look at the edges before you change anything.",
        ),
    ),
}


def carry_out(desk: Desk, errand: StarterErrand) -> Made:
    """Write the starter files of a benchmark, the same bytes every time.

    Raises Refusal (E_RUNNER_DATASET).
    """
    manifest = read_manifest(desk.datasets, errand.dataset)
    card = card_of(errand, manifest)
    files = [(name, text.encode()) for name, text in scripts(errand, manifest)]
    files += [(name.replace(".py", ".ipynb"), notebook(text.decode())) for name, text in files]
    files.append(("card.json", (card.model_dump_json(indent=2) + "\n").encode()))
    artifacts = tuple(_stored(desk, name, data) for name, data in files)
    return Made(artifacts=artifacts, words=_words([name for name, _ in files]))


def _stored(desk: Desk, name: str, data: bytes) -> Artifact:
    media_type = {"py": "text/x-python", "ipynb": "application/x-ipynb+json"}
    ending = name.rpartition(".")[2]
    kind = media_type.get(ending, "application/json")
    return blobs.store(desk.files, data, name=name, media_type=kind)


def _words(names: list[str]) -> str:
    if names == ["card.json"]:
        return (
            "There are no public images to train on here: train on your own that look alike. "
            "card.json is for checking a model before you hand it in."
        )
    numpy = " No PyTorch? start_without_torch does it in numpy." if len(names) > 3 else ""  # noqa: PLR2004
    return (
        "start.py trains a first model in about two minutes, without a GPU, and writes model.onnx; "
        f"start.ipynb is the same as a notebook.{numpy} card.json is for checking a model before "
        "you hand it in."
    )


def card_of(errand: StarterErrand, manifest: DatasetManifest) -> BenchmarkCard:
    """Return what ``bookwiz-runner check --benchmark`` needs to know."""
    h, w = manifest.height, manifest.width
    gives = {
        "classification": f"[N, {len(manifest.classes)}]: a score for each class",
        "detection": f"boxes [N, K, 4] in pixels of {h} × {w}, scores [N, K], labels [N, K]",
        "segmentation": f"[N, {len(manifest.classes)}, {h}, {w}]: a score for each class and pixel",
    }
    return BenchmarkCard(
        name=errand.title,
        task=manifest.task,
        classes=manifest.classes,
        height=h,
        width=w,
        channels=manifest.channels,
        images=max(1, sum(s.images for s in manifest.splits if s.split != "train")),
        metric=errand.metric.replace("_", " "),
        limits=errand.limits,
        formats=errand.formats,
        minimum_tier=errand.minimum_tier,
        output=gives[manifest.task],
    )


def scripts(errand: StarterErrand, manifest: DatasetManifest) -> Iterator[tuple[str, str]]:
    """Yield name and text of each script; none where there is nothing public to train on."""
    public = {download.name.removesuffix(".npz"): download.name for download in manifest.downloads}
    if not public:
        return
    train = public.get("train") or public["dev"]
    dev = public["dev"] if "train" in public and "dev" in public else ""
    kind = _KINDS[manifest.task]
    values: dict[str, Any] = {
        "name": errand.name,
        "title": errand.title,
        "why": errand.why,
        "metric": errand.metric.replace("_", " "),
        "task_words": f"{kind.words} {manifest.height} × {manifest.width} pixels, "
        f"{len(manifest.classes)} classes.",
        "classes": list(manifest.classes),
        "height": manifest.height,
        "width": manifest.width,
        "channels": manifest.channels,
        "train": train,
        "dev": dev,
        "files": f"{train} and {dev}" if dev else train,
        "outputs": list(kind.outputs),
        # Of boxes whose scores are equal, either may come first.
        "compared": "scores" if "scores" in kind.outputs else kind.outputs[0],
        "gives": kind.gives,
        "analysis": kind.analysis,
        "epochs": kind.epochs,
        "learning_rate": kind.learning_rate,
        "ideas": kind.ideas,
        "needs": "torch and numpy",
    }
    values |= sizes_of(manifest.height, manifest.width, len(manifest.classes))
    yield "start.py", _rendered(f"{manifest.task}.py.j2", values)
    if manifest.task == "classification":
        other = {"needs": "numpy and onnx", "learning_rate": 1e-3}
        yield "start_without_torch.py", _rendered("without_torch.py.j2", values | other)


def sizes_of(height: int, width: int, classes: int) -> dict[str, Any]:
    """Return how large the parts of the networks are, so that any image is done in two minutes."""
    stride = 2 if max(height, width) >= _LARGE else 1
    halvings = max(1, min(4, math.ceil(math.log2(max(2, min(height, width) / stride / 4)))))
    cell = 8 if max(height, width) > _FAR else 4
    cells = math.ceil(height / cell) * math.ceil(width / cell)
    stages = ("CHANNELS, width", "width, 2 * width", "2 * width, 2 * width")
    return {
        "stride": stride,
        "widths": _CHANNELS[: halvings + 1],
        "cell": cell,
        "stages": stages if cell > 4 else stages[:2],  # noqa: PLR2004 - a stage for each halving
        "most": min(_MOST_BOXES, classes * cells),
        "pool": max(1, min(height, width, math.ceil(max(height, width) / 32))),
    }


def _rendered(template: str, values: dict[str, Any]) -> str:
    text = _ENVIRONMENT.get_template(template).render(values)
    return re.sub(r"\n{4,}", "\n\n\n", text).strip("\n") + "\n"


def comment(text: str) -> str:
    """Return ``text`` as lines of comment, none of which begins a cell of a notebook."""
    words = " ".join(text.split()).replace("%%", "% %")
    return "\n".join(f"# {line}" for line in textwrap.wrap(words, _WIDTH - 2))


_ENVIRONMENT = Environment(
    loader=PackageLoader("runner.starters"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - it writes Python; what people wrote is a comment or a literal
)
_ENVIRONMENT.filters |= {"comment": comment, "literal": repr}
