"""A board shown by its public images: the same entries, another order, nothing hidden."""

import csv
import io

import pytest

from bot.kit.message import File
from runner.contract import Verdict
from tests.features.boards import MODEL, given, submit, with_files
from tests.features.test_boards import BUG, by_tenths, rows_of


@pytest.fixture
async def by_dev(board, desk):
    desk.says["rank"] = by_tenths
    desk.says["report"] = BUG
    return board


async def with_dev(chat, who, board, dev, *, best=None):
    """Have an entry scored whose dev differs from its board."""
    await submit(chat, who, MODEL + f"{who}{board}".encode())
    evaluation = given(chat)
    verdict = Verdict(counts=best is None, best=best, released=best or board)
    outcome = await with_files(chat, evaluation, board, verdict=verdict)
    figures = {"dev": dev, "board": board, "shadow": 0.111}
    scores = tuple(
        s.model_copy(
            update={
                "metrics": tuple(
                    m.model_copy(
                        update={
                            "value": figures[s.split],
                            "low": figures[s.split] - 0.02,
                            "high": figures[s.split] + 0.02,
                        }
                    )
                    for m in s.metrics
                )
            }
        )
        for s in outcome.scores
    )
    await chat.engine.report(outcome.model_copy(update={"scores": scores}))
    await chat.deliver()


async def test_a_board_by_dev_shows_its_entries_and_nothing_hidden(by_dev):
    await with_dev(by_dev, "ada", board=0.87, dev=0.71)
    await with_dev(by_dev, "bob", board=0.64, dev=0.95)
    await with_dev(by_dev, "bob", board=0.52, dev=0.99, best=0.64)
    answer = await by_dev.say("dina", "/leaderboard show digits split:dev")
    rows = rows_of(answer.message)
    assert rows == {
        "Bob": ("1", "Bob", "95.0 %", "93.0 – 97.0 %"),
        "Ada": ("2", "Ada", "71.0 %", "69.0 – 73.0 %"),
    }
    text = answer.message.plain()
    assert "200 dev images" in text
    assert "public" in text
    for hidden in ("87.0", "64.0", "52.0", "99.0", "11.1", "tied"):
        assert hidden not in text, hidden
    buttons = {b.label: b.command for b in answer.message.buttons()}
    assert buttons["On hidden images"] == "/leaderboard show benchmark:digits"
    by_board = rows_of((await by_dev.say("dina", "/leaderboard show digits")).message)
    assert [by_board[who][0] for who in ("Ada", "Bob")] == ["1", "2"]


async def test_a_file_by_dev_has_dev_s_figures_and_says_so(by_dev):
    await with_dev(by_dev, "ada", board=0.87, dev=0.71)
    answer = await by_dev.say("dina", "/leaderboard show digits split:dev csv:yes")
    [file] = [b for b in answer.message.blocks if isinstance(b, File)]
    assert file.name == "digits-dev.csv"
    data = by_dev.core.services.files.path(file.sha256).read_text("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(data))
    assert (row["value"], row["low"]) == ("0.71", "0.69")


async def test_the_choices_for_deployment_are_not_made_on_dev(by_dev):
    answer = await by_dev.say("dina", "/leaderboard show digits split:dev view:deployment")
    assert answer.code == "E_ARGUMENT"
    assert (await by_dev.say("dina", "/leaderboard show digits split:shadow")).refused
