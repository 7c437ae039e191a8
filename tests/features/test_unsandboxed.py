"""A host without walls: what its owner trusts is run and marked, what strangers hand in is not."""

import sys
from dataclasses import replace

import pytest
from sqlalchemy import update

from bot.community.models import Member
from bot.features.leaderboards.models import State
from bot.kit.command import Role
from runner.evaluate import failure_of
from runner.failures import Refusal
from runner.process import RunnerProcess
from tests.features.boards import failed, given, live, scored, submit
from tests.test_road import road  # noqa: F401 - fixtures
from tests.test_road import submit as hand_in


async def make(chat, name, role):
    async with chat.core.work("tests") as work:
        await work.session.execute(update(Member).filter_by(name=name).values(role=role))


async def unsandboxed(chat):
    """A runner says that it scored without walls what was just handed in."""
    evaluation = given(chat)
    await chat.engine.report(scored(evaluation, 0.9).model_copy(update={"tier": "none"}))
    await chat.deliver()
    return evaluation


async def test_a_moderators_score_without_walls_is_taken_and_marked(board):
    await board.say("gael", "/bookwiz ping")
    await make(board, "Gael", Role.MODERATOR)
    await submit(board, "gael")
    assert given(board).vouched
    evaluation = await unsandboxed(board)
    assert "**unsandboxed**" in (await live(board, evaluation)).text
    assert "Gael (unsandboxed)" in (await board.ask("ada", "/leaderboard show digits")).replace(
        "\\", ""
    )


async def test_nobody_answers_for_a_members_model_so_its_score_without_walls_is_not_believed(board):
    await submit(board)
    assert not given(board).vouched
    await unsandboxed(board)
    assert given(board).attempt == 2


async def test_in_a_demo_all_files_are_the_owners(board):
    board.core.services = replace(board.core.services, own_files=True)
    await submit(board)
    assert given(board).vouched
    assert "**unsandboxed**" in (await live(board, await unsandboxed(board))).text


async def test_a_strange_runners_word_for_a_run_without_walls_is_never_taken(lab):
    await submit(lab.chat)
    await make(lab.chat, "Ada", Role.MODERATOR)
    evaluation = given(lab.chat)
    claim = await lab.claim(evaluation, 0.75)
    await lab.chat.engine.report(claim.model_copy(update={"tier": "none"}))
    row = await lab.row(evaluation)
    assert (row.state, row.attempt) == (State.DISPATCHED, 2)


async def test_no_other_attempt_is_made_where_the_host_has_no_walls(board):
    await submit(board)
    evaluation = given(board)
    why = failure_of(Refusal("E_RUNNER_UNSAFE", got="none"))
    await board.engine.report(failed(evaluation, why))
    await board.deliver()
    text = board.room.said[f"submission:{evaluation.submission}:why"].text.replace("\\", "")
    assert "E_RUNNER_UNSAFE" in text
    assert "cost nothing" in text
    assert board.engine.jobs == {}


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_whole_road_without_walls(road, digits, monkeypatch):  # noqa: F811
    monkeypatch.setenv("RUNNER_UNSAFE", "1")
    for seat in road.engine._seats:
        seat.process = RunnerProcess((sys.executable, "-m", "tests.no_walls"))
    model = (digits / "small-mlp.onnx").read_bytes()
    refused = (await hand_in(road, model)).plain().replace("\\", "")
    assert "code: E_RUNNER_UNSAFE" in refused
    await road.say("gael", "/bookwiz ping")
    await make(road, "Gael", Role.MODERATOR)
    card = (await hand_in(road, model, who="gael")).plain()
    assert "**unsandboxed**" in card
    assert "Rank **1** of 1" in card
