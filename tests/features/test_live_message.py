"""The one message that follows a submission: its place in line, how far it is, and always an end."""

from datetime import timedelta

import pytest
from hypothesis import given as every
from hypothesis import strategies as st

from bot.features.leaderboards.turns import in_turn, seconds_until
from runner.contract import Failure, Progress, Stage, Verdict
from runner.errands import Scored
from tests.features.boards import MODEL, failed, given, live, scored, submit, with_files

STEPS = {
    Stage.FETCH: "Step 1 of 5: fetching the model",
    Stage.CHECK: "Step 2 of 5: checking the model",
    Stage.PREDICT: "Step 3 of 5: predicting",
    Stage.SCORE: "Step 4 of 5: scoring",
    Stage.REPORT: "Step 5 of 5: drawing the report",
}
CRASH = Failure(code="E_RUNNER_CRASH", ours=True, problem="The runner's disk was full.")


async def hear(chat, evaluation, stage, done=0.5):
    about = {"submission": evaluation.submission, "attempt": evaluation.attempt}
    await chat.engine.progress(Progress(**about, token=evaluation.token, stage=stage, done=done))


@pytest.mark.parametrize(
    ("came", "turns"),
    [
        ("a1 a2 a3 b1", "a1 b1 a2 a3"),
        ("a1 b1 c1", "a1 b1 c1"),
        ("a1 a2 b1 b2 c1", "a1 b1 c1 a2 b2"),
        ("", ""),
    ],
)
def test_everybodys_first_comes_before_anybodys_second(came, turns):
    assert in_turn((id_, id_[0]) for id_ in came.split()) == turns.split()


@every(st.lists(st.integers(0, 4), max_size=40))
def test_nobody_is_lost_and_nobody_overtakes_their_own(teams):
    turns = in_turn((str(n), team) for n, team in enumerate(teams))
    assert sorted(turns, key=int) == [str(n) for n in range(len(teams))]
    for team in set(teams):
        own = [int(id_) for id_ in turns if teams[int(id_)] == team]
        assert own == sorted(own)


@every(st.integers(0, 99), st.floats(0.01, 99), st.integers(0, 9))
def test_more_runners_never_take_longer(ahead, usual, at_once):
    slower = seconds_until(ahead, usual=usual, at_once=at_once)
    assert 0 <= seconds_until(ahead, usual=usual, at_once=at_once + 1) <= slower


async def test_who_waits_reads_the_place_and_how_long_the_last_ones_took(board):
    await submit(board, "chen")
    first = given(board)
    await hear(board, first, Stage.FETCH)
    await board.wait(seconds=40)
    await board.engine.report(scored(first))
    await submit(board, "ada")
    await submit(board, "bob", MODEL + b"1")
    answer = await submit(board, "bob", MODEL + b"2")
    assert "number 3 in line" in answer.message.plain()
    [said] = [s for s in board.to("general") if "Number 3 in line" in s.text]
    assert "about 80 s" in said.text


async def test_the_place_in_line_moves_when_others_end(board):
    await submit(board, "ada")
    first = given(board)
    await submit(board, "bob", MODEL + b"1")
    second = next(e for e in board.engine.jobs.values() if e.submission != first.submission)
    assert "Number 2 in line" in (await live(board, second)).text
    await board.engine.report(scored(first))
    await board.wait(seconds=6)
    assert "Next in line" in (await live(board, second)).text
    edits = (await live(board, second)).edits
    await board.wait(seconds=30)
    assert (await live(board, second)).edits == edits  # nothing new, nothing said


async def test_every_stage_is_said_with_how_far_it_is(board):
    await submit(board)
    evaluation = given(board)
    for n, (stage, words) in enumerate(STEPS.items()):
        await board.wait(seconds=3)
        await hear(board, evaluation, stage, n / 5)
        said = await live(board, evaluation)
        assert words in said.text
        assert f"{n * 20}%" in said.text
        assert said.message.pending


async def test_edits_are_two_seconds_apart_but_the_end_is_told_at_once(board):
    await submit(board)
    evaluation = given(board)
    await board.wait(seconds=3)
    await hear(board, evaluation, Stage.PREDICT, 0.1)
    before = (await live(board, evaluation)).edits
    for n in range(10):
        board.clock.moment += timedelta(seconds=0.1)
        await hear(board, evaluation, Stage.PREDICT, 0.2 + n / 20)
        await board.deliver()
    assert (await live(board, evaluation)).edits == before
    await board.engine.report(scored(evaluation))
    said = await live(board, evaluation)
    assert "90.0 %" in said.text
    assert not said.message.pending


@pytest.mark.parametrize("stage", list(Stage))
async def test_cancel_works_at_every_stage_and_is_the_end(board, stage):
    await submit(board)
    evaluation = given(board)
    await hear(board, evaluation, stage)
    answer = await board.press("ada", (await live(board, evaluation)).message, "Cancel")
    assert not answer.refused
    await board.engine.report(scored(evaluation))  # it had ended meanwhile
    await hear(board, evaluation, stage, 1.0)
    await board.wait(seconds=10)
    said = await live(board, evaluation)
    assert "Cancelled" in said.text
    assert not said.message.pending
    assert "Cancel" not in {b.label for b in said.message.buttons()}
    assert "Ada" not in await board.ask("bob", "/leaderboard show digits")
    assert not (await submit(board, data=MODEL + b"next")).refused


async def test_cancel_works_while_the_desk_scores(board, desk):
    clerk, board.clerk = board.clerk, None
    await submit(board)
    evaluation = given(board)
    outdated = Verdict(counts=True, released=0.9, best=0.5)  # so that the desk scores again
    await board.engine.report(await with_files(board, evaluation, 0.9, verdict=outdated))
    said = await live(board, evaluation)
    assert "Step 4 of 5: scoring" in said.text
    await board.press("ada", said.message, "Cancel")
    desk.says["score"] = Scored(scores=scored(evaluation).scores)
    board.clerk = clerk
    await board.wait(seconds=10)
    assert "Cancelled" in (await live(board, evaluation)).text
    assert not desk.of("score")


async def test_progress_changes_no_end_and_that_of_an_older_attempt_is_not_heard(board):
    await submit(board)
    first = given(board)
    await board.engine.report(failed(first, CRASH))
    await board.deliver()
    second = given(board)
    await hear(board, first, Stage.REPORT, 1.0)
    said = await live(board, second)
    assert "100%" not in said.text
    assert "attempt 2" in said.text
    await board.engine.report(scored(second))
    await hear(board, second, Stage.PREDICT, 0.5)
    assert "90.0 %" in (await live(board, second)).text
