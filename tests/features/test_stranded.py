"""What cannot be said where it was meant to be said is lost nowhere and leaks nowhere."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.community.models import Account
from bot.kit.courier import MOST_FAILURES
from bot.kit.message import Message, Place, Text
from bot.kit.outbox import OutboxMessage, Undeliverable, put_message
from bot.kit.testing import Room

PAPERS = Place(platform="far", channel="papers", public=True)
ADA = Place(platform="far", channel="@ada", private_to="ada")
SECRET = "You came third, which only you know"


@pytest.fixture
async def far(chat):
    """A second platform: its channels can be closed. The moderators read on the local one."""
    room = chat.courier.chats["far"] = Room()
    for purpose in ("general", "moderators"):
        await chat.say("moira", f"/admin channels purpose:{purpose} channel:#{purpose}")
    await chat.ask("ada", "/bookwiz ping")
    async with chat.core.work("tests") as work:
        ada = await work.session.scalar(select(Account).filter_by(handle="ada"))
        work.session.add(Account(platform="far", handle="ada", member_id=ada.member_id))
    chat.room.said.clear()
    return room


async def put(chat, place, text="Words", *, key="k"):
    async with chat.core.work("tests") as work:
        message = Message(blocks=(Text(markdown=text),), private=place.private_to is not None)
        await put_message(work.session, place, message, key=key, now=work.now)
    await chat.deliver()


def said(chat, channel):
    return [s.text for s in chat.to(channel)]


async def row(chat, key="k"):
    async with chat.core.database.read() as session:
        return await session.scalar(select(OutboxMessage).filter_by(key=key))


async def test_what_everybody_could_read_is_said_in_the_general_channel(chat, far):
    far.closed.add("papers")
    await put(chat, PAPERS)
    assert said(chat, "general") == ["Words"]
    [told] = said(chat, "moderators")
    assert "1 message" in told
    assert "papers is gone" in told
    assert "general" in told
    assert "kept" not in told


async def test_a_channel_that_was_chosen_for_all_is_one_that_everybody_reads(chat, far):
    await chat.say("moira", "/admin channels purpose:checkins channel:#mornings")
    chat.room.closed.add("mornings")
    await put(chat, Place(platform="local", channel="mornings"))
    assert said(chat, "general") == ["Words"]


async def test_what_only_some_could_read_is_kept_and_said_nowhere_else(chat, far):
    far.closed.add("circle")
    await put(chat, Place(platform="far", channel="circle"))
    assert said(chat, "general") == []
    [told] = said(chat, "moderators")
    assert "1 is kept" in told
    assert "Given up" in await chat.ask("moira", "/admin jobs")


async def test_moderators_read_one_line_per_place_and_hour(chat, far):
    far.closed.update({"papers", "shelf"})
    for number in range(3):
        await put(chat, PAPERS, key=f"p{number}")
    await put(chat, PAPERS.model_copy(update={"channel": "shelf"}), key="s")
    await chat.wait(minutes=1)
    lines = said(chat, "moderators")
    assert len(lines) == 2
    assert "3 messages" in lines[0]
    await chat.wait(hours=1)
    await put(chat, PAPERS, key="later")
    lines = said(chat, "moderators")
    assert len(lines) == 3
    assert "1 message" in lines[2]


async def test_what_is_private_reaches_the_other_account_and_nobody_else(chat, far):
    far.closed.add("@ada")
    await put(chat, ADA, SECRET)
    [private] = chat.to("@ada")
    assert (private.text, private.place.private_to) == (SECRET, "ada")
    [told] = said(chat, "moderators")
    assert "1 private message" in told
    assert "ada" not in told.replace("@ada is gone", "")
    assert SECRET not in "".join(said(chat, "general") + said(chat, "moderators"))


async def test_what_is_private_and_has_no_other_way_is_found_at_home(chat, far):
    far.closed.add("@ada")
    chat.room.closed.add("@ada")
    await put(chat, ADA, SECRET)
    assert said(chat, "general") == []
    assert "1 is kept" in said(chat, "moderators")[-1]
    assert SECRET in await chat.ask("ada", "/bookwiz home")
    assert SECRET not in await chat.ask("moira", "/bookwiz home")
    await chat.wait(days=31)
    assert SECRET not in await chat.ask("ada", "/bookwiz home")


async def test_what_reached_its_reader_later_is_not_at_home(chat, far):
    far.closed.add("@ada")
    chat.room.closed.add("@ada")
    await put(chat, ADA, SECRET)
    chat.room.closed.clear()
    await put(chat, ADA, f"{SECRET}!")
    assert said(chat, "@ada") == [f"{SECRET}!"]
    assert SECRET not in await chat.ask("ada", "/bookwiz home")


async def test_a_private_message_at_a_public_place_is_not_moved(chat, far):
    far.closed.add("papers")
    async with chat.core.work("tests") as work:
        message = Message(blocks=(Text(markdown=SECRET),), private=True)
        await put_message(work.session, PAPERS, message, key="k", now=work.now)
    await chat.deliver()
    assert said(chat, "general") == []


async def test_edits_follow_to_where_it_went(chat, far):
    far.closed.add("papers")
    await put(chat, PAPERS, "Queued")
    await put(chat, PAPERS, "Scored")
    [message] = chat.to("general")
    assert (message.text, message.edits) == ("Scored", 1)
    assert len(said(chat, "moderators")) == 1


async def test_a_channel_that_goes_after_it_was_written_to_has_its_message_elsewhere(chat, far):
    await put(chat, PAPERS, "Queued")
    far.failures.append(Undeliverable("the channel is gone"))
    await put(chat, PAPERS, "Scored")
    assert said(chat, "general") == ["Scored"]


async def test_a_message_that_somebody_deleted_is_said_nowhere_else(chat, far):
    await put(chat, PAPERS, "Queued")
    far.failures.append(Undeliverable("the message was deleted", removed=True))
    await put(chat, PAPERS, "Scored")
    assert said(chat, "general") == said(chat, "moderators") == []
    assert (await row(chat)).error is not None


async def test_where_the_general_channel_is_closed_it_is_kept(chat, far):
    far.closed.add("papers")
    chat.room.closed.add("general")
    await put(chat, PAPERS)
    assert (await row(chat)).error == "Undeliverable: general is gone"
    lines = said(chat, "moderators")
    assert len(lines) == 2
    assert "1 is kept" in lines[1]


async def test_a_moderators_channel_that_is_closed_is_told_of_nowhere(chat, far):
    far.closed.add("papers")
    chat.room.closed.add("moderators")
    await put(chat, PAPERS)
    await put(chat, Place(platform="local", channel="moderators"), "A report", key="report")
    assert said(chat, "general") == ["Words"]
    async with chat.core.database.read() as session:
        keys = (await session.scalars(select(OutboxMessage.key))).all()
    assert sum(key.startswith("stranded:") for key in keys) == 1
    assert "report" in await chat.ask("moira", "/admin jobs")


async def test_a_defect_of_ours_is_told_and_moves_nothing(chat, far):
    far.failures.extend([RuntimeError("no")] * MOST_FAILURES)
    await put(chat, PAPERS)
    for _ in range(MOST_FAILURES):
        chat.clock.moment += timedelta(minutes=5)
        await chat.deliver()
    assert said(chat, "general") == []
    assert "a defect of ours" in said(chat, "moderators")[0]


async def test_nobody_is_told_twice_of_what_fails_again_and_again(chat, far):
    far.closed.add("circle")
    for number in range(5):
        await put(chat, Place(platform="far", channel="circle"), f"{number} %")
    await chat.wait(minutes=1)
    [told] = said(chat, "moderators")
    assert "1 message" in told
