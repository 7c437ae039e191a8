"""The season's end: gaps, their median, the agreement of two orders, and the plot."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.desk import carry_out
from runner.errands import Gap, RevealErrand
from runner.failures import Refusal
from runner.ranking import reveal
from runner.report import shakeup
from tests.runner import kept
from tests.runner.seasons import season

TASKS = ("classification", "detection", "segmentation")


def errand(world, *entrants):
    return RevealErrand(
        task=world.task, dataset=world.manifest.key, metric=world.metric, title="Pets",
        entrants=entrants,
    )  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_what_was_tuned_to_the_board_falls_and_the_plot_says_so(tmp_path, task):
    world = season(tmp_path, task)
    honest = [
        world.entrant(name, world.score(skill=skill, seed=seed))
        for seed, (name, skill) in enumerate((("Ada", 0.85), ("Bob", 0.6), ("Chen", 0.4)))
    ]
    tuned = world.entrant("Tuned", world.score(skill=0.99, seed=9, shadow_skill=0.3))
    told = carry_out(world.desk, errand(world, *honest, tuned))
    by_name = {gap.name: gap for gap in told.gaps}
    assert [gap.board_rank for gap in told.gaps] == [1, 2, 3, 4]
    assert by_name["Tuned"].board_rank == 1
    assert by_name["Tuned"].shadow_rank > 2
    assert by_name["Tuned"].low > 0
    for gap in told.gaps:
        assert gap.low <= gap.gap <= gap.high
        assert gap.gap == pytest.approx(gap.board - gap.shadow)
    assert told.median_low <= told.median_gap <= told.median_high
    assert -1 <= told.spearman < 1
    [plot] = told.artifacts
    assert f"Tuned (1 to {by_name['Tuned'].shadow_rank})" in plot.alt
    assert world.desk.file(plot.sha256).read_bytes().startswith(b"\x89PNG")


def test_whose_images_are_lost_is_named_and_the_rest_is_revealed(tmp_path):
    world = season(tmp_path, "classification")
    scored = world.score(skill=0.8)
    ada, bob = world.entrant("Ada", scored), world.entrant("Bob", scored)
    gone = bob.model_copy(update={"shadow": "0" * 64})
    told = carry_out(world.desk, errand(world, ada, gone))
    assert [gap.name for gap in told.gaps] == ["Ada"]
    assert told.left_out == ("Bob",)
    assert told.spearman is None
    without = bob.model_copy(update={"shadow": None})
    with pytest.raises(Refusal, match="E_RUNNER_FETCH"):
        carry_out(world.desk, errand(world, gone, without))


def test_the_same_season_is_told_the_same_twice(tmp_path):
    world = season(tmp_path, "segmentation")
    entrants = [world.entrant(f"M{n}", world.score(skill=0.5 + n / 10, seed=n)) for n in range(4)]
    one = carry_out(world.desk, errand(world, *entrants))
    again = carry_out(world.desk, errand(world, *reversed(entrants)))
    assert one == again


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ([1, 2, 3], [10, 20, 30], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 2, 3, 4], [1, 3, 2, 4], 0.8),
        ([1, 1, 2, 3], [1, 2, 3, 4], 0.9486832980505138),  # ties share their mean place
        ([1, 1, 1], [1, 2, 3], None),
        ([1, 2], [2, 1], None),
    ],
)
def test_spearman_is_the_one_of_the_books(one, other, value):
    assert reveal.spearman(np.array(one, float), np.array(other, float)) == pytest.approx(value)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_equal_values_share_the_better_place(values):
    ranks = reveal.places(np.array(values, float))
    for value, rank in zip(values, ranks, strict=True):
        assert rank == 1 + sum(other > value for other in values)


def test_without_a_true_gap_the_medians_interval_holds_zero_about_nineteen_times_in_twenty():
    held, models = 0, 5
    for seed in range(60):
        board = [kept.classified(r) for r in kept.luck(models, 300, 0.7, 2 * seed)]
        shadow = [kept.classified(r) for r in kept.luck(models, 150, 0.7, 2 * seed + 1)]
        _, low, high = reveal.median_gap(reveal.measured(board, shadow, "accuracy"))
        held += low <= 0 <= high
    assert held >= 53


def gap(name, board_rank, shadow_rank):
    return Gap(
        submission=name, name=name, board=0.9, shadow=0.8, gap=0.1, low=0, high=0.2,
        board_rank=board_rank, shadow_rank=shadow_rank,
    )  # fmt: skip


def test_a_long_board_is_cut_and_says_so_and_strange_names_are_drawn():
    gaps = [gap(f"$x^{{ {n} 中文", n, 61 - n) for n in range(1, 61)]
    drawn = shakeup.draw("Pets", "ap", gaps, spearman=-1.0, images=(500, 200))
    assert len(drawn.png) < 400_000
    assert drawn.alt.endswith("correlation -1.00.")


def test_nobody_moving_is_said_in_words():
    drawn = shakeup.draw("Pets", "ap", [gap("Ada", 1, 1)], spearman=None, images=(5, 5))
    assert drawn.alt.endswith("Nobody moves.")
