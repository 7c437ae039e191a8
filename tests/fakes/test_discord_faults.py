"""The real discord.py while the Discord of the tests misbehaves."""

import asyncio

import aiohttp
import discord as library
import pytest

from tests.fakes import discord_app
from tests.fakes.discord.asking import ask
from tests.fakes.hearing import NeverHappened

NO_PINGS = {"parse": []}
SEND = "POST /channels/{channel}/messages"


@pytest.fixture
def general(discord):
    return discord.channel(discord.guild("Book Club"), "general")


@pytest.fixture
def ada(discord, general):
    return discord.member(general.guild, "Ada")


@pytest.fixture
async def app(discord, general, ada):
    async with discord_app.running(discord) as app:
        yield app


async def test_a_rate_limit_of_discord_is_waited_for(app, discord, general):
    discord.storm(SEND, times=2)
    await app.get_channel(general.id).send("hello")
    assert [r.status for r in discord.calls(SEND)] == [429, 429, 200]
    assert [m.content for m in general.said] == ["hello"]


async def test_a_rate_limit_without_via_is_raised(app, discord, general):
    discord.storm(SEND, via=False)
    with pytest.raises(library.HTTPException) as raised:
        await app.get_channel(general.id).send("hello")
    assert raised.value.status == 429
    assert not general.said


async def test_a_rate_limit_of_the_whole_bot_holds_everything_back(app, discord, general):
    discord.storm(SEND, everywhere=True, retry_after=0.2)
    channel = app.get_channel(general.id)
    sending = asyncio.create_task(channel.send("hello"))
    await discord.until(lambda: discord.calls(SEND))
    await asyncio.sleep(0.02)
    await channel.fetch_message((await sending).id)
    assert [r.status for r in discord.requests[-3:]] == [429, 200, 200]


async def test_six_messages_at_once_fill_the_bucket_of_a_channel(discord, general):
    discord.rates.on = True
    path, body = f"/channels/{general.id}/messages", {"content": "x", "allowed_mentions": NO_PINGS}
    answers = [(await ask(discord, "POST", path, body))[0] for _ in range(6)]
    assert answers == [200] * 5 + [429]
    assert 4.0 < discord.requests[-1].answer["retry_after"] <= 5.0
    discord.pass_minutes(0.1)
    assert (await ask(discord, "POST", path, body))[0] == 200


async def test_discord_py_waits_by_the_headers_and_is_not_refused(app, discord, general):
    discord.rates.on = True
    channel = app.get_channel(general.id)
    sending = [asyncio.create_task(channel.send(str(number))) for number in range(7)]
    await discord.until(lambda: len(general.said) == 5)
    await asyncio.sleep(0.1)
    assert len(general.said) == 5
    assert not discord.rates.refused
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)


async def test_a_message_whose_answer_was_lost_is_there_once_by_its_nonce(app, discord, general):
    channel = app.get_channel(general.id)
    discord.lose_answer(SEND)
    with pytest.raises(aiohttp.ClientError):
        await channel.send("hello", nonce="one")
    again = await channel.send("hello", nonce="one")
    assert [m.id for m in general.said] == [again.id]
    other = await channel.send("hello", nonce="two")
    assert [m.id for m in general.said] == [again.id, other.id]


async def test_a_broken_down_discord_is_asked_again(app, discord, general):
    discord.break_down(SEND, status=503)
    with pytest.raises(library.DiscordServerError):
        await app.get_channel(general.id).send("hello")
    discord.break_down(SEND, status=502)
    await app.get_channel(general.id).send("hello")
    assert [r.status for r in discord.calls(SEND)] == [503, 502, 200]


async def test_an_invalid_session_is_followed_by_a_fresh_one(app, discord, general, ada):
    discord.gateway_server.forget_sessions()
    await discord.gateway_server.drop()
    await discord.until(lambda: discord.gateway_server.identifies == 2, within=15)
    assert not discord.gateway_server.resumes
    discord.say(ada, general, "hello")
    await discord.until(lambda: app.heard == ["hello"])


async def test_discord_asks_to_reconnect_and_nothing_is_lost(app, discord, general, ada):
    await discord.gateway_server.ask_to_reconnect()
    discord.say(ada, general, "hello")
    await discord.until(lambda: discord.gateway_server.resumes == 1, within=10)
    await discord.until(lambda: app.heard == ["hello"], within=10)


async def test_a_link_that_died_in_silence_is_resumed(discord, general, ada):
    discord.gateway_server.interval = 0.05
    async with discord_app.running(discord, heartbeat_timeout=0.3) as app:
        discord.gateway_server.mute = True
        discord.say(ada, general, "hello")
        await discord.until(lambda: discord.gateway_server.resumes, within=10)
        discord.gateway_server.mute = False
        await discord.until(lambda: app.heard)
    assert discord.gateway_server.identifies == 1


async def test_a_revoked_token_ends_the_client(app, discord):
    await discord.revoke()
    with pytest.raises(library.ConnectionClosed) as raised:
        await asyncio.wait_for(app.task, 10)
    assert raised.value.code == 4004


async def test_a_revoked_token_does_not_resume(app, discord):
    discord.revoked = True
    await discord.gateway_server.drop()
    with pytest.raises(library.ConnectionClosed) as raised:
        await asyncio.wait_for(app.task, 10)
    assert raised.value.code == 4004
    assert not discord.gateway_server.resumes


async def test_a_token_that_is_revoked_does_not_log_in(discord):
    await discord.revoke()
    with pytest.raises(library.LoginFailure):
        async with discord_app.running(discord):
            pass


async def test_without_the_intent_words_of_people_are_not_told(discord, general, ada):
    async with discord_app.running(discord, content=False) as app:
        discord.say(ada, general, "hello")
        discord.say(ada, discord.direct(ada), "hello in private")
        await discord.until(lambda: app.heard == ["", "hello in private"])


async def test_an_intent_that_is_not_switched_on_is_refused(discord, general):
    discord.gateway_server.allowed.discard("members")
    with pytest.raises(library.PrivilegedIntentsRequired):
        async with discord_app.running(discord):
            pass


async def test_an_unreachable_discord_is_resumed_when_it_is_back(app, discord, general, ada):
    await discord.go_away()
    with pytest.raises(aiohttp.ClientError):
        await app.get_channel(general.id).send("hello")
    discord.say(ada, general, "meanwhile")
    await discord.come_back()
    await discord.until(lambda: app.heard == ["meanwhile"], within=20)
    assert discord.gateway_server.identifies == 1


async def test_servers_that_come_and_go_are_told_of(app, discord, general):
    other = discord.guild("Other Club")
    await discord.until(lambda: app.heard == ["joined Other Club"])
    discord.remove_bot(other)
    await discord.until(lambda: app.heard[1:] == ["left Other Club"])
    discord.outage(general.guild)
    await discord.until(lambda: app.get_guild(general.guild.id).unavailable)
    discord.outage(general.guild, over=True)
    await discord.until(lambda: not app.get_guild(general.guild.id).unavailable)
    assert app.heard[2:] == []


async def test_what_never_happens_is_said(discord):
    with pytest.raises(NeverHappened, match="the moon"):
        await discord.until(lambda: False, within=0.01, what="the moon")
