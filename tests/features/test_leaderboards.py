"""Submissions from the chat to the board, with an engine that reports what the test says."""

import asyncio
from datetime import timedelta

import pytest

from bot.features.leaderboards import benchmarks, line
from bot.features.leaderboards.models import State, Submission
from bot.features.leaderboards.ranking import Entry, best_of_each, place
from bot.kit.message import Image, Table
from bot.kit.testing import StillEngine
from runner.contract import HANDED_BACK, Artifact, Failure, Metric, Progress, Stage
from tests.features.boards import (
    MODEL,
    OURS,
    THEIRS,
    failed,
    given,
    given_keys,
    live,
    scored,
    submit,
)


async def test_a_model_is_taken_scored_and_ranked_with_its_interval(board):
    answer = await submit(board)
    assert answer.message.private
    evaluation = given(board)
    assert answer.follow == (f"submission:{evaluation.submission}",)
    assert (await live(board, evaluation)).message.pending

    await board.engine.report(scored(evaluation, 0.93))

    card = await live(board, evaluation)
    assert not card.message.pending
    assert "93.0 %" in card.text
    assert "91.0 – 95.0 %" in card.text
    ranking = await board.ask("bob", "/leaderboard show digits")
    assert "Ada" in ranking
    assert "91.0 – 95.0 %" in ranking


async def test_the_shadow_split_is_never_shown(board):
    await submit(board)
    evaluation = given(board)
    outcome = scored(evaluation, 0.93)
    # Figures that no other split has, so that none of them can be shown unnoticed.
    metrics = tuple(
        Metric(name=n, value=0.123, low=0.102, high=0.147) for n in ("accuracy", "macro_f1")
    )
    scores = tuple(
        s.model_copy(update={"metrics": metrics}) if s.split == "shadow" else s
        for s in outcome.scores
    )
    assert scores != outcome.scores
    await board.engine.report(outcome.model_copy(update={"scores": scores}))
    card = await live(board, evaluation)
    assert "93.0 %" in card.text
    asked = [
        await board.say(who, line_)
        for who in ("ada", "bob", "moira")
        for line_ in ("/leaderboard show digits", f"/model card {evaluation.submission}")
    ]
    said = [said.message for said in board.room.said.values()]
    for message in [*said, *(answer.message for answer in asked)]:
        words = message.model_dump_json()
        for secret in ("shadow", "12.3", "0.123", "10.2", "0.102", "14.7", "0.147"):
            assert secret not in words, message.plain()


async def test_the_confusion_matrix_comes_as_a_picture_with_words(board):
    await submit(board)
    evaluation = given(board)
    stored = await board.core.services.files.add(b"\x89PNG picture")
    picture = Artifact(
        name="confusion.png",
        media_type="image/png",
        sha256=stored.sha256,
        size=stored.size,
        alt="8 taken for 1",
    )
    await board.engine.report(scored(evaluation, artifacts=(picture,)))
    [image] = [b for b in (await live(board, evaluation)).message.blocks if isinstance(b, Image)]
    assert (image.sha256, image.alt) == (stored.sha256, "8 taken for 1")


async def test_progress_edits_the_one_live_message(board):
    await submit(board)
    evaluation = given(board)
    about = {"submission": evaluation.submission, "attempt": 1, "token": evaluation.token}
    await board.wait(seconds=3)
    await board.engine.progress(Progress(**about, stage=Stage.PREDICT, done=0.5))
    assert "50%" in (await live(board, evaluation)).text
    assert len(board.room.said) == 1


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"hello, this is no model", "text file"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"PK\x03\x04" + bytes(50), "zip archive"),
        (b"PK\x03\x04" + b"archive/data.pkl" + bytes(50), "PyTorch"),
        (b"\x80\x04\x95" + bytes(50), "PyTorch"),
        (b"\x89PNG\r\n", "picture"),
    ],
)
async def test_what_is_no_model_is_refused_at_once_with_what_it_is_and_how_to_export(
    board, data, got
):
    answer = await submit(board, data=data)
    assert answer.refused
    assert answer.code == "E_NOT_ONNX"
    assert answer.message.private
    assert got in answer.message.plain()
    assert "torch" in answer.message.plain()
    assert not board.engine.jobs


async def test_an_unknown_benchmark_is_refused_with_those_that_are(board):
    model = await board.upload("m.onnx", MODEL)
    answer = await board.say("ada", "/model submit benchmark:digit", attach=[model])
    assert answer.code == "E_BENCHMARK"
    assert "digits" in answer.message.plain()


async def test_a_misspelt_argument_is_not_taken_for_its_value(board):
    answer = await board.say("bob", "/leaderboard show benchmrk:digits")
    assert answer.code == "E_ARGUMENT"
    assert "benchmark:" in answer.message.plain().replace("\\", "")


async def test_a_card_below_ones_best_claims_no_rank(board):
    for n, value in enumerate((0.9, 0.8)):
        await submit(board, data=MODEL + bytes([n]))
        evaluation = given(board)
        await board.engine.report(scored(evaluation, value))
    text = (await live(board, evaluation)).text
    assert "not a significant improvement over your 90.0 %, which keeps its place" in text
    assert "Rank" not in text


async def test_every_metric_of_the_card_has_its_interval(board):
    await submit(board)
    evaluation = given(board)
    await board.engine.report(scored(evaluation, 0.9))
    [table] = [b for b in (await live(board, evaluation)).message.blocks if isinstance(b, Table)]
    assert [row[0] for row in table.rows] == ["accuracy", "macro F1"]
    assert all("–" in row[2] for row in table.rows)


async def test_admins_see_what_waits_and_what_is_stuck(board):
    await submit(board)
    await submit(board, "bob", MODEL + b"2")
    await board.wait(minutes=20)
    text = await board.ask("moira", "/admin jobs")
    assert "dispatched 2" in text
    assert given_keys(board)[0].split(":")[0] in text


async def test_a_model_that_fails_is_explained_privately_and_costs_no_quota(board):
    await submit(board)
    evaluation = given(board)
    await board.engine.report(failed(evaluation, THEIRS))
    public = await live(board, evaluation)
    assert public.message.failed
    assert "224" not in public.text
    [private] = board.to("@ada")
    assert "224" in private.text
    assert "E_INPUT_SHAPE" in private.text.replace("\\", "")
    for value in (0.5, 0.6):
        assert not (await submit(board, data=MODEL + bytes(str(value), "ascii"))).refused
        await board.engine.report(scored(given(board), value))


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


async def test_moderators_are_told_in_their_channel_what_failed_by_our_fault(board):
    await board.say("moira", "/admin channels moderators staff")
    await submit(board)
    for _ in range(3):
        await board.engine.report(failed(given(board), OURS))
        await board.deliver()
    assert any("fault of ours" in said.text for said in board.to("staff"))


async def test_a_new_best_is_told_where_the_results_are_and_a_worse_one_is_not(board):
    await board.say("moira", "/admin channels leaderboards results")
    for n, value in enumerate((0.7, 0.6)):
        await submit(board, data=MODEL + bytes([n]))
        await board.engine.report(scored(given(board), value))
        await board.deliver()
    told = [said.text for said in board.to("results") if "Digits" in said.text]
    assert len(told) == 1
    assert "entered with 70.0 %" in told[0]


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
    assert sorted(len(a.follow) for a in answers) == [0, 1]
    assert len(board.engine.jobs) == 1


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


async def test_nobody_cancels_or_sees_what_is_anothers(board):
    await submit(board)
    evaluation = given(board)
    for command in ("cancel", "card", "withdraw"):
        answer = await board.say("bob", f"/model {command} {evaluation.submission}")
        assert answer.code == "E_SUBMISSION", command
    assert board.engine.jobs


async def test_the_same_file_again_has_the_same_answer_and_runs_nothing(board):
    await submit(board)
    await board.engine.report(scored(given(board), 0.8))
    answer = await submit(board)
    assert "80.0 %" in answer.message.plain()
    assert not board.engine.jobs


async def test_withdrawing_takes_it_off_the_board_and_keeps_the_quota_used(board):
    await submit(board)
    evaluation = given(board)
    await board.engine.report(scored(evaluation))
    await board.say("ada", f"/model withdraw {evaluation.submission}")
    assert "Ada" not in await board.ask("bob", "/leaderboard show digits")
    await submit(board, data=MODEL + b"2")
    assert (await submit(board, data=MODEL + b"3")).code == "E_QUOTA"


async def test_creating_a_benchmark_is_for_moderators_and_audited(board):
    line_ = '/benchmark create name:night title:"Night" dataset:digits-0123456789ab metric:macro_f1 why:"Rare classes matter."'
    assert (await board.say("ada", line_)).code == "E_PERMISSION"
    assert "Night" in await board.ask("moira", line_)
    assert (await board.say("moira", line_)).code == "E_TAKEN"
    log = (await board.ask("moira", "/mod audit")).replace("\\", "")
    [row] = [row for row in log.splitlines() if "benchmark.create" in row]
    for word in ("Moira", "night", "on digits-0123456789ab"):
        assert word in row


async def test_text_of_members_never_formats_or_pings(board):
    model = await board.upload("@everyone **x** [a](/mod ban).onnx", MODEL)
    await board.say("ada", "/model submit benchmark:digits", attach=[model])
    message = (await live(board, given(board))).message
    assert [b.label for b in message.buttons()] == ["Cancel"]
    assert "\\@everyone" in message.plain()


def entry(name, value, member=None):
    return Entry(name, name, member, value, None, None, None, 1)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([], []),
        ([0.9, 0.8], ["1", "2"]),
        ([0.8, 0.9, 0.8], ["1", "2 (tied)", "2 (tied)"]),
        ([0.9, 0.9, 0.8], ["1 (tied)", "1 (tied)", "3"]),
    ],
)
def test_equal_scores_share_the_better_rank(values, shown):
    assert [p.shown for p in place([entry(str(i), v) for i, v in enumerate(values)])] == shown


def test_a_board_holds_everybodys_best_and_every_baseline():
    entries = [
        entry("a", 0.7, 1),
        entry("b", 0.9, 1),
        entry("c", 0.8, 2),
        entry("x", 0.1),
        entry("y", 0.2),
    ]
    assert {e.submission for e in best_of_each(entries)} == {"b", "c", "x", "y"}
