"""From what errors cost to a metric, and configurations side by side: pure rules."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.features.leaderboards.configs import read, side_by_side
from bot.features.leaderboards.framing import Frame, suggest
from bot.features.leaderboards.metrics import METRICS, facts_of, for_task
from runner.contract import Metric
from runner.report import words


@pytest.mark.parametrize(
    ("task", "frame", "measure", "ranks"),
    [
        ("classification", Frame(1, 1, 0.5), "accuracy", "accuracy"),
        ("classification", Frame(1, 1, 0.01), "F1", "macro_f1"),
        ("classification", Frame(1, 4, 0.5), "F-beta with beta 2.0", "macro_f1"),
        ("classification", Frame(4, 1, 0.5), "F-beta with beta 0.5", "macro_f1"),
        ("classification", Frame(1, 100, 0.01), "recall", "macro_f1"),
        ("classification", Frame(100, 1, 0.3), "precision", "macro_f1"),
        ("detection", Frame(1, 10, 0.1), "AP50", "ap50"),
        ("detection", Frame(1, 1, 0.1), "AP", "ap"),
        ("segmentation", Frame(1, 1, 0.5), "mIoU", "miou"),
        ("segmentation", Frame(1, 1, 0.05), "Dice", "dice"),
    ],
)
def test_costs_lead_to_a_metric(task, frame, measure, ranks):
    said = suggest(task, frame)
    assert said.measure.startswith(measure)
    assert said.ranks == ranks
    assert said.reasons


@given(
    st.sampled_from(["classification", "detection", "segmentation"]),
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1 - 1e-6),
)
def test_whatever_errors_cost_there_is_a_metric_of_the_task(task, false_alarm, miss, prevalence):
    frame = Frame(false_alarm, miss, prevalence)
    assert METRICS[suggest(task, frame).ranks].task == task
    assert 0 <= frame.threshold <= 1


def test_acting_is_cheaper_above_the_threshold_and_dearer_below():
    frame = Frame(false_alarm=1, miss=9, prevalence=0.5)
    for probability in (0.05, 0.09, 0.11, 0.5):
        acting, ignoring = (1 - probability) * 1, probability * 9
        assert (acting < ignoring) == (probability > frame.threshold)


def test_what_ranks_is_said_in_per_cent_as_reports_say_it():
    assert facts_of("accuracy").show(0.93) == "93.0 %"
    assert facts_of("accuracy").difference(-0.012) == "-1.2 points"
    for task in ("detection", "segmentation"):
        for metric in for_task(task):
            assert metric.show(0.505) == "50.5 %"
            assert metric.difference(0.1) == "+10.0 points"
            assert metric.show(0.505) == words.figure(Metric(name=metric.name, value=0.505))
    assert facts_of("nll").show(1.5) == words.figure(Metric(name="nll", value=1.5)) == "1.500"
    assert facts_of("something_new").show(1.5) == "1.500"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ('{"lr": 0.1, "aug": {"flip": true}}', {"lr": "0.1", "aug.flip": "true"}),
        ("lr: 0.1\nepochs = 30", {"lr": "0.1", "epochs": "30"}),
        ("just a sentence", {"notes": "just a sentence"}),
        ("[1, 2]", {"notes": "[1, 2]"}),
    ],
)
def test_a_configuration_is_json_or_a_line_each(text, found):
    assert read(text) == found


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_members_write_can_be_put_side_by_side(one, other):
    for _, left, right, differs in side_by_side(one, other):
        assert differs == (left != right) or "–" in (left, right)


def test_what_differs_comes_first():
    rows = side_by_side(json.dumps({"lr": 1, "seed": 2}), json.dumps({"lr": 1, "seed": 3}))
    assert [(name, differs) for name, _, _, differs in rows] == [("seed", True), ("lr", False)]
