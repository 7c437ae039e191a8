"""What hidden images may say: the ranking figure and its like. Asked of every answer of the desk."""

import json
import re

import numpy as np
import pytest

from runner import blobs
from runner.contract import Ladder, SplitScore
from runner.desk import carry_out
from runner.errands import CompareErrand, RankErrand, ReportErrand, RevealErrand
from runner.evaluate import as_npy
from runner.tasks.coco import NAMES
from runner.tasks.table import task_of
from tests.runner.seasons import METRIC, season

TASKS = ("classification", "detection", "segmentation")
#: the only figures of a hidden split that leave the scorer; no loss, no calibration, nothing per class
ALLOWED = {
    "classification": {"accuracy", "macro_f1", "top5_accuracy"},
    "detection": set(NAMES),
    "segmentation": {"miou", "dice", "pixel_accuracy"},
}
#: fields of a split that only dev may fill
DEV_ONLY = set(SplitScore.model_fields) - {"split", "images", "metrics"}


@pytest.fixture(params=TASKS)
def world(request, tmp_path):
    return season(tmp_path, request.param)


def written(value):
    """How a page or a table might write it."""
    return {f"{value:.3f}", f"{100 * value:.1f} %", f"{100 * value:.2f} %", repr(value)}


def test_of_a_hidden_split_the_scorer_tells_its_allowed_figures_alone(world):
    scored = world.score(skill=0.7)
    dev, *hidden = scored.scores
    assert dev.split == "dev"
    assert dev.classes
    for score in hidden:
        assert {m.name for m in score.metrics} <= ALLOWED[world.task]
        assert score.metrics[0].name == METRIC[world.task]
        assert not any(getattr(score, name) for name in DEV_ONLY), score.split
    kept = {f"statistics-{s}.npz" for s in ("dev", "board", "shadow")}
    files = {a.name for a in scored.artifacts} - kept
    assert files <= {"curves-dev.npz"}


def test_two_models_with_the_same_right_images_say_the_same_of_a_hidden_split(tmp_path):
    """A confidence, or which wrong class it was, would be a log-loss oracle in disguise."""
    world = season(tmp_path, "classification")
    truth = world.truth["board"]
    right = np.random.default_rng(0).random(len(truth)) < 0.7

    def told(sure, shift):
        scores = np.zeros((len(truth), 10), np.float32)
        said = np.where(right, truth, (truth + shift) % 10)
        scores[np.arange(len(truth)), said] = sure
        statistics = task_of("classification").judge(
            "board", scores, truth, world.manifest, metric="accuracy", attributes={}
        )
        return [m for m in statistics.score.metrics if m.name == "accuracy"]

    assert told(1.0, 1) == told(30.0, 1) == told(5.0, 3)


def report_on(world, scored, dev):
    found = blobs.store(world.desk.files, as_npy(dev), name="p.npy", media_type="application/x-npy")
    return ReportErrand(
        task=world.task, dataset=world.manifest.key, submission="s1", title="Pets", who="Ada",
        metric=world.metric, scores=scored.scores, verdict=scored.verdict, dev=found.sha256,
    )  # fmt: skip


@pytest.mark.parametrize("counts", [True, False])
def test_a_report_says_of_the_board_what_was_released_and_of_the_shadow_nothing(world, counts):
    first = world.score(skill=0.9)
    ladder = None
    if not counts:
        kept = next(a for a in first.artifacts if a.name == "statistics-board.npz")
        ladder = Ladder(released=first.verdict.released, statistics=kept.sha256)
    scored = world.score(skill=0.75, seed=5, ladder=ladder, shadow_skill=0.4)
    assert scored.verdict.counts is counts
    dev = world.predictions("dev", skill=0.75, seed=5)
    made = carry_out(world.desk, report_on(world, scored, dev))
    page = next(a for a in made.artifacts if a.media_type == "text/html")
    text = world.desk.file(page.sha256).read_text()
    everything = text + made.model_dump_json()
    dev_score, board, shadow = scored.scores
    public = set().union(*(written(m.value) for m in dev_score.metrics))
    public |= set().union(*(written(b) for m in dev_score.metrics for b in (m.low, m.high) if b))
    public |= set().union(*(written(c.f1 or c.iou or c.ap or 0) for c in dev_score.classes))
    public |= written(scored.verdict.released) | written(scored.verdict.best or 0)
    hidden = list(shadow.metrics) + list(board.metrics[1:] if counts else board.metrics)
    searched = 0
    for metric in hidden:
        for words in written(metric.value) - public:
            searched += 1
            found = re.search(rf"(?<![\d.]){re.escape(words)}", everything)
            assert not found, (metric.name, words)
    assert searched
    for artifact in scored.artifacts:
        assert artifact.sha256 not in everything, artifact.name


def test_rank_compare_and_reveal_answer_with_figures_of_whole_splits_alone(world):
    scored = [world.score(skill=skill, seed=n) for n, skill in enumerate((0.9, 0.7, 0.5))]
    entrants = tuple(world.entrant(f"M{n}", s) for n, s in enumerate(scored))
    base = {"task": world.task, "dataset": world.manifest.key, "metric": world.metric}
    ranking = carry_out(world.desk, RankErrand(entrants=entrants, **base))
    assert set(type(ranking.ranked[0]).model_fields) == {
        "submission", "rank", "tied", "value", "low", "high", "front",
    }  # fmt: skip
    compared = carry_out(
        world.desk, CompareErrand(split="board", one=entrants[0], other=entrants[1], **base)
    )
    assert set(compared.figures) == {"difference", "low", "high", "p"}
    assert compared.artifacts == ()
    revealed = carry_out(world.desk, RevealErrand(title="Pets", entrants=entrants, **base))
    for answer in (ranking, compared, revealed):
        said = json.dumps(answer.model_dump(mode="json"))
        for one in scored:
            for artifact in one.artifacts:
                assert artifact.sha256 not in said, artifact.name


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_a_ranks_interval_is_no_finer_than_what_the_board_shows(tmp_path, task):
    world = season(tmp_path, task)
    scored = world.score(skill=0.7)
    entrant = world.entrant("Ada", scored, quality=scored.verdict.released)
    errand = RankErrand(
        task=task, dataset=world.manifest.key, metric=world.metric, entrants=(entrant,)
    )
    [row] = carry_out(world.desk, errand).ranked
    for value in (row.value, row.low, row.high):
        assert value * 80 == pytest.approx(round(value * 80))
