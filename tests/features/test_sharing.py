"""A card that its member alone saw is shown to others when the member says so."""

import pytest

from bot.features.leaderboards.metrics import facts_of, flops
from tests.features.boards import THEIRS as FAULT
from tests.features.boards import failed, given, live, scored, submit


async def test_a_card_from_a_direct_message_can_be_shown_where_results_are_told(board):
    await board.say("moira", "/admin channels leaderboards results")
    await submit(board, channel="@ada")
    evaluation = given(board)
    await board.engine.report(scored(evaluation, 0.9))
    mine = (await live(board, evaluation)).message
    assert not [s for s in board.to("results") if "On dev" in s.text]
    answer = await board.press("ada", mine, "Share", channel="@ada")
    assert "results" in answer.message.plain()
    [card] = [s for s in board.to("results") if "On dev" in s.text]
    assert "90.0 %" in card.text
    assert "Share" not in {b.label for b in card.message.buttons()}
    await board.press("ada", mine, "Share", channel="@ada")
    assert len([s for s in board.to("results") if "On dev" in s.text]) == 1


async def test_a_card_is_shared_into_the_circles_channel_by_its_member_alone(board):
    await submit(board)
    evaluation = given(board)
    early = await board.say("ada", f"/model share {evaluation.submission}", channel="circle")
    assert early.code == "E_STATE"
    await board.engine.report(scored(evaluation, 0.9))
    assert "Share" not in {b.label for b in (await live(board, evaluation)).message.buttons()}
    line = f"/model share {evaluation.submission}"
    assert (await board.say("bob", line, channel="circle")).code == "E_SUBMISSION"
    assert not (await board.say("ada", line, channel="circle")).refused
    assert "90.0 %" in board.to("circle")[-1].text


async def test_without_a_channel_for_results_it_says_where_to_type_it(board):
    await submit(board, channel="@ada")
    evaluation = given(board)
    await board.engine.report(scored(evaluation, 0.9))
    answer = await board.say("ada", f"/model share {evaluation.submission}", channel="@ada")
    assert answer.code == "E_PLACE"
    assert "circle" in answer.message.plain()


async def test_what_failed_is_not_shared(board):
    await submit(board)
    evaluation = given(board)
    await board.engine.report(failed(evaluation, FAULT))
    answer = await board.say("ada", f"/model share {evaluation.submission}")
    assert answer.code == "E_STATE"


@pytest.mark.parametrize(
    ("count", "words"),
    [(900, "900 FLOPs"), (9470, "9.47 kFLOPs"), (3_640_000_000, "3.64 GFLOPs")],
)
def test_operations_are_said_in_a_unit_that_fits(count, words):
    assert flops(count) == words


def test_an_interval_says_its_unit_once():
    assert facts_of("accuracy").interval(0.964, 0.989) == "96.4 – 98.9 %"
    assert facts_of("ap").interval(0.4, 0.5) == "40.0 – 50.0 %"
    assert facts_of("ap").interval(None, None) == ""
