"""The bot comes to Discord, stays there, and says in words why not."""

import asyncio
import gc

from bot.chat.discord.adapter import DiscordChat
from tests.chat.discord.conftest import said, settings_of
from tests.chat.discord.test_incoming import rows

PUT = "PUT /applications/{app}/commands"


async def state(chat, words, *, within=8.0):
    """Wait until the adapter says so."""
    async with asyncio.timeout(within):
        while words not in chat.state:
            await asyncio.sleep(0.02)


async def test_it_says_where_it_is(server):
    await state(server.chat, "connected to Book Club")


async def test_commands_are_told_once_and_again_only_when_they_changed(server, monkeypatch):
    await state(server.chat, "connected")
    again = DiscordChat(server.bot.core, settings_of(server.fake))
    await again.start()
    await state(again, "connected")
    await again.stop()
    assert len(server.fake.calls(PUT)) == 1
    monkeypatch.setattr("bot.chat.discord.commands._DESCRIPTION", 40)
    changed = DiscordChat(server.bot.core, settings_of(server.fake))
    await changed.start()
    await state(changed, "connected")
    await changed.stop()
    assert len(server.fake.calls(PUT)) == 2


async def test_what_was_missed_while_the_connection_was_gone_is_carried_out_once(server):
    from bot.features.checkins.models import CheckIn

    fake = server.fake
    first = await fake.command(
        server.ada, server.general, "/checkin now", {"done": "a", "next": "b"}
    )
    await first.replied()
    await fake.gateway_server.drop()
    missed = await fake.command(
        server.moira, server.general, "/checkin now", {"done": "c", "next": "d"}
    )
    fake.gateway_server.emit("INTERACTION_CREATE", first.payload)  # and one that it had already
    await missed.replied(within=15)
    await asyncio.sleep(0.2)
    assert fake.gateway_server.resumes
    assert len(await rows(server.bot, CheckIn)) == 2


async def test_a_session_that_discord_forgot_is_begun_anew(server):
    fake = server.fake
    before = fake.gateway_server.identifies
    fake.gateway_server.forget_sessions()
    await fake.gateway_server.drop()
    async with asyncio.timeout(15):
        while fake.gateway_server.identifies == before:
            await asyncio.sleep(0.05)
    await fake.gateway_server.ready()
    deed = await fake.command(server.ada, server.general, "/checkin streak")
    assert (await deed.replied()).text


async def test_a_token_that_discord_does_not_know_is_told_and_not_tried_again(bot, discord):
    chat = DiscordChat(bot.core, settings_of(discord, token="wrong.to.ken"))
    await chat.start()
    await state(chat, "refuses the bot's token")
    asked = len(discord.requests)
    await asyncio.sleep(1.2)
    assert len(discord.requests) == asked
    await chat.stop()


async def test_a_token_that_is_revoked_in_mid_run_is_told_and_the_outbox_waits(server):
    await state(server.chat, "connected")
    await server.fake.revoke()
    await state(server.chat, "does not take the bot's token any more")
    await server.put(server.place(), "Later")
    await server.bot.courier.round()
    from tests.chat.discord.test_sending import row

    waiting = await row(server.bot)
    assert waiting.waiting
    assert waiting.error is None


async def test_without_the_members_intent_it_works_and_says_what_is_lacking(bot, discord):
    discord.guild("Book Club")
    discord.gateway_server.allowed = set()
    chat = DiscordChat(bot.core, settings_of(discord))
    await chat.start()
    await state(chat, "Server Members Intent", within=15)
    await state(chat, "connected to Book Club", within=15)
    assert "Server Members Intent" in chat.state
    await chat.stop()


async def test_it_waits_for_a_discord_that_is_away(bot, discord):
    discord.guild("Book Club")
    await discord.go_away()
    chat = DiscordChat(bot.core, settings_of(discord))
    await chat.start()
    await state(chat, "cannot reach Discord")
    await discord.come_back()
    await state(chat, "connected to Book Club", within=15)
    await chat.stop()


async def test_with_no_server_it_says_so(bot, discord):
    chat = DiscordChat(bot.core, settings_of(discord))
    await chat.start()
    await state(chat, "no server yet")
    await chat.stop()


async def test_it_can_be_stopped_before_discord_has_told_of_all_servers(bot, discord):
    """discord.py says "ready" after a while, closed or not; warnings are errors here."""
    discord.guild("Book Club")
    chat = DiscordChat(bot.core, settings_of(discord))
    await chat.start()
    await state(chat, "connected")  # though not to where: that comes after half a second
    await chat.stop()
    await asyncio.sleep(0.7)
    gc.collect()


async def test_several_servers_are_served_at_once(server):
    fake = server.fake
    other = fake.guild("Second Club")
    bo = fake.member(other, "Bo")
    channel = fake.channel(other, "general")
    deed = await fake.command(bo, channel, "/bookwiz help")
    assert (await deed.replied()).text
    await server.chat.send(server.place(channel), said("Hello"), key="other")
    assert channel.said


async def test_who_leaves_is_not_written_to_until_they_speak_again(server):
    from bot.community.models import Account

    async def left():
        accounts = await rows(server.bot, Account)
        return next(a.left_at for a in accounts if a.handle == str(server.ada.id))

    fake = server.fake
    await (await fake.command(server.moira, server.general, "/checkin streak")).replied()
    await (await fake.command(server.ada, server.general, "/checkin streak")).replied()
    assert await left() is None
    fake.remove(server.ada)
    async with asyncio.timeout(5):
        while await left() is None:
            await asyncio.sleep(0.02)
    fake.join(server.guild, server.ada)
    await (await fake.command(server.ada, server.general, "/checkin streak")).replied()
    assert await left() is None


async def test_nothing_of_what_was_sent_stays_in_memory(server):
    from bot.kit.message import Button, Buttons, Message, Text

    card = Message(
        blocks=(
            Text(markdown="x"),
            Buttons(buttons=(Button(label="b", command="/bookwiz ping"),)),
        )
    )
    server.chat.sending._gate._every = 0.0
    for number in range(20):
        await server.chat.send(server.place(), card, key=f"k{number}")
        await (await server.fake.command(server.ada, server.general, "/checkin now")).opened()
    state = server.chat.client._connection
    assert not state._view_store._views
    assert not state._view_store._modals
    assert state._messages is None
