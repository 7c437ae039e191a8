"""The Ladder in the chat: what counts is released, and of the rest the board says nothing."""

import pytest

from bot.features.leaderboards.models import Submission
from runner.contract import Artifact, Verdict
from tests.features.boards import MODEL, given, live, scored, submit

SECRET = 0.8765  # the raw board value of what does not count


async def report(board, value, verdict, who="ada", data=MODEL, **more):
    await submit(board, who, data)
    evaluation = given(board)
    kept = await board.core.services.files.add(data + b" statistics")
    artifact = Artifact(
        name="statistics-board.npz",
        media_type="application/x-npz",
        sha256=kept.sha256,
        size=kept.size,
    )
    told = scored(evaluation, value, verdict=verdict, artifacts=(artifact,), **more)
    dev = told.scores[0].metrics
    on_dev = tuple(m.model_copy(update={"value": 0.7, "low": 0.6, "high": 0.8}) for m in dev)
    scores = tuple(
        s.model_copy(update={"metrics": on_dev}) if s.split == "dev" else s for s in told.scores
    )
    await board.engine.report(told.model_copy(update={"scores": scores}))
    await board.deliver()
    return evaluation, kept.sha256


async def test_the_next_evaluation_knows_what_it_must_clearly_beat(board):
    first, kept = await report(board, 0.8612, Verdict(counts=True, released=0.86))
    assert first.ladder is None
    await submit(board, data=MODEL + b"2")
    ladder = given(board).ladder
    assert (ladder.released, ladder.statistics) == (0.86, kept)


async def test_another_members_best_and_a_baseline_bind_nobody(board):
    await report(board, 0.86, Verdict(counts=True, released=0.86))
    await submit(board, "bob", MODEL + b"2")
    assert given(board).ladder is None


async def test_a_withdrawn_best_still_binds_its_member(board):
    first, _ = await report(board, 0.86, Verdict(counts=True, released=0.86))
    await board.say("ada", f"/model withdraw {first.submission} sure:yes")
    await submit(board, data=MODEL + b"2")
    assert given(board).ladder.released == 0.86


async def test_the_board_shows_what_was_released_and_not_the_raw_value(board):
    await report(board, 0.8612, Verdict(counts=True, released=0.85))
    ranking = await board.ask("bob", "/leaderboard show digits")
    assert "85.0 %" in ranking
    assert "86.1" not in ranking


async def test_the_raw_value_of_what_does_not_count_is_in_no_message(board):
    await board.say("moira", "/admin channels leaderboards results")
    await report(board, 0.86, Verdict(counts=True, released=0.86))
    first_posts = len(board.to("results"))
    lost = Verdict(counts=False, released=0.86, best=0.86)
    second, _ = await report(board, SECRET, lost, data=MODEL + b"2")
    card = (await live(board, second)).text
    assert "not a significant improvement over your 86.0 %" in card
    assert "70.0 %" in card  # dev tells all
    asked = [
        await board.say(who, line)
        for who in ("ada", "bob", "moira")
        for line in (
            "/leaderboard show digits",
            "/leaderboard show digits csv:yes",
            "/leaderboard list",
            "/model status",
            f"/model card {second.submission}",
        )
    ]
    again = await submit(board, data=MODEL + b"2")
    said = [s.message for s in board.room.said.values()]
    for message in (*said, *(a.message for a in asked), again.message):
        words = message.model_dump_json()
        for secret in ("87.6", "87.7", "0.876", "0.877", "85.6", "89.6", "89.7"):
            assert secret not in words, message.plain()
    assert "86.0 %" in again.message.plain()
    assert len(board.to("results")) == first_posts


async def test_advice_does_not_betray_the_board_of_what_does_not_count(board):
    """A gap between dev and board is a hint at the board."""
    await report(board, 0.5, Verdict(counts=True, released=0.5))
    lost = Verdict(counts=False, released=0.5, best=0.5)
    second, _ = await report(board, 0.1, lost, data=MODEL + b"2")
    text = (await live(board, second)).text
    assert "above the hidden board" not in text
    assert "Dev against board" not in text


async def test_a_verdict_on_a_best_that_stands_no_more_is_found_anew(board):
    """Two of one member's were under way at once, and the other one counted meanwhile."""
    first, _ = await report(board, 0.86, Verdict(counts=True, released=0.86))
    await submit(board, data=MODEL + b"2")
    evaluation = given(board)
    async with board.core.database.write() as session:
        (await session.get_one(Submission, first.submission)).released = 0.9
    stored = await board.core.services.files.add(b"predictions")
    predictions = tuple(
        Artifact(name=f"predictions-{s}.npy", media_type="", sha256=stored.sha256, size=stored.size)
        for s in evaluation.splits
    )
    told = scored(
        evaluation,
        0.88,
        verdict=Verdict(counts=True, released=0.88, best=0.86),
        predictions=predictions,
    )
    await board.engine.report(told)
    await board.deliver()
    [errand] = [e for e in board.clerk.desk.asked if e.kind == "score"]
    assert errand.ladder.released == 0.9


@pytest.mark.parametrize("value", [0.5, 0.9])
async def test_without_a_verdict_an_equal_or_worse_value_does_not_count(board, value):
    await report(board, 0.9, None)
    second, _ = await report(board, value, None, data=MODEL + b"2")
    async with board.core.database.read() as session:
        assert (await session.get_one(Submission, second.submission)).counts is False
