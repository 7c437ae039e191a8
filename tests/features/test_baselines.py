"""Baselines: what moderators enter for comparison, which is nobody's entry."""

import pytest

from bot.features.leaderboards import ladder
from bot.features.leaderboards.models import State, Submission
from tests.features.boards import MODEL, THEIRS, failed, given, live, scored, submit
from tests.features.sending import BIG, ask, send, submissions
from tests.features.test_runners import words


async def enter(chat, who="moira", name="small CNN", data=MODEL, **more):
    model = await chat.upload("cnn.onnx", data)
    line = f'/model submit benchmark:digits baseline:"{name}"'
    return await chat.say(who, line, attach=[model], **more)


async def entered(chat, name="small CNN", data=MODEL, value=0.8):
    assert not (await enter(chat, name=name, data=data)).refused
    evaluation = given(chat)
    await chat.engine.report(scored(evaluation, value))
    await chat.deliver()
    return evaluation


async def row(chat, evaluation):
    async with chat.core.database.read() as session:
        return await session.get_one(Submission, evaluation.submission)


async def test_a_moderator_enters_one_and_it_stands_on_the_board_as_a_baseline(board):
    evaluation = await entered(board)
    found = await row(board, evaluation)
    assert (found.member_id, found.baseline, found.state) == (None, "small CNN", State.SCORED)
    shown = words((await board.say("ada", "/leaderboard show digits")).message)
    assert "baseline small CNN" in shown
    assert "Moira" not in shown
    assert "80.0 %" in (await live(board, evaluation)).text
    log = words((await board.say("moira", "/mod audit")).message)
    assert "baseline.enter" in log
    assert "baseline small CNN on digits" in log


async def test_it_is_in_nobodys_quota_and_binds_nobodys_ladder(board):
    for n in range(3):  # a member may have two a day
        await entered(board, name=f"net {n}", data=MODEL + bytes([n]), value=0.9)
    answer = await submit(board, "moira", MODEL + b"own")
    assert "1 more for today" in words(answer.message)
    evaluation = given(board)
    assert evaluation.ladder is None
    await board.engine.report(scored(evaluation, 0.5))
    await board.deliver()
    async with board.core.database.read() as session:
        own = await session.get_one(Submission, evaluation.submission)
        assert (own.counts, own.released) == (True, 0.5)
        assert await ladder.best_of(session, own) is None
    shown = words((await board.say("ada", "/leaderboard show digits")).message)
    assert shown.count("baseline net") == 3, "each stands for itself"
    assert "Moira" in shown


async def test_no_member_enters_one(board):
    await board.say("moira", "/bookwiz ping")
    answer = await enter(board, "ada")
    assert answer.code == "E_PERMISSION"
    link = await board.say("ada", '/model link benchmark:digits baseline:"small CNN"')
    assert link.code == "E_PERMISSION"
    assert not board.engine.jobs


@pytest.mark.parametrize("name", ["<@everyone>", "a\nb", " - "])
async def test_a_name_that_could_not_be_shown_is_refused(board, name):
    model = await board.upload("cnn.onnx", MODEL)
    answer = await board.say(
        "moira", "/model submit benchmark:digits", attach=[model], baseline=name
    )
    assert answer.code == "E_NAME"


async def test_two_of_one_name_are_not_told_apart_so_the_second_is_refused(board):
    first = await entered(board)
    answer = await enter(board, data=MODEL + b"2")
    assert answer.code == "E_TAKEN"
    assert f"/model withdraw {first.submission}" in words(answer.message)
    assert not (await board.say("moira", f"/model withdraw {first.submission} sure:yes")).refused
    assert not (await enter(board, data=MODEL + b"2")).refused


async def test_every_moderator_sees_and_withdraws_one_and_no_member_does(board):
    evaluation = await entered(board)
    for line in ("card", "withdraw"):
        answer = await board.say("ada", f"/model {line} {evaluation.submission}")
        assert answer.code == "E_SUBMISSION", line
    card = await board.say("moira", f"/model card {evaluation.submission}")
    assert "baseline small CNN" in words(card.message)
    taken = words(
        (await board.say("moira", f"/model withdraw {evaluation.submission} sure:yes")).message
    )
    assert "quota" not in taken
    assert "baseline small CNN" not in words(
        (await board.say("ada", "/leaderboard show digits")).message
    )
    assert "baseline.withdraw" in words((await board.say("moira", "/mod audit")).message)


async def test_one_that_fails_says_why_since_it_has_no_member_who_could_be_told(board):
    await enter(board)
    evaluation = given(board)
    await board.engine.report(failed(evaluation, THEIRS))
    said = await live(board, evaluation)
    assert THEIRS.problem in words(said.message)
    assert "alone" not in said.text
    details = await board.press("moira", said.message, "Details")
    assert THEIRS.got in words(details.message)


async def test_a_large_one_comes_by_link_and_asks_for_no_quota(links, client):
    for n in range(2):
        assert not (await submit(links, "moira", MODEL + bytes([n]))).refused
    assert (await links.say("moira", "/model link benchmark:digits")).code == "E_QUOTA"
    url = await ask(links, "moira", '/model link benchmark:digits baseline:"big CNN"')
    status, *_ = await send(client, "PUT", f"{url}cnn.onnx", BIG)
    assert status == 201
    [found] = [s for s in await submissions(links) if s.baseline]
    assert (found.baseline, found.member_id, found.size) == ("big CNN", None, len(BIG))
