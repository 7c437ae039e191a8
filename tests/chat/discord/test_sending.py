"""What the outbox holds comes to Discord once, at its pace, and nobody is pinged."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.chat.discord.adapter import DiscordChat
from bot.kit.courier import Courier
from bot.kit.message import Button, Buttons, File, Image, Message, MessageRef, Table, Text
from bot.kit.outbox import OutboxMessage, Undeliverable
from bot.kit.render import escape
from tests.chat.discord.conftest import said, settings_of
from tests.chat.slack.test_sending import PNG

POST = "POST /channels/{channel}/messages"


async def row(bot, key="k"):
    async with bot.database.read() as session:
        return (await session.scalars(select(OutboxMessage).filter_by(key=key))).one()


async def test_a_message_is_posted_and_edited_where_it_stands(server):
    await server.put(server.place(), "First *words*")
    await server.bot.courier.round()
    await server.put(server.place(), "Other words")
    await server.bot.courier.round()
    [message] = server.general.said
    assert "Other words" in message.text
    assert message.edits == 1


@pytest.mark.parametrize("minutes", [1, 600], ids=["while the nonce is known", "long after"])
async def test_who_dies_between_sending_and_noting_it_has_said_it_once(server, minutes):
    """The courier was killed after Discord took the message; the next one finds it there."""
    bot, fake = server.bot, server.fake
    await server.put(server.place(), "Once only")

    def cut():
        raise InterruptedError

    first = Courier(bot.database, bot.clock)
    first.chats = {"discord": server.chat}
    write, bot.database.write = bot.database.write, cut
    with pytest.raises(InterruptedError):
        await first.round()
    bot.database.write = write
    assert len(server.general.said) == 1
    assert (await row(bot)).sent_version == 0

    bot.clock.moment += timedelta(minutes=minutes)
    fake.pass_minutes(minutes)
    second = Courier(bot.database, bot.clock)
    other = DiscordChat(bot.core, settings_of(fake))
    await other.start()
    await fake.gateway_server.ready(sessions=2)
    second.chats = {"discord": other}
    await second.start()
    async with asyncio.timeout(5):
        while (await row(bot)).sent_version == 0:
            await asyncio.sleep(0.01)
    await second.stop()
    await other.stop()
    assert len(server.general.said) == 1
    assert (await row(bot)).ref["id"] == str(server.general.said[0].id)


async def test_an_answer_that_was_lost_is_looked_for_before_it_is_said_again(server):
    server.fake.lose_answer(POST)
    await server.put(server.place(), "Once only")
    await server.bot.courier.round()
    assert len(server.general.said) == 1
    server.fake.pass_minutes(30)
    server.bot.clock.moment += timedelta(minutes=30)
    await server.bot.courier.round()
    assert len(server.general.said) == 1
    assert (await row(server.bot)).sent_version == 1


async def test_a_second_try_within_minutes_is_known_to_discord_as_the_same_message(server):
    first = await server.chat.send(server.place(), said("Once only"), key="k")
    again = await server.chat.send(server.place(), said("Once only"), key="k")
    assert again == first
    assert len(server.general.said) == 1


async def test_a_storm_of_too_fast_is_waited_out(server):
    server.fake.storm(POST, 3, 0.1)
    await server.put(server.place())
    await server.bot.courier.round()
    assert len(server.general.said) == 1
    assert (await row(server.bot)).failures == 0


async def test_a_ban_for_being_too_fast_is_waited_out_by_the_outbox(server):
    server.fake.storm(POST, 1, 7, via=False)
    await server.put(server.place())
    await server.bot.courier.round()
    waits = (await row(server.bot)).not_before - server.bot.clock.moment
    assert timedelta(seconds=1) <= waits <= timedelta(seconds=60)
    server.bot.clock.moment += timedelta(seconds=61)
    await server.bot.courier.round()
    assert len(server.general.said) == 1


@pytest.mark.parametrize(
    ("close", "why"),
    [("delete", "gone"), ("hide", "does not see"), ("mute", "may not"), ("remove", "gone")],
)
async def test_where_nothing_can_be_said_the_reason_is_told(server, close, why):
    fake, bot_there = server.fake, server.guild.bot
    if close == "delete":
        fake.delete_channel(server.general)
    elif close == "hide":
        fake.close_to(server.general, bot_there, "view_channel")
    elif close == "mute":
        fake.close_to(server.general, bot_there, "send_messages")
    else:
        fake.remove_bot(server.guild)
    with pytest.raises(Undeliverable) as error:
        await server.chat.send(server.place(), said("x"), key="k")
    assert why in str(error.value) or "does not see" in str(error.value)


@pytest.mark.parametrize("close", ["dms", "left"])
async def test_who_takes_no_direct_messages_is_told_to_the_outbox(server, close):
    if close == "dms":
        server.ada.user.dms_closed = True
    else:
        server.fake.remove(server.ada)
    with pytest.raises(Undeliverable, match=r"direct messages|shares no server"):
        await server.chat.send(server.alone(server.ada), said("x"), key="k")


async def test_a_direct_message_is_opened_once_and_reaches_one(server):
    place = server.alone(server.ada)
    ref = await server.chat.send(place, said("For you", private=True), key="a")
    await server.chat.edit(ref, said("For you alone", private=True))
    await server.chat.send(place, said("And more", private=True), key="b")
    [first, second] = server.fake.direct(server.ada).said
    assert "For you alone" in first.text
    assert "And more" in second.text
    assert len(server.fake.calls("POST /users/@me/channels")) == 1


async def test_a_crowd_is_written_to_slowly_enough_for_discord(server):
    """Discord silences a bot that writes to many people first; nobody is forgotten for that."""
    people = [server.fake.member(server.guild, f"Person {n}") for n in range(30)]
    for person in people:
        await server.put(server.alone(person), "The digest", key=f"d{person.id}")
    await server.bot.courier.round()
    reached = sum(bool(server.fake.direct(p).said) for p in people)
    assert 1 <= reached <= 10
    for person in people:
        waiting = await row(server.bot, f"d{person.id}")
        assert waiting.error is None
        assert waiting.waiting != bool(server.fake.direct(person).said)


async def test_a_burst_to_many_channels_stays_below_what_discord_takes_of_one_bot(server):
    server.fake.rates.on = True
    channels = [server.fake.channel(server.guild, f"c{n}") for n in range(60)]
    for number, channel in enumerate(channels):
        await server.put(server.place(channel), "Hello", key=f"b{number}")
    async with asyncio.timeout(20):
        while not all(c.said for c in channels):
            await server.bot.courier.round()
            await asyncio.sleep(0.01)
            server.bot.clock.moment += timedelta(seconds=0.05)
    assert [r for r in server.fake.requests if r.status == 429] == []


async def test_pictures_and_files_stand_in_the_message(server):
    files = server.bot.files
    picture, page = await files.add(PNG), await files.add(b"<p>report</p>")
    message = Message(
        blocks=(
            Text(markdown="# Result"),
            Image(sha256=picture.sha256, name="confusion.png", alt="eights taken for threes"),
            File(sha256=page.sha256, name="the report.html", label="The report"),
            Buttons(buttons=(Button(label="Share", command="/model share submission:x"),)),
        )
    )
    ref = await server.chat.send(server.place(), message, key="k")
    await server.chat.edit(ref, message)
    [card] = server.general.said
    assert "eights taken for threes" in card.text
    assert [a.name for a in card.attachments] == ["confusion.png", "the_report.html"]
    assert [a.content for a in card.attachments] == [PNG, b"<p>report</p>"]
    assert card.buttons == ["Share"]


async def test_thirty_thousand_characters_come_in_parts_and_as_a_file(server, monkeypatch):
    monkeypatch.setattr(server.chat.sending._gate, "_every", 0.0)
    words = " ".join(f"word{i}" for i in range(30_000 // 8))
    ref = await server.chat.send(server.place(), said(words), key="long")
    shown = server.general.said
    assert len(shown) == len(ref.id.split(",")) <= 5
    heard = "".join(m.text for m in shown)
    whole = [a.content.decode() for m in shown for a in m.attachments]
    assert all(word in heard for word in words.split()) or whole == [words]
    short = await server.chat.edit(ref, said("Short now"))
    assert len(short.id.split(",")) == 1
    assert [m.text.strip() for m in server.general.said if not m.deleted] == ["Short now"]


async def test_a_card_that_discord_does_not_take_comes_as_plain_words(server, monkeypatch):
    monkeypatch.setattr("bot.chat.discord.cards._CHARACTERS", 9_000)
    long = "word " * 1_500
    try:
        ref = await server.chat.send(server.place(), said(long), key="k")
        assert server.general.last.text.startswith("word word")
        await server.chat.edit(ref, said(long + "more"))
        assert server.general.last.edits == 1
    finally:
        server.fake.violations.clear()  # of the first try, as it was meant


async def test_a_mention_bomb_pings_nobody(server):
    bomb = f"@everyone @here <@{server.ada.id}> <@&{server.guild.id}> `@everyone` @channel"
    table = Table(head=("a", "b"), rows=((escape(bomb), "1"),), align=("left", "left"))
    message = Message(blocks=(Text(markdown=escape(bomb)), table, Text(markdown=f"`{bomb}`")))
    await server.chat.send(server.place(), message, key="k")
    [posted] = server.general.said
    assert not posted.pings
    assert not server.fake.pinged
    assert "@everyone" not in posted.text  # not even for a client that highlights by itself
    for request in server.fake.calls(POST):
        assert request.body["allowed_mentions"]["parse"] == []
    assert f"@everyone @here <@{server.ada.id}>" in posted.text.replace("\u2060", "").replace(
        "\\", ""
    )


async def test_a_message_that_somebody_deleted_cannot_be_edited_and_that_is_told(server):
    ref = await server.chat.send(server.place(), said("x"), key="k")
    server.fake.take_back(server.general.last)
    with pytest.raises(Undeliverable, match="deleted"):
        await server.chat.edit(ref, said("y"))


async def test_a_thread_is_begun_when_it_is_first_written_to(server):
    root = server.fake.say(server.moira, server.general, "Session on Monday")
    place = server.place(thread=str(root.id))
    ref = await server.chat.send(place, said("# Agenda\n\nOne paper."), key="a")
    await server.chat.send(place, said("Bring questions."), key="b")
    thread = server.fake.find_channel(int(ref.channel))
    assert thread.name == "Agenda"
    assert [m.text.split()[-1] for m in server.from_bot(thread)] == ["paper.", "questions."]


async def test_before_it_is_logged_in_the_outbox_waits(bot, discord):
    chat = DiscordChat(bot.core, settings_of(discord))
    from bot.kit.command import Retry
    from bot.kit.message import Place

    with pytest.raises(Retry):
        await chat.send(Place(platform="discord", channel="1"), said("x"), key="k")
    await chat.stop()


async def test_a_reference_of_another_life_is_enough_to_edit(server):
    ref = await server.chat.send(server.place(), said("x"), key="k")
    again = MessageRef.model_validate_json(ref.model_dump_json())
    await server.chat.edit(again, said("y"))
    assert server.general.last.text.strip() == "y"
