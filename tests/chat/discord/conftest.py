"""A bot that is on a Discord on loopback: moira administers the server, ada is a member."""

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from bot.chat.discord.adapter import DiscordChat
from bot.config import DiscordSettings
from bot.kit.message import Message, Place, Text
from tests.fakes.discord.fixtures import discord  # noqa: F401 - a fixture


@dataclass
class Server:
    """The Discord, the bot on it, and what tests say of both."""

    fake: Any
    bot: Any
    guild: Any
    chat: Any = None

    def __post_init__(self):
        self.moira = self.fake.member(self.guild, "Moira", admin=True)
        self.ada = self.fake.member(self.guild, "Ada")
        self.general = self.fake.channel(self.guild, "general")

    async def put(self, place, words="Hello", *, key="k"):
        """Have the outbox say *words* there."""
        await self.bot.core.post(place, said(words), key=key)

    def place(self, channel=None, **more):
        return Place(platform="discord", channel=str((channel or self.general).id), **more)

    def alone(self, member):
        """Where one member is told something."""
        return Place(platform="discord", channel=f"@{member.id}", private_to=str(member.id))

    async def until(self, true, *, within=5.0):
        """Deliver until *true* gives something true, and give that."""
        async with asyncio.timeout(within):
            while not (found := true()):
                await self.bot.courier.round()
                await asyncio.sleep(0.01)
        return found

    def from_bot(self, channel):
        return [m for m in channel.said if m.author.id == self.fake.app_id and not m.ephemeral]


def said(words, **more):
    return Message(blocks=(Text(markdown=words),), **more)


@pytest.fixture
def database_url(tmp_path):
    """What is of Discord is the same on both databases; those are tried apart."""
    return f"sqlite+aiosqlite:///{tmp_path}/bookwiz.db"


@pytest.fixture
async def server(bot, discord):  # noqa: F811 - fixtures
    made = Server(discord, bot, discord.guild("Book Club"))
    made.chat = chat = DiscordChat(bot.core, settings_of(discord))
    bot.courier.chats["discord"] = chat
    await chat.start()
    await discord.gateway_server.ready()
    yield made
    await chat.stop()


def settings_of(fake, **more):
    given = {"token": fake.token, "api_base": fake.api_base, "gateway": fake.gateway}
    return DiscordSettings(**given | more)
