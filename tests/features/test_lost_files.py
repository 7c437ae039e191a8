"""A file that was there when a runner reported and is gone when the desk asks for it is our loss."""

import pytest

from bot.community.members import set_setting
from bot.features.leaderboards.models import State
from bot.kit.message import Place
from tests.features.boards import given, live, submit


@pytest.fixture
async def moderated(lab):
    async with lab.chat.core.work("tests") as work:
        place = Place(platform="local", channel="moderators").model_dump()
        await set_setting(work.session, 1, "channel.moderators", place)


def told(chat):
    return [said.text for said in chat.to("moderators")]


async def lose(lab, outcome, found):
    """Have *outcome* believed, and lose a file of it before the desk comes to it."""
    clerk, lab.chat.clerk = lab.chat.clerk, None
    await lab.chat.engine.report(outcome)
    lab.chat.core.services.files.path(found.sha256).unlink()
    lab.chat.clerk = clerk
    await lab.chat.deliver()


async def test_predictions_that_were_lost_are_made_again_and_moderators_hear_of_it(lab, moderated):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    claim = await lab.claim(evaluation, 0.75)
    await lose(lab, claim, claim.predictions[1])
    row = await lab.row(evaluation)
    assert (row.attempt, row.losses, row.claim) == (2, 1, None)
    [words] = told(lab.chat)
    assert "gone from our store" in words
    assert "predictions on board" in words
    assert "stranger" not in words, "it is no runner's lie"
    await lab.chat.wait(seconds=15)  # a pause, since a disk may be away for a moment
    again = given(lab.chat)
    await lab.chat.engine.report(await lab.claim(again, 0.75))
    assert "75.0 %" in (await live(lab.chat, again)).text
    assert len(told(lab.chat)) == 1


async def test_a_loss_that_goes_on_ends_as_our_fault(lab, moderated):
    await submit(lab.chat)
    for _ in range(3):
        evaluation = given(lab.chat)
        claim = await lab.claim(evaluation, 0.75)
        await lose(lab, claim, claim.predictions[0])
        await lab.chat.wait(seconds=90)
    row = await lab.row(evaluation)
    assert (row.state, row.failure["code"]) == (State.FAILED, "E_DESK_FILE")
    assert row.failure["ours"]
    assert not (await submit(lab.chat)).refused
    lost, gave_up = told(lab.chat)
    assert "gone from our store" in lost
    assert "fault of ours" in gave_up


async def test_an_archive_that_was_lost_is_asked_for_once_more(lab, moderated):
    archive = await lab.chat.upload("mine.zip", b"PK\x03\x04")
    lab.chat.core.services.files.path(archive.sha256).unlink()
    await lab.chat.say("ada", "/dataset check", attach=[archive])
    await lab.chat.deliver()
    [said] = lab.chat.to("@ada")
    assert said.message.failed
    assert "not in our store any more" in said.text
    assert len(told(lab.chat)) == 1
