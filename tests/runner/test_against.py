"""A report compares a model with others on the same dev images, and on no others."""

from pathlib import Path

import pytest

from runner.errands import Entrant, ReportErrand
from runner.report import against
from tests.runner.seasons import Season, season

TASKS = ("classification", "detection", "segmentation")


def errand(made: Season, own: Entrant, *others: Entrant) -> ReportErrand:
    return ReportErrand(
        task=made.task, dataset=made.manifest.key, submission=own.submission, title="Pets",
        who="Ada", metric=made.metric, scores=(), kept=own.statistics, against=others,
    )  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_a_better_and_an_equal_model_are_told_apart(task: str, tmp_path: Path) -> None:
    made = season(tmp_path, task)
    own, weak = (
        made.entrant(name, made.score(skill=skill), "dev")
        for name, skill in (("own", 0.95), ("weak", 0.3))
    )
    head, worse, same = against.rows(made.desk, errand(made, own, weak, own))
    assert head == against.HEAD
    assert worse[0] == "against weak"
    assert worse[1].startswith("+")
    assert worse[3] == "hardly"
    assert same[3] == "no difference"
    unit = " points" if task == "classification" else ""
    assert all(cell.endswith(unit) for cell in (*worse[1:3], *same[1:3]))


def test_the_difference_and_its_interval_are_of_dev(tmp_path: Path) -> None:
    made = season(tmp_path, "classification")
    scored = [made.score(skill=skill, seed=3) for skill in (0.9, 0.5)]
    values = [next(s for s in each.scores if s.split == "dev").metrics[0].value for each in scored]
    own, other = (made.entrant("x", each, "dev") for each in scored)
    _, row = against.rows(made.desk, errand(made, own, other))
    assert row[1] == f"{100 * (values[0] - values[1]):+.1f} points"
    low, high = (float(end) for end in row[2].removesuffix(" points").split(" to "))
    assert low < 100 * (values[0] - values[1]) < high


def test_hidden_images_and_lost_ones_are_compared_with_nothing(tmp_path: Path) -> None:
    made = season(tmp_path, "classification")
    scored = made.score(skill=0.9)
    own, hidden = (made.entrant("x", scored, split) for split in ("dev", "board"))
    lost = own.model_copy(update={"statistics": "0" * 64})
    assert against.rows(made.desk, errand(made, own, hidden, lost)) == ()
    assert against.rows(made.desk, errand(made, lost, own)) == ()
    assert against.rows(made.desk, errand(made, own)) == ()
