"""A benchmark never changes: new versions, freezing, scoring again, and the season's end."""

import pytest

from bot.features.leaderboards import benchmarks
from bot.features.leaderboards.models import Benchmark, Purpose, State, Submission
from runner.contract import Verdict
from tests.features.boards import MANIFEST, MODEL, given, live, scored, submit

NEWER = MANIFEST.model_copy(update={"key": "digits-ba9876543210"})


@pytest.fixture
async def versioned(board):
    """The board with three entries, and a newer version of its dataset."""
    async with board.core.work("leaderboards") as work:
        await benchmarks.add_dataset(work.session, NEWER, now=work.now)
    for who, data, value in (("ada", b"a", 0.8), ("bob", b"b", 0.9), ("ada", b"c", 0.85)):
        await enter(board, who, MODEL + data, value)
    return board


async def enter(board, who, data, value):
    await submit(board, who, data)
    evaluation = given(board)
    await board.engine.report(scored(evaluation, value))
    await board.deliver()
    return evaluation


async def rows(chat, **filters):
    async with chat.core.database.read() as session:
        from sqlalchemy import select

        found = select(Submission).filter_by(**filters).order_by(Submission.position)
        return list((await session.scalars(found)).all())


async def test_a_new_version_leaves_the_old_board_as_it_was(versioned):
    before = await versioned.ask("bob", "/leaderboard show digits")
    said = await versioned.ask("moira", f"/leaderboard create digits dataset:{NEWER.key}")
    assert "version 2" in said
    assert "3 entries" in said
    assert "Nobody is on this board" in await versioned.ask("bob", "/leaderboard show digits")
    after = await versioned.ask("bob", "/leaderboard show digits@1")
    for words in ("Bob", "90.0 %", "85.0 %"):
        assert words in before
        assert words in after
    assert (await submit(versioned, "ada", MODEL + b"d")).refused is False
    model = await versioned.upload("m.onnx", MODEL + b"e")
    late = await versioned.say("bob", "/model submit benchmark:digits@1", attach=[model])
    assert late.code == "E_FROZEN"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("", "E_SAME"),
        ("metric:ap", "E_METRIC"),
        ("dataset:nothing", "E_DATASET"),
    ],
)
async def test_what_is_no_new_version_is_refused(versioned, arguments, code):
    answer = await versioned.say("moira", f"/leaderboard create digits {arguments}")
    assert answer.code == code


async def test_only_moderators_change_boards(versioned):
    for action in ("create", "freeze", "rescore", "reveal"):
        answer = await versioned.say("ada", f"/leaderboard {action} digits")
        assert answer.code == "E_PERMISSION", action


async def test_scoring_again_is_counted_first_confirmed_by_a_button_and_costs_no_quota(versioned):
    await versioned.say("moira", f"/leaderboard create digits dataset:{NEWER.key}")
    counted = await versioned.say("moira", "/leaderboard rescore digits")
    assert "only counted" in counted.message.plain()
    assert not versioned.engine.jobs
    await versioned.press("moira", counted.message, "Score 3 again")
    order = []
    while versioned.engine.jobs:
        evaluation = given(versioned)  # one at a time
        assert evaluation.dataset == NEWER.key
        order.append(evaluation.submission)
        await versioned.engine.report(scored(evaluation, 0.7))
        await versioned.deliver()
    again = await rows(versioned, purpose=Purpose.RESCORE)
    assert [r.id for r in again] == order
    assert [r.state for r in again] == [State.SCORED] * 3
    origins = {r.id: r for r in await rows(versioned, purpose=Purpose.SCORE)}
    assert [origins[r.origin_id].sha256 for r in again] == [r.sha256 for r in again]
    ranking = await versioned.ask("bob", "/leaderboard show digits")
    assert "Ada" in ranking
    assert "Bob" in ranking
    assert "3 entries" not in await versioned.ask("moira", "/leaderboard rescore digits")
    for n in range(2):  # bob's day is still his
        assert not (await submit(versioned, "bob", MODEL + bytes([n]))).refused


async def test_whoever_submits_meanwhile_goes_first_and_a_pause_holds_the_rest(versioned):
    await versioned.say("moira", f"/leaderboard create digits dataset:{NEWER.key}")
    await versioned.say("moira", "/leaderboard rescore digits action:start")
    first = given(versioned)
    await submit(versioned, "bob", MODEL + b"new")
    assert len(versioned.engine.jobs) == 2  # a member does not wait for what runs again
    [mine] = [e for e in versioned.engine.jobs.values() if e.submission != first.submission]
    await versioned.engine.report(scored(first, 0.7))
    await versioned.deliver()
    assert list(versioned.engine.jobs.values()) == [mine]  # but the next re-scoring does
    await versioned.say("moira", "/leaderboard rescore digits action:pause")
    await versioned.engine.report(scored(mine, 0.7))
    await versioned.wait(seconds=10)
    assert not versioned.engine.jobs
    assert "paused" in await versioned.ask("moira", "/leaderboard rescore digits")
    await versioned.say("moira", "/leaderboard rescore digits action:resume")
    await versioned.wait(seconds=10)
    assert len(versioned.engine.jobs) == 1


async def test_starting_twice_scores_nothing_twice(versioned):
    await versioned.say("moira", f"/leaderboard create digits dataset:{NEWER.key}")
    for _ in range(2):
        await versioned.say("moira", "/leaderboard rescore digits action:start")
    assert len(await rows(versioned, purpose=Purpose.RESCORE)) == 3


async def test_what_is_scored_again_is_no_submission_of_that_member(versioned):
    await versioned.say("moira", f"/leaderboard create digits dataset:{NEWER.key}")
    posts = len(versioned.room.said)
    await versioned.say("moira", "/leaderboard rescore digits action:start")
    await versioned.engine.report(scored(given(versioned), 0.7))
    await versioned.deliver()
    assert len(versioned.room.said) == posts
    [again, *_] = await rows(versioned, purpose=Purpose.RESCORE)
    assert again.id not in await versioned.ask("ada", "/model status")


async def test_a_frozen_benchmark_takes_nothing_until_it_thaws(board):
    asked = await board.say("moira", "/leaderboard freeze digits")
    assert asked.message.private
    assert "Frozen" not in await board.ask("ada", "/leaderboard show digits")
    await board.press("moira", asked.message, "Freeze it")
    assert (await submit(board)).code == "E_FROZEN"
    assert "Frozen" in await board.ask("ada", "/leaderboard show digits")
    await board.say("moira", "/leaderboard freeze digits on:no")
    assert not (await submit(board)).refused


async def test_a_shadow_without_statistics_cannot_be_revealed(versioned):
    asked = await versioned.say("moira", "/leaderboard reveal digits")
    assert asked.message.private
    answer = await versioned.press("moira", asked.message, "Reveal it to everybody")
    assert answer.code == "E_STATE"
    async with versioned.core.database.read() as session:
        found = await session.get_one(Benchmark, 1)
    assert found.frozen_at is None


async def test_an_entry_that_did_not_count_may_count_on_the_new_version(board):
    await enter(board, "ada", MODEL + b"a", 0.8)
    await submit(board, "ada", MODEL + b"b")
    lost = scored(given(board), 0.8, verdict=Verdict(counts=False, released=0.8, best=0.8))
    await board.engine.report(lost)
    async with board.core.work("leaderboards") as work:
        await benchmarks.add_dataset(work.session, NEWER, now=work.now)
    await board.say("moira", f"/leaderboard create digits dataset:{NEWER.key}")
    await board.say("moira", "/leaderboard rescore digits action:start")
    for value in (0.6, 0.9):
        await board.engine.report(scored(given(board), value))
        await board.deliver()
    assert "90.0 %" in await board.ask("bob", "/leaderboard show digits")


async def test_the_card_of_what_runs_again_is_shown_to_its_member(versioned):
    evaluation = await enter(versioned, "bob", MODEL + b"q", 0.95)
    assert "95.0 %" in (await live(versioned, evaluation)).text
