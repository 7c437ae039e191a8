"""A metric that was mended: the old board stays as it was, and the next version is scored anew."""

import pytest
from sqlalchemy import select

from bot.features.leaderboards import reuse
from bot.features.leaderboards.metrics import METRICS
from bot.features.leaderboards.models import Benchmark, State, Submission
from runner.metrics import VERSIONS
from tests.features.boards import MODEL, given, live, scored_entry, submit, with_files
from tests.features.test_runners import words


@pytest.fixture
def mend(monkeypatch):
    """Let the code compute accuracy in another way from then on."""
    return lambda: monkeypatch.setitem(VERSIONS, "accuracy", 2)


async def said(chat, line, who="moira"):
    answer = await chat.say(who, line)
    return words(answer.message), answer.code


async def benchmark_of(chat, version):
    async with chat.core.database.read() as session:
        return await session.scalar(select(Benchmark).filter_by(version=version))


def test_every_metric_that_ranks_has_a_version():
    assert {m.name for m in METRICS.values() if m.task} == set(VERSIONS)


async def test_a_benchmark_is_created_by_the_version_that_is_computed_now(board, mend):
    mend()
    key = (await benchmark_of(board, 1)).dataset_key
    text, code = await said(
        board,
        f'/benchmark create nights title:Nights dataset:{key} metric:accuracy why:"All cost the same."',
    )
    assert code == ""
    assert "(version 2)" in text
    assert "(version 1)" in (await said(board, "/benchmark show digits"))[0]


async def test_the_entries_are_scored_again_by_the_new_version_and_the_old_board_stays(
    board, desk, mend
):
    old = await scored_entry(board, "ada", value=0.9)
    board_before, _ = await said(board, "/leaderboard show digits")
    mend()
    board_after, _ = await said(board, "/leaderboard show digits")
    assert "90.0 %" in board_after
    assert "version 1 of accuracy; version 2 is computed now" in board_after
    assert "computed now" not in board_before

    opened, code = await said(board, "/leaderboard create digits")
    assert code == ""
    assert "accuracy, version 2" in opened
    await said(board, "/leaderboard rescore digits action:start")
    await board.deliver()
    again = given(board)
    assert (again.metric, again.metric_version) == ("accuracy", 2)
    await board.engine.report(await with_files(board, again, 0.7))
    await board.deliver()

    assert "70.0 %" in (await said(board, "/leaderboard show digits"))[0]
    assert "90.0 %" in (await said(board, "/leaderboard show digits@1"))[0]
    async with board.core.database.read() as session:
        first = await session.get_one(Submission, old.submission)
        second = await session.get_one(Submission, again.submission)
        one, two = await benchmark_of(board, 1), await benchmark_of(board, 2)
        assert (first.released, second.released) == (0.9, 0.7)
        assert reuse.score_key(first, one) != reuse.score_key(second, two)
    card = words((await board.say("ada", f"/model card {old.submission}")).message)
    assert "by accuracy version 1" in card
    assert [e.metric_version for e in desk.of("report")] == [1, 2]


async def test_nothing_newer_is_no_new_version(board):
    text, code = await said(board, "/leaderboard create digits")
    assert code == "E_SAME"
    assert "accuracy, version 1" in text


async def test_a_benchmark_by_an_old_version_takes_no_more_models_and_says_what_to_do(board, mend):
    mend()
    answer = await submit(board, "ada")
    assert answer.code == "E_METRIC_VERSION"
    assert "/leaderboard create digits" in words(answer.message)
    assert (await board.say("ada", "/model link benchmark:digits")).code == "E_METRIC_VERSION"
    assert not board.engine.jobs


async def test_nothing_is_scored_again_on_a_version_that_is_old_itself(board, mend, monkeypatch):
    await scored_entry(board, "ada", value=0.9)
    mend()
    await said(board, "/leaderboard create digits")
    monkeypatch.setitem(VERSIONS, "accuracy", 3)
    _, code = await said(board, "/leaderboard rescore digits action:start")
    assert code == "E_METRIC_VERSION"
    assert not board.engine.jobs


async def test_the_places_of_an_old_board_are_not_computed_by_the_new_version(board, desk, mend):
    await scored_entry(board, "ada", value=0.9)
    await scored_entry(board, "bob", MODEL + b"b", value=0.8)
    asked = len(desk.of("rank"))
    mend()
    entry = await scored_rows(board)
    await board.say("bob", f"/model withdraw {entry['bob']} sure:yes")
    await board.wait(minutes=11)
    assert len(desk.of("rank")) == asked
    shown, _ = await said(board, "/leaderboard show digits")
    assert "Ada" in shown
    assert "Bob" not in shown


async def scored_rows(chat):
    """The id of each member's entry."""
    from bot.community.models import Member

    async with chat.core.database.read() as session:
        rows = await session.execute(
            select(Member.name, Submission.id).join(Submission, Submission.member_id == Member.id)
        )
        return {name.lower(): id_ for name, id_ in rows}


async def test_a_claim_that_was_under_way_at_the_upgrade_ends_at_once_and_says_why(lab, mend):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    mend()
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75))
    await lab.chat.deliver()
    row = await lab.row(evaluation)
    assert (row.state, row.attempt) == (State.FAILED, 1)
    assert row.failure["code"] == "E_RUNNER_METRIC"
    assert "our fault" in (await live(lab.chat, evaluation)).text


async def test_the_desk_scores_a_claim_by_its_benchmarks_version(lab, mend):
    await lab.chat.say("moira", "/bookwiz ping")
    mend()
    await lab.chat.say("moira", "/leaderboard create digits")
    await submit(lab.chat)
    evaluation = given(lab.chat)
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75))
    assert "by accuracy version 2" in words((await live(lab.chat, evaluation)).message)
