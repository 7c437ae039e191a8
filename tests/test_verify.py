"""A score that is kept is computed again, by the real runner, and found the same or not."""

import click
import pytest
from sqlalchemy import update

from bot.features.leaderboards.models import Score, Submission
from bot.verify import again, compared
from runner.contract import Metric, Outcome, SplitScore
from tests.test_road import road, submit  # noqa: F401 - fixtures


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_score_is_the_same_again_and_one_that_was_changed_is_found(
    road, digits, settings, capsys  # noqa: F811
):  # fmt: skip
    await submit(road, (digits / "small-mlp.onnx").read_bytes())
    [key] = [k for k in road.room.said if k.startswith("submission:") and k.count(":") == 1]
    id_ = key.split(":")[1]

    assert await again(road.core.database, settings, id_) == 0
    said = capsys.readouterr().out
    assert "Predictions are the same bit for bit." in said
    assert "same       dev     accuracy  kept 0.9" in said
    hidden = [line for line in said.splitlines() if "shadow" in line or "board" in line]
    assert len(hidden) > 2
    assert not any("kept" in line for line in hidden), "its values are released by the Ladder alone"

    async with road.core.work("tests") as work:
        wrong = update(Score).where(Score.split == "board", Score.metric == "accuracy")
        await work.session.execute(wrong.values(value=0.5))
    assert await again(road.core.database, settings, id_) == 1
    assert "DIFFERENT  board   accuracy  off by +0.4" in capsys.readouterr().out

    with pytest.raises(click.ClickException, match="no submission nothing"):
        await again(road.core.database, settings, "nothing")
    async with road.core.work("tests") as work:
        row = await work.session.get_one(Submission, id_)
        row.sha256 = "0" * 64
    with pytest.raises(click.ClickException, match="not in the store"):
        await again(road.core.database, settings, id_)


def test_a_figure_that_was_not_computed_again_is_not_the_same():
    kept = [Score(split="dev", metric=name, value=0.5) for name in ("accuracy", "gone")]
    metrics = (Metric(name="accuracy", value=0.5 + 1e-12),)
    outcome = Outcome(
        submission="s", attempt=1, token="", runner="r", tier="full",
        scores=(SplitScore(split="dev", images=1, metrics=metrics),),
    )  # fmt: skip
    assert [figure.same for figure in compared(kept, outcome)] == [True, False]
