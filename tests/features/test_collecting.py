"""Refused models are deleted after thirty days, and nothing that any row still names ever is."""

import os
from datetime import timedelta

import pytest

from bot.community.members import set_setting
from bot.features.leaderboards.collecting import KEPT
from tests.features.boards import MODEL, OURS, THEIRS, failed, given, scored, submit


@pytest.fixture
def store(board):
    return board.core.services.files


async def collect(chat):
    await chat.core.catch_up()  # makes its row
    schedule = chat.core.services.schedules["leaderboards.collect"]
    await chat.core.fire(schedule, chat.clock.now())


async def refused(chat, who="ada", data=MODEL, failure=THEIRS):
    """Hand a model in that ends so; gives the path of its file, which came when it did."""
    await submit(chat, who, data)
    evaluation = given(chat)
    await chat.engine.report(failed(evaluation, failure))
    await chat.deliver()
    path = chat.core.services.files.path(evaluation.model.sha256)
    came(chat, path)
    return path


def came(chat, path):
    os.utime(path, (chat.clock.now().timestamp(),) * 2)


def later(chat, time=KEPT):
    """Let time pass with nothing happening by itself."""
    chat.clock.moment += time + timedelta(seconds=1)


async def test_a_refused_model_is_there_for_thirty_days_and_then_gone(board):
    path = await refused(board)
    later(board, KEPT - timedelta(days=1))
    await collect(board)
    assert path.exists()
    later(board, timedelta(days=1))
    await collect(board)
    assert not path.exists()
    await collect(board)  # nothing more to do
    assert "failed" in await board.ask("ada", "/model status")


async def test_what_failed_by_our_fault_is_kept(board):
    path = await refused(board)
    other = await refused(board, data=MODEL + b"2", failure=OURS)
    while board.engine.jobs:
        await board.engine.report(failed(given(board), OURS))
        await board.deliver()
    came(board, other)
    later(board)
    await collect(board)
    assert (path.exists(), other.exists()) == (False, True)


@pytest.mark.parametrize("state", ["scored", "waiting", "refused yesterday"])
async def test_the_same_file_of_another_submission_is_kept(board, state):
    path = await refused(board)
    later(board, KEPT - timedelta(days=1))
    await submit(board, "bob")
    if state != "waiting":
        evaluation = given(board)
        end = scored(evaluation) if state == "scored" else failed(evaluation, THEIRS)
        await board.engine.report(end)
        await board.deliver()
    came(board, path)
    later(board, timedelta(days=2))
    await collect(board)
    assert path.exists()


async def test_a_file_that_any_other_row_names_is_kept(board):
    path = await refused(board)
    later(board)
    async with board.core.work("tests") as work:
        await set_setting(work.session, 1, "somewhere", {"deep": [f"see {path.name}."]})
    await collect(board)
    assert path.exists()


async def test_a_file_that_comes_again_just_now_is_kept_though_no_row_names_it_yet(board, store):
    path = await refused(board)
    later(board)
    again = await store.add(MODEL)
    assert store.path(again.sha256) == path
    came(board, path)
    await collect(board)
    assert path.exists()
