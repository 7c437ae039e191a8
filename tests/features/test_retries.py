"""What our storage does to submissions while it is full or away, seen from the chat."""

from datetime import timedelta

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from bot.community.members import set_setting
from bot.features.leaderboards.line import MOST_ATTEMPTS, MOST_LOSSES
from bot.features.leaderboards.retries import NextTry, next_try
from bot.kit.message import Place
from runner.contract import HANDED_BACK, Failure
from runner.errands import Made
from tests.features.boards import MODEL, failed, given, live, scored_entry, submit

FULL = Failure(code="E_RUNNER_STORE", ours=True, problem="What the runner made could not be kept.")
LOST = Failure(code="E_RUNNER_FETCH", ours=True, problem="The model could not be fetched.")


@pytest.mark.parametrize(
    ("code", "attempt", "losses", "lost", "seconds"),
    [
        ("E_RUNNER_STORE", 1, 0, False, 5),
        ("E_RUNNER_STORE", 4, 0, False, 40),
        ("E_RUNNER_STORE", 19, 0, False, 60),
        ("E_RUNNER_FETCH", 1, 0, True, 10),
        ("E_RUNNER_DATASET", 2, 1, True, 60),
        ("E_RUNNER_BUG", 1, 0, True, 0),
        (HANDED_BACK, 5, 2, False, 0),
    ],
)
def test_what_follows_an_attempt(code, attempt, losses, lost, seconds):
    then = next_try(code, attempt=attempt, losses=losses)
    assert then == NextTry(lost=lost, after=timedelta(seconds=seconds))


@examples(st.sampled_from(["E_RUNNER_STORE", "E_RUNNER_FETCH"]))
def test_storage_has_time_to_come_back_and_nothing_is_tried_for_ever(code):
    waited, losses = timedelta(), 0
    for attempt in range(1, MOST_ATTEMPTS):
        then = next_try(code, attempt=attempt, losses=losses)
        losses += then.lost
        if losses >= MOST_LOSSES:
            break
        waited += then.after
    assert timedelta(minutes=1) <= waited <= timedelta(minutes=20)
    assert (waited >= timedelta(minutes=15)) == (code == "E_RUNNER_STORE")


@pytest.fixture
async def moderated(board):
    async with board.core.work("tests") as work:
        place = Place(platform="local", channel="moderators").model_dump()
        await set_setting(work.session, 1, "channel.moderators", place)
    return board


async def test_a_full_disk_puts_the_next_attempt_off_and_costs_none(board):
    await submit(board)
    await board.engine.report(failed(given(board), FULL))
    await board.deliver()
    assert board.engine.jobs == {}
    await board.wait(seconds=6)
    again = given(board)
    assert again.attempt == 2
    assert (await live(board, again)).message.pending


async def test_what_storage_lost_is_told_to_moderators_once_and_uses_nothing_up(moderated):
    for n in range(3):
        await submit(moderated, data=MODEL + bytes([n]))
        for _ in range(MOST_LOSSES):
            await moderated.engine.report(failed(given(moderated), LOST))
            await moderated.wait(seconds=61)
    assert moderated.engine.jobs == {}
    [told] = moderated.to("moderators")
    assert "Others that end so today" in told.text
    answer = await submit(moderated, data=MODEL + b"and another")
    assert not answer.refused


async def test_a_report_that_found_no_room_is_drawn_when_there_is_some(board, desk):
    desk.says["report"] = FULL
    await scored_entry(board)
    assert len(desk.of("report")) == 1
    desk.says["report"] = Made(artifacts=())
    await board.wait(seconds=61)
    assert len(desk.of("report")) == 2
    await board.wait(minutes=10)
    assert len(desk.of("report")) == 2
