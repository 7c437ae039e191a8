"""Two submissions on the same images: difference, interval, p, and what may be said of each split."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from runner.desk import carry_out
from runner.errands import CompareErrand
from runner.failures import Refusal
from runner.ranking import contrast, paired
from tests.runner import kept
from tests.runner.seasons import SIZES, season

TASKS = ("classification", "detection", "segmentation")


@pytest.fixture(params=TASKS)
def world(request, tmp_path):
    return season(tmp_path, request.param)


def errand(world, one, other, split="dev", **more):
    return CompareErrand(
        task=world.task, dataset=world.manifest.key, metric=world.metric, split=split,
        one=world.entrant("Ada", one, split), other=world.entrant("Bob", other, split), **more,
    )  # fmt: skip


def test_a_far_better_model_is_so_by_more_than_chance_and_the_sign_is_the_first_ones(world):
    good, bad = world.score(skill=0.95), world.score(skill=0.3, seed=1)
    made = carry_out(world.desk, errand(world, good, bad))
    figures = made.figures
    assert set(figures) == {"difference", "low", "high", "p"}
    assert 0 < figures["low"] <= figures["difference"] <= figures["high"]
    assert figures["p"] < 0.01
    back = carry_out(world.desk, errand(world, bad, good)).figures
    assert back["difference"] == pytest.approx(-figures["difference"])
    assert back["high"] < 0


def test_a_model_against_itself_differs_by_nothing(world):
    one = world.score(skill=0.7)
    made = carry_out(world.desk, errand(world, one, one))
    assert made.figures == {"difference": 0, "low": 0, "high": 0, "p": 1}
    assert made.words == "Both do equally well on every dev image."


def test_dev_tells_images_classes_and_all_metrics_with_a_picture(world):
    good, bad = world.score(skill=0.95), world.score(skill=0.3, seed=1)
    made = carry_out(world.desk, errand(world, good, bad))
    head, *rows = made.rows
    assert head == ("Figure", "Ada", "Bob", "Difference", "95 % interval")
    assert all(len(row) == len(head) for row in rows)
    assert len(rows) >= 3
    assert rows[-1][0] == "Dev images done better"
    better, worse = (int(cell) for cell in rows[-1][1:3])
    assert better > worse
    assert f"Ada does {better} better and Bob {worse}" in made.words
    [picture] = made.artifacts
    assert picture.media_type == "image/png"
    assert "95 % interval" in picture.alt
    assert "differs most in" in picture.alt
    image = Image.open(io.BytesIO(world.desk.file(picture.sha256).read_bytes()))
    assert max(image.size) < 1600


@pytest.mark.parametrize("split", ["board", "shadow"])
def test_of_hidden_images_nothing_is_told_but_one_rounded_difference(world, split):
    one, other = world.score(skill=0.9), world.score(skill=0.6, seed=1)
    made = carry_out(world.desk, errand(world, one, other, split))
    assert made.artifacts == ()
    assert made.words == ""
    assert len(made.rows) == 2
    images = SIZES[split]
    for name in ("difference", "low", "high"):
        steps = made.figures[name] * images
        assert steps == pytest.approx(round(steps)), name
    assert made.figures["p"] * 100 == pytest.approx(round(made.figures["p"] * 100))
    assert made.figures["low"] <= made.figures["difference"] <= made.figures["high"]


def test_what_the_board_shows_is_what_a_hidden_comparison_is_of(tmp_path):
    world = season(tmp_path, "classification")
    one, other = world.score(skill=0.9), world.score(skill=0.6, seed=1)
    asked = errand(world, one, other, "board")
    asked = asked.model_copy(
        update={
            "one": asked.one.model_copy(update={"quality": 0.8}),
            "other": asked.other.model_copy(update={"quality": 0.5}),
        }
    )
    made = carry_out(world.desk, asked)
    assert made.figures["difference"] == pytest.approx(0.3)
    assert made.rows[1][1:3] == ("80.0 %", "50.0 %")


def test_what_is_lost_or_of_other_images_is_a_failure_of_ours(tmp_path):
    world = season(tmp_path, "classification")
    one, other = world.score(skill=0.9), world.score(skill=0.6, seed=1)
    asked = errand(world, one, other)
    lost = asked.other.model_copy(update={"statistics": "0" * 64})
    shadow = asked.other.model_copy(update={"statistics": asked.other.shadow})
    for broken in (lost, shadow):
        with pytest.raises(Refusal, match="E_RUNNER_FETCH") as refused:
            carry_out(world.desk, asked.model_copy(update={"other": broken}))
        assert refused.value.ours


# The statistics behind it


def test_p_of_right_and_wrong_is_mcnemars_exact_one():
    one, other = np.ones(100, bool), np.ones(100, bool)
    one[:3], other[3:15] = False, False  # 12 that one alone does, 3 that the other alone does
    found = paired.compared(kept.classified(one), kept.classified(other), "accuracy")
    assert found.p == pytest.approx(0.035156, abs=1e-6)  # 2 · P(X ≤ 3), X binomial of 15, 1/2
    assert found.difference == pytest.approx(0.09)
    # As the normal approximation has it: .09 ± 1.96 · √(15 − 9²/100) / 100.
    assert (found.low, found.high) == pytest.approx((0.0161, 0.1639), abs=0.011)


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 5000))
def test_resampled_pairs_lie_around_the_difference(ahead, behind, alike):
    images = ahead + behind + alike + 1
    drawn = paired.resampled_pairs(ahead, behind, images)
    spread = np.sqrt((ahead + behind) / images**2)
    assert abs(drawn.mean() - (ahead - behind) / images) <= 0.25 * spread + 1e-12
    assert np.abs(drawn).max() <= 1


@given(st.lists(st.floats(-1, 1), min_size=20, max_size=200))
def test_the_bootstraps_p_value_is_a_share_and_knows_no_direction(values):
    drawn = np.array(values)
    p = paired.crossing(drawn)
    assert 2 / (len(drawn) + 1) <= p <= 1
    assert paired.crossing(-drawn) == p


def test_the_bootstraps_p_value_agrees_with_its_interval():
    random = np.random.default_rng(0)
    agree = 0
    for _ in range(40):
        drawn = random.normal(random.normal(0, 2), 1, 1000)
        low, high = np.quantile(drawn, [0.025, 0.975])
        agree += (paired.crossing(drawn) < 0.05) == (low > 0 or high < 0)
    assert agree >= 39


def test_equal_models_are_told_apart_seldom():
    """Paired bootstrap of mIoU between models of one skill: wrong about once in twenty."""
    wrong = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        one, other = kept.segmented(random, 120), kept.segmented(random, 120)
        wrong += paired.compared(one, other, "dice").p < 0.05
    assert wrong <= 8


def test_each_image_and_each_class_is_judged_by_its_task():
    right = np.array([True, True, False, True])
    values, _ = contrast.by_image(kept.classified(right, classes=4))
    assert values.tolist() == [1, 1, 0, 1]
    values, name = contrast.by_class(kept.classified(right, classes=4))
    assert name == "F1"
    assert values.tolist() == pytest.approx([1, 1, 0, 2 / 3])
    random = np.random.default_rng(0)
    for model, name in ((kept.segmented(random, 30), "IoU"), (kept.boxed(random, 30), "AP")):
        values, _ = contrast.by_image(model)
        assert values.shape == (30,)
        assert 0 <= values.min() <= values.max() <= 1
        assert contrast.by_class(model)[1] == name
