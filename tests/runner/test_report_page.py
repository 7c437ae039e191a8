"""The report page, read as a browser would read it."""

import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner import blobs, scoring
from runner.contract import (
    Artifact,
    Calibration,
    Metric,
    ModelFacts,
    Slice,
    Speed,
    Split,
    SplitScore,
    Verdict,
)
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from runner.desk import Desk
from runner.errands import Analysed, Made, ReportErrand
from runner.predictions import as_npy
from runner.report import page
from runner.report.confusion import draw

SPEED = Speed(
    p50_ms=0.02, p95_ms=0.03, images_per_second=9e4, limit_per_second=1e5, efficiency=0.9,
    seconds=0.1, threads=2, hardware="2-core CPU",
)  # fmt: skip
FACTS = ModelFacts(
    format="onnx", parameters=4810, size=19_400, opset=17, input="uint8 [N, 8, 8, 1]"
)
HIDDEN_PIXEL = 201  # no dev image has this value
NASTY = "<script>alert('@everyone')</script>"


class Read(HTMLParser):
    """What a page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] != "style":
            self.words += data

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attributes for name, attributes in self.tags if name == tag]


class World:
    """A desk with one dataset and the predictions of models on it."""

    def __init__(self, folder: Path, classes: tuple[str, ...], *, dev: int = 60) -> None:
        rng = np.random.default_rng(3)
        self.classes = classes
        self.labels = np.arange(dev, dtype=np.int64) % len(classes)
        images = rng.integers(0, 200, (dev, 8, 8, 1), dtype=np.uint8)
        hidden = np.full((40, 8, 8, 1), HIDDEN_PIXEL, np.uint8)
        marks = rng.integers(0, 50, hidden.shape, dtype=np.uint8)
        number = np.arange(40, dtype=np.int64) % len(classes)
        self.manifest = add_dataset(
            Card("Toy", "classification", "CC0", "made up", {}),
            {
                "dev": Source(images, self.labels, classes),
                "board": Source(hidden + marks, number, classes),
                "shadow": Source(hidden + marks[::-1], number[::-1].copy(), classes),
            },
            datasets=folder / "datasets",
            artifacts=folder / "files",
        )
        self.desk = Desk(folder / "files", folder / "datasets")

    def predictions(self, *, skill: float, seed: int = 0) -> Artifact:
        rng = np.random.default_rng(seed)
        scores = rng.normal(size=(len(self.labels), len(self.classes))).astype(np.float32)
        scores[np.arange(len(scores)), self.labels] += np.float32(skill)
        return self.stored(scores)

    def stored(self, scores) -> Artifact:
        data = as_npy(scores)
        return blobs.store(self.desk.files, data, name="p.npy", media_type="application/x-npy")

    def score(self, predictions: Artifact, split: Split = "dev") -> SplitScore:
        rows = np.load(self.desk.file(predictions.sha256))
        return scoring.score(
            self.desk.datasets, self.manifest, (split,), (rows,),
            metric="accuracy", ladder=None, files=self.desk.files,
        ).scores[0]  # fmt: skip

    def errand(self, predictions: Artifact, **given: Any) -> ReportErrand:
        words = {
            "task": "classification",
            "dataset": self.manifest.key,
            "submission": "7",
            "title": "Toys",
            "who": "ada",
            "metric": "accuracy",
            "scores": (self.score(predictions),),
            "dev": predictions.sha256,
            "speed": SPEED,
            "model": FACTS,
            "model_sha256": "ab" * 32,
            "runner": "here/1",
            "tier": "full",
            "versions": {"onnxruntime": "1.2.3"},
        }
        return ReportErrand.model_validate(words | given)

    def page(self, errand: ReportErrand) -> str:
        made = page.carry_out(self.desk, errand)
        assert [artifact.name for artifact in made.artifacts] == ["report.png", "report.html"]
        return self.desk.file(made.artifacts[1].sha256).read_text()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("report"), tuple("0123456789"))


def board(value: float) -> SplitScore:
    metrics = (
        Metric(name="accuracy", value=value, low=0.61, high=0.79),
        Metric(name="macro_f1", value=0.6543, low=0.6, high=0.7),
    )
    return SplitScore(split="board", images=40, metrics=metrics)


def full_errand(world: World) -> ReportErrand:
    """An errand with everything a report can show."""
    now, before = world.predictions(skill=1.5), world.predictions(skill=0.5, seed=1)
    score = world.score(now).model_copy(
        update={
            "slices": (
                Slice(attribute="source", value="night", images=12, score=0.5, low=0.2, high=0.8),
                Slice(attribute="source", value="day", images=0, score=0),
            ),
            "calibration": Calibration(
                ece=0.105, temperature=1.45, ece_after=0.028,
                bins=((0.5, 0.3, 10), (0.9, 0.8, 50), (0.95, 0, 0)),
            ),
        }
    )  # fmt: skip
    picture = draw("Analysis", world.score(now))
    words = "noise costs most."
    stands = Made(
        artifacts=(page.stored(world.desk, "robustness.png", replace(picture, alt=words)),),
        words=words,
        rows=(("corruption", "severity 1"), *((f"noise {n}", "61.5 %") for n in range(40))),
    )
    looks = Made(
        artifacts=(page.stored(world.desk, "saliency.png", picture),),
        words="Deletion AUC .2",
        rows=(("image", "taken for", "AUC"), ("#3", "eight", "0.213")),
    )
    return world.errand(
        now, scores=(score, board(0.7)), verdict=Verdict(counts=True, released=0.7, best=0.65),
        previous=before.sha256, previous_submission="3",
        analyses=(
            Analysed(heading="What it stands", made=stands),
            Analysed(heading="What it looks at", made=looks),
        ),
        config="lr: 0.1", notes="first try", warnings=("Pixels may be scaled otherwise.",),
    )  # fmt: skip


def test_a_page_needs_nothing_but_itself(world: World) -> None:
    text = world.page(full_errand(world))
    read = Read(text)
    assert {tag for tag, _ in read.tags} & {"script", "link", "iframe", "object", "form"} == set()
    for _, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href"):
            value = attributes.get(name) or "#"
            assert value.startswith(("data:image/", "#")), value
    assert "http:" not in text
    assert "https:" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert len(text.encode()) <= 2_000_000


def test_every_picture_has_words_every_table_a_caption_and_every_link_a_target(
    world: World,
) -> None:
    read = Read(world.page(full_errand(world)))
    pictures = read.all("img")
    assert len(pictures) >= 5
    assert all(len(picture["alt"]) > 10 and int(picture["width"]) > 0 for picture in pictures)
    assert len(read.all("table")) == len(read.all("caption"))
    ids = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    assert {link["href"][1:] for link in read.all("a")} <= ids
    assert len(read.all("h1")) == 1


def test_a_page_says_everything_that_is_known(world: World) -> None:
    words = " ".join(Read(world.page(full_errand(world))).words.split())
    for said in (
        "This entry counts: the board shows 70.0 %. The best before was 65.0 %.",
        "Dividing the logits by 1.45 makes it 2.8 %",
        "source: night",
        "no image",
        "McNemar p",
        "lr: 0.1",
        "first try",
        "Pixels may be scaled otherwise.",
        "ab" * 32,
        "here/1",
        "onnxruntime",
        world.manifest.key,
        "accuracy, version 1",
        "4.81 thousand",
        "19.4 kB",
        "90 %",
    ):
        assert said in words, said


def test_finished_analyses_are_in_the_page_with_words_picture_and_whole_table(
    world: World,
) -> None:
    text = world.page(full_errand(world))
    words = " ".join(Read(text).words.split())
    part = words[words.index("What it stands") : words.index("What it costs Speed")]
    assert part.count("noise costs most") == 1, "the caption repeats it"
    assert "What it stands, in figures" in part
    assert 'noise 39</th><td class="n" dir="auto">61.5 %</td>' in text
    assert "Deletion AUC .2" in part
    assert '<td dir="auto">eight</td><td class="n" dir="auto">0.213</td>' in text


def test_the_style_sheet_is_the_one_that_the_page_allows(world: World) -> None:
    import base64
    import hashlib

    text = world.page(world.errand(world.predictions(skill=2)))
    style = text.split("<style>")[1].split("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = Read(text).all("meta")[1]["content"]
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy


def test_words_of_members_models_and_classes_are_escaped(tmp_path: Path) -> None:
    world = World(tmp_path, (NASTY, "b", "c"))
    predictions = world.predictions(skill=0.1)
    facts = FACTS.model_copy(update={"producer": NASTY, "input": NASTY})
    errand = world.errand(
        predictions, title=NASTY, who=NASTY, config=NASTY, notes=NASTY, warnings=(NASTY,),
        model=facts, runner=NASTY, versions={NASTY: NASTY}, benchmark_image=NASTY,
    )  # fmt: skip
    text = world.page(errand)
    assert "<script" not in text
    assert NASTY in Read(text).words
    made = page.carry_out(world.desk, errand)
    said = f"{made.words} {made.artifacts[0].alt}"
    assert "@" not in said
    assert "<" not in said


def test_no_hidden_image_or_label_is_opened(world: World, tmp_path: Path) -> None:
    """Whatever lies in board and shadow, the page is the same: it cannot have been read."""
    errand = full_errand(world)
    folder = world.desk.datasets / world.manifest.key
    before = world.page(errand)
    hidden = [
        folder / part / f"{s}.npy" for part in ("images", "labels") for s in ("board", "shadow")
    ]
    kept = {path: path.read_bytes() for path in hidden}
    try:
        for path in hidden:
            path.unlink()
        assert world.page(errand) == before
    finally:
        for path, data in kept.items():
            path.write_bytes(data)


def test_no_hidden_image_is_in_the_page(world: World) -> None:
    import base64

    from PIL import Image

    read = Read(world.page(full_errand(world)))
    thumbnails = [picture["src"] for picture in read.all("img") if picture["width"] == "168"]
    assert thumbnails
    for source in thumbnails:
        data = base64.b64decode(source.partition(",")[2])
        assert np.asarray(Image.open(io.BytesIO(data))).max() < HIDDEN_PIXEL


def test_shadow_is_never_told(world: World) -> None:
    shadow = board(0.123).model_copy(update={"split": "shadow", "images": 41})
    errand = full_errand(world)
    words = Read(world.page(errand.model_copy(update={"scores": (*errand.scores, shadow)}))).words
    assert "12.3" not in words
    assert "shadow" not in words


def test_of_a_board_that_was_not_released_no_figure_is_told(world: World) -> None:
    predictions = world.predictions(skill=2)
    errand = world.errand(
        predictions,
        scores=(world.score(predictions), board(0.7321)),
        verdict=Verdict(counts=False, released=0.7, best=0.7),
    )
    words = " ".join(Read(world.page(errand)).words.split())
    assert "Not a significant improvement on the board: it goes on showing 70.0 %" in words
    assert "not released" in words
    for told in ("73.2", "61.0", "79.0", "65.4"):
        assert told not in words


def test_of_a_board_that_was_released_the_released_value_is_told(world: World) -> None:
    predictions = world.predictions(skill=2)
    errand = world.errand(
        predictions,
        scores=(world.score(predictions), board(0.7321)),
        verdict=Verdict(counts=True, released=0.725, best=None),
    )
    words = Read(world.page(errand)).words
    assert "72.5 %" in words
    assert "73.2" not in words


def test_a_benchmark_without_dev_has_its_figures_for_a_picture(world: World) -> None:
    errand = world.errand(world.predictions(skill=2), scores=(board(0.7),), dev=None)
    made = page.carry_out(world.desk, errand)
    assert made.artifacts[0].alt == "Toys: Accuracy 70.0 %; Macro F1 65.4 %."
    assert "The worst dev images" not in world.page(errand)


@pytest.mark.parametrize(("skill", "said"), [(50, "not one mistake on dev"), (-50, "24 of 60")])
def test_perfect_and_hopeless_models_have_a_page(world: World, skill: float, said: str) -> None:
    errand = world.errand(world.predictions(skill=skill))
    assert said in Read(world.page(errand)).words


@pytest.mark.parametrize("classes", [2, 100])
def test_few_and_many_classes_and_one_image_have_a_page(classes: int, tmp_path: Path) -> None:
    names = tuple(f"שם ארוך מאוד {number} " + "x" * 60 for number in range(classes))
    world = World(tmp_path, names, dev=1 if classes == 2 else 200)
    text = world.page(world.errand(world.predictions(skill=0)))
    assert names[0] in text
    assert len(text.encode()) <= 2_000_000


def test_a_model_without_walls_is_marked(world: World) -> None:
    errand = world.errand(world.predictions(skill=2), tier="none")
    assert "ran without a sandbox" in Read(world.page(errand)).words
