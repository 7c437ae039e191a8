"""Whose turn it is, and what becomes of an attempt: quotas, losses, sweeps, cancelling."""

import asyncio
from datetime import UTC, datetime, timedelta

from bot.features.leaderboards import benchmarks, deadlines, line
from bot.features.leaderboards.models import State, Submission
from bot.kit.testing import StillEngine
from runner.contract import HANDED_BACK, Failure, Limits, Progress, Stage
from tests.features.boards import (
    MODEL,
    OURS,
    failed,
    given,
    live,
    scored,
    scored_entry,
    submit,
)


async def test_a_used_up_day_is_refused_and_the_next_local_day_is_new(board):
    for n in range(2):
        await submit(board, data=MODEL + bytes([n]))
        await board.engine.report(scored(given(board)))
    refused = await submit(board, data=MODEL + b"third")
    assert refused.code == "E_QUOTA"
    await board.wait(days=1)
    assert not (await submit(board, data=MODEL + b"third")).refused


async def test_a_failure_of_ours_is_tried_three_times_then_told_and_refunded(board):
    await submit(board)
    for attempt in (1, 2, 3):
        evaluation = given(board)
        assert evaluation.attempt == attempt
        await board.engine.report(failed(evaluation, OURS))
        await board.deliver()
    assert not board.engine.jobs
    assert "our fault" in (await live(board, evaluation)).text
    assert not (await submit(board, data=MODEL + b"again")).refused
    async with board.core.database.read() as session:
        assert (await session.get(Submission, evaluation.submission)).state == State.FAILED


async def test_an_analysis_that_failed_by_our_fault_is_not_called_a_submission(board):
    entry = await scored_entry(board)
    await board.say("ada", f"/analysis quantize {entry.submission}")
    for _ in range(3):
        await board.engine.report(failed(given(board), OURS))
        await board.deliver()
    text = board.to("@ada")[-1].text.replace("\\", "")
    assert "all our tries are over" in text
    assert "try again" not in text
    assert "[Ask again]" in text
    assert f"Submission {entry.submission}" in text


async def test_moderators_are_told_in_their_channel_what_failed_by_our_fault(board):
    await board.say("moira", "/admin channels moderators staff")
    await submit(board)
    for _ in range(3):
        await board.engine.report(failed(given(board), OURS))
        await board.deliver()
    assert any("fault of ours" in said.text for said in board.to("staff"))


async def test_a_stop_of_ours_is_no_loss_and_is_tried_again(board):
    await submit(board)
    for _ in range(4):
        stopped = Failure(code=HANDED_BACK, ours=True, problem="Stopped.")
        await board.engine.report(failed(given(board), stopped))
        await board.deliver()
    assert given(board).attempt == 5
    await board.engine.report(scored(given(board)))
    assert "Ada" in await board.ask("bob", "/leaderboard show digits")


async def test_an_outcome_of_an_old_attempt_or_with_a_wrong_token_changes_nothing(board):
    await submit(board)
    first = given(board)
    await board.engine.report(failed(first, OURS))
    await board.deliver()
    second = given(board)
    zombie = scored(first, 0.99)
    forged = scored(second, 0.99).model_copy(update={"token": "guess"})
    for lie in (zombie, forged):
        await board.engine._on_outcome(lie)
    async with board.core.database.read() as session:
        assert (await session.get(Submission, first.submission)).state == State.DISPATCHED
    await board.engine.report(scored(second, 0.5))
    await board.engine._on_outcome(scored(second, 0.99))
    assert "50.0 %" in await board.ask("bob", "/leaderboard show digits")


async def test_a_job_that_the_engine_lost_is_given_anew_and_scored_once(board):
    await submit(board)
    first = given(board)
    about = {"submission": first.submission, "attempt": 1, "token": first.token}
    await board.engine.progress(Progress(**about, stage=Stage.PREDICT, done=0.1))
    board.engine.lose(f"{first.submission}:1")
    await board.wait(seconds=6)
    second = given(board)
    assert (second.attempt, second.token != first.token) == (2, True)
    await board.engine.report(scored(second))
    assert "Ada" in await board.ask("bob", "/leaderboard show digits")


async def row_of(board, evaluation):
    async with board.core.database.read() as session:
        return await session.get_one(Submission, evaluation.submission)


async def held_for(board, evaluation, seconds):
    """Have a runner hold that attempt without a word, for so long."""
    board.engine.held.add(f"{evaluation.submission}:{evaluation.attempt}")
    await board.wait(seconds=6)
    async with board.core.work("leaderboards") as work:
        row = await work.session.get_one(Submission, evaluation.submission)
        row.started_at -= timedelta(seconds=seconds)
    await board.wait(seconds=6)


async def test_a_runner_that_never_says_an_end_loses_the_attempt_and_holds_no_line(board):
    await submit(board)
    first = given(board)
    longest = deadlines.longest(first.limits).total_seconds()
    await held_for(board, first, longest - 20)
    row = await row_of(board, first)
    assert (row.state, row.attempt) == (State.RUNNING, 1)
    await held_for(board, first, 20)
    assert (given(board).attempt, board.engine.cancelled) == (2, [f"{first.submission}:1"])
    await board.engine._on_outcome(scored(first, 0.99))  # too late
    for _ in range(2):
        await held_for(board, given(board), longest)
    assert not board.engine.jobs
    assert "our fault" in (await live(board, first)).text


async def test_the_time_of_a_model_runs_from_when_a_runner_takes_it(board):
    await submit(board)
    async with board.core.work("leaderboards") as work:
        row = await work.session.get_one(Submission, given(board).submission)
        row.dispatched_at -= timedelta(days=1)
    await held_for(board, given(board), 0)
    assert given(board).attempt == 1


async def test_what_may_take_an_hour_is_stuck_only_after_that(board):
    async with board.core.work("leaderboards") as work:
        (await benchmarks.find(work.session, 1, "digits")).limits = benchmarks.limits_of(
            wall=3600, memory=2048, model=200
        )
    await submit(board)
    for minutes, stuck in ((20, False), (60, True)):
        async with board.core.work("leaderboards") as work:
            row = await work.session.get_one(Submission, given(board).submission)
            row.dispatched_at -= timedelta(minutes=minutes)
        assert ("stuck" in await board.ask("moira", "/admin jobs")) == stuck


def test_an_attempt_is_overdue_only_after_all_that_an_honest_runner_may_take():
    limits, now = Limits(wall_seconds=3600), datetime(2026, 1, 1, tzinfo=UTC)
    for seconds, overdue in ((3600 + 630, False), (3600 + 630 + 121, True)):
        assert deadlines.is_overdue(now - timedelta(seconds=seconds), limits, now=now) == overdue
    assert not deadlines.is_overdue(None, limits, now=now)


async def test_while_the_engine_is_away_nothing_is_judged_and_nothing_lost(board):
    board.engine.away = True
    assert not (await submit(board)).refused
    await board.wait(minutes=2)
    board.engine.away = False
    await board.wait(minutes=2)
    assert given(board).attempt == 1


async def test_each_member_has_one_model_out_and_the_others_come_round_robin(board):
    async with board.core.work("leaderboards") as work:
        (await benchmarks.find(work.session, 1, "digits")).per_day = 10
    for n in range(3):
        await submit(board, "ada", MODEL + bytes([n]))
    await submit(board, "bob", MODEL + b"b")
    order = []
    while board.engine.jobs:
        key, evaluation = next(iter(board.engine.jobs.items()))
        async with board.core.database.read() as session:
            order.append((await session.get(Submission, key.split(":")[0])).member_id)
        await board.engine.report(scored(evaluation))
        await board.deliver()
    ada, bob = order[0], order[1]
    assert order == [ada, bob, ada, ada]
    assert ada != bob


async def test_six_submissions_at_once_keep_to_the_quota_and_to_one_job(board):
    async def one(n):
        return await submit(board, data=MODEL + bytes([n]))

    answers = await asyncio.gather(*(one(n) for n in range(6)))
    assert sorted(a.code for a in answers) == ["", "", *["E_QUOTA"] * 4]
    assert len(board.engine.jobs) == 1


async def test_one_file_handed_in_twice_at_once_runs_once(board):
    answers = await asyncio.gather(*(submit(board) for _ in range(2)))
    assert len(board.engine.jobs) == 1
    assert [a.follow for a in answers] == [(f"submission:{given(board).submission}",)] * 2


async def test_a_waiting_one_that_nobody_handed_over_is_found_by_the_sweep(board):
    await submit(board)
    first = given(board)
    await submit(board, data=MODEL + b"second")
    async with board.core.work("leaderboards") as work:
        (await work.session.get_one(Submission, first.submission)).state = State.CANCELLED
    await board.engine.cancel(f"{first.submission}:1")
    await board.wait(seconds=6)
    assert given(board).submission != first.submission


async def test_an_outcome_applied_while_the_sweep_asks_is_not_undone(board):
    await submit(board)
    evaluation = given(board)

    class Slow(type(board.engine)):
        async def alive(self, keys):
            if not board.core.database.is_sqlite:  # SQLite lets nobody write in between
                await self._on_outcome(scored(evaluation, 0.9))
            return set() if not board.core.database.is_sqlite else set(keys)

    board.engine.__class__ = Slow
    await board.wait(seconds=6)
    board.engine.__class__ = StillEngine
    if board.core.database.is_sqlite:
        await board.engine.report(scored(evaluation, 0.9))
    async with board.core.database.read() as session:
        submission = await session.get(Submission, evaluation.submission)
    assert (submission.state, submission.attempt) == (State.SCORED, 1)


async def test_cancelling_a_waiting_and_a_running_model_costs_nothing(board):
    await submit(board)
    evaluation = given(board)
    await submit(board, data=MODEL + b"second")
    async with board.core.database.read() as session:
        rows = await line.quota(
            session,
            await benchmarks.find(session, 1, "digits"),
            2,
            since=board.now - timedelta(days=1),
        )
    assert rows.left == 0
    await board.press("ada", (await live(board, evaluation)).message, "Cancel")
    assert board.engine.cancelled == [f"{evaluation.submission}:1"]
    second = given(board)
    await board.say("ada", f"/model cancel {second.submission}")
    await board.deliver()
    assert not board.engine.jobs
    assert "Cancelled" in (await live(board, evaluation)).text
    assert not (await submit(board, data=MODEL + b"third")).refused
