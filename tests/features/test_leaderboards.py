"""Submissions from the chat to the board, with an engine that reports what the test says."""

import pytest

from bot.features.leaderboards.ranking import Entry, best_of_each, place
from bot.kit.message import Image, Table
from runner.contract import Artifact, Metric, Progress, Stage
from tests.features.boards import (
    MODEL,
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


async def test_a_new_best_is_told_where_the_results_are_and_a_worse_one_is_not(board):
    await board.say("moira", "/admin channels leaderboards results")
    for n, value in enumerate((0.7, 0.6)):
        await submit(board, data=MODEL + bytes([n]))
        await board.engine.report(scored(given(board), value))
        await board.deliver()
    told = [said.text for said in board.to("results") if "Digits" in said.text]
    assert len(told) == 1
    assert "entered with 70.0 %" in told[0]


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


async def test_the_same_file_again_follows_the_one_that_is_on_its_way(board):
    first = await submit(board)
    answer = await submit(board)
    assert "still on its way" in answer.message.plain()
    assert answer.follow == first.follow != ()
    await board.engine.report(scored(given(board), 0.8))
    assert (await submit(board)).follow == ()


async def test_an_option_that_a_command_does_not_take_is_named(board):
    answer = await board.say("ada", "/leaderboard show digits foo:1")
    assert answer.code == "E_ARGUMENT"
    assert "takes no foo" in answer.message.plain()
    assert "[page:…]" in answer.message.plain().replace("\\", "")


async def test_the_same_file_with_another_contract_is_another_model_and_runs(board):
    await submit(board)
    first = given(board)
    await board.engine.report(scored(first, 0.2))
    other = {"preproc": '{"scale": 0.00392}'}
    assert not (await submit(board, **other)).refused
    second = given(board)
    assert (second.model.sha256, second.declared != first.declared) == (first.model.sha256, True)
    await board.engine.report(scored(second, 0.8))
    assert second.submission in (await submit(board, **other)).message.plain()
    assert first.submission in (await submit(board)).message.plain()
    assert not board.engine.jobs


async def test_withdrawing_takes_it_off_the_board_and_keeps_the_quota_used(board):
    await submit(board)
    evaluation = given(board)
    await board.engine.report(scored(evaluation))
    asked = await board.say("ada", f"/model withdraw {evaluation.submission}")
    assert "Ada" in await board.ask("bob", "/leaderboard show digits")
    await board.press("ada", asked.message, "Take it off")
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
