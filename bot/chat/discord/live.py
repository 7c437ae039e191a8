"""Tries the bot at the Discord that the settings name: logs in, looks round, says one thing."""

import asyncio
import logging
import secrets
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import discord
import yarl

from bot.chat.discord import invite
from bot.chat.discord.commands import payload
from bot.chat.discord.sending import Sending
from bot.chat.finding import Finding, printable
from bot.config import DiscordSettings
from bot.kit.command import Retry
from bot.kit.feature import Feature, commands_of
from bot.kit.files import FileStore
from bot.kit.message import Message, Place
from bot.kit.outbox import Undeliverable

_PORTAL = "https://discord.com/developers/applications"
_BAD_TOKEN, _INTENT_OFF = 4004, 4014  # Discord's numbers
_WAIT = 40  # seconds to come up; discord.py itself tries again for half a minute
_UNKNOWN_APPLICATION_SERVER = {10004, 50001}


class _Away(Exception):  # noqa: N818 - a fact about Discord, not an error of ours
    """Discord could not be reached, or did not let the bot in; the words say which and what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.finding = Finding(False, f"Discord: {what}", fix)


async def live(
    settings: DiscordSettings, features: Mapping[str, Feature], hello: Message, *, to: str = ""
) -> AsyncIterator[Finding]:
    """Log in, say where the bot is and what it lacks, register the commands, and greet *to*.

    Writes nothing else, neither there nor here.
    """
    try:
        async with _connected(settings) as (client, told_of_members):
            yield Finding(True, f"Discord: logged in as {printable(str(client.user))}")
            yield Finding(
                told_of_members,
                "Discord: the intent Server Members is on"
                if told_of_members
                else "Discord: the intent Server Members is off, so the bot is not told who leaves",
                f"turn it on at {_PORTAL}: your application, Bot, Privileged Gateway Intents",
            )
            for finding in _servers(client):
                yield finding
            yield await _commands(client, features, settings.test_server)
            yield await _greeting(client, hello, to)
    except _Away as away:
        yield away.finding


@asynccontextmanager
async def _connected(settings: DiscordSettings) -> AsyncIterator[tuple[discord.Client, bool]]:
    """A client that is logged in and knows its servers, and whether it is told of members."""
    assert settings.token is not None
    logging.getLogger("discord").setLevel(logging.CRITICAL)  # what is wrong is said in our words
    # discord.py keeps these for the whole process: there is one bot in it.
    discord.http.Route.BASE = settings.api_base.rstrip("/")
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.gateway)
    token = settings.token.get_secret_value()
    for members in (True, False):
        client = _client(members=members)
        try:
            if await _came_up(client, token):
                yield client, members
                return
        finally:
            await client.close()
            await asyncio.sleep(0)  # for the events that discord.py told of while it closed
    raise _Away("refuses what the bot wants to be told of", "tell whoever makes the bot")


def _client(*, members: bool) -> discord.Client:
    return discord.Client(
        intents=discord.Intents(guilds=True, members=members),
        allowed_mentions=discord.AllowedMentions.none(),
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
        guild_ready_timeout=0.5,
        max_ratelimit_timeout=30.0,
    )


async def _came_up(client: discord.Client, token: str) -> bool:
    """Whether it is ready; False where Discord does not tell this bot of members.

    Raises:
        _Away: It is neither.
    """
    try:
        async with asyncio.timeout(_WAIT):
            await client.login(token)
            await _connected_to(client)
    except (discord.LoginFailure, ValueError) as error:
        raise _refused() from error
    except discord.ConnectionClosed as error:
        if error.code == _INTENT_OFF:
            return False
        if error.code == _BAD_TOKEN:
            raise _refused() from error
        raise _Away(f"closed the connection with {error.code}", "try again later") from error
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise _Away(
            f"cannot be reached: {type(error).__name__}",
            f"can this machine reach {discord.http.Route.BASE} and BOOKWIZ_DISCORD__GATEWAY? Else"
            " try again later: https://discordstatus.com",
        ) from error
    return True


async def _connected_to(client: discord.Client) -> None:
    """Come back when it knows its servers, and leave it connected."""
    connection = asyncio.create_task(client.connect(reconnect=False))
    ready = asyncio.create_task(client.wait_until_ready())
    try:
        await asyncio.wait({connection, ready}, return_when=asyncio.FIRST_COMPLETED)
        if connection.done():
            await connection
            raise discord.GatewayNotFound
    finally:
        ready.cancel()


def _refused() -> _Away:
    return _Away(
        "refuses the bot's token",
        f"at {_PORTAL} choose your application, Bot, Reset Token, and copy it whole into"
        " BOOKWIZ_DISCORD__TOKEN",
    )


def _servers(client: discord.Client) -> list[Finding]:
    link = invite.link(client.application_id or 0)
    found = []
    for guild in sorted(client.guilds, key=lambda g: g.name or ""):
        where = (
            f"Discord: in {printable(guild.name or '(a server that does not answer)')} ({guild.id})"
        )
        if guild.unavailable:
            found.append(Finding(False, f"{where}, which Discord cannot show just now", "wait"))
            continue
        missing = invite.lacking(guild.me.guild_permissions)
        found.append(
            Finding(
                not missing,
                f"{where}, without the permissions {', '.join(missing)}"
                if missing
                else f"{where}, with every permission it needs",
                f"open {link} and choose that server again, or Server Settings, Roles, the bot's role",
            )
        )
    return found or [Finding(False, "Discord: in no server yet", f"invite it: {link}")]


async def _commands(
    client: discord.Client, features: Mapping[str, Feature], server: int | None
) -> Finding:
    ours: list[Any] = payload(commands_of(features), features)
    assert client.application_id is not None
    try:
        if server is None:
            await client.http.bulk_upsert_global_commands(client.application_id, ours)
        else:
            await client.http.bulk_upsert_guild_commands(client.application_id, server, ours)
    except discord.HTTPException as error:
        if server is not None and error.code in _UNKNOWN_APPLICATION_SERVER:
            return Finding(
                False,
                f"Discord: the bot is not in BOOKWIZ_DISCORD__TEST_SERVER {server}",
                "invite it there, or leave the setting empty",
            )
        said = printable(error.text)
        return Finding(
            False,
            f"Discord: refuses the commands: {error.status} {said}",
            "tell whoever makes the bot",
        )
    except (aiohttp.ClientError, OSError) as error:
        return Finding(
            False, f"Discord: no answer about the commands: {type(error).__name__}", "try again"
        )
    where = "everywhere" if server is None else f"in server {server} alone"
    return Finding(True, f"Discord: {len(ours)} commands are registered {where}")


async def _greeting(client: discord.Client, hello: Message, to: str) -> Finding:
    if not to:
        return Finding(
            True,
            "Discord: no private message was tried",
            "give --to YOUR-ID: Discord, User Settings, Advanced, Developer Mode; then right-click"
            " your name, Copy User ID",
            left_out=True,
        )
    place = Place(platform="discord", channel=f"@{to}", private_to=to)
    with tempfile.TemporaryDirectory() as nothing_in_it:
        sending = Sending(lambda: client, FileStore(Path(nothing_in_it), cap=0))
        try:
            await sending.send(place, hello, key=secrets.token_hex(8))
        except (Undeliverable, Retry) as error:
            return _unsaid(to, str(error))
        except discord.HTTPException as error:
            return _unsaid(to, printable(error.text))
    return Finding(True, f"Discord: a private message went to {to}: look whether it is there")


def _unsaid(to: str, why: str) -> Finding:
    return Finding(
        False,
        f"Discord: no private message went to {to}: {why}",
        "is that your user id, are you in a server with the bot, and does that server's Privacy"
        " Settings allow direct messages?",
    )
