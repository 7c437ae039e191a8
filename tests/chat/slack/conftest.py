"""A bot that is on a Slack on loopback: moira administers the workspace, ada is a member."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.chat.local.api import LocalApi
from bot.chat.slack.adapter import SlackChat
from bot.chat.slack.manifest import EVENTS, SCOPES
from bot.config import SlackSettings
from bot.kit.message import Message, Place, Text
from bot.web.server import WebServer
from tests.fakes.slack.fixtures import slack_fake  # noqa: F401 - a fixture


@dataclass
class Workspace:
    """The Slack, the bot on it, and what tests say of both."""

    fake: Any
    bot: Any
    chat: SlackChat
    url: str  #: of the bot's web server

    def __post_init__(self):
        self.moira = self.fake.person("Moira", admin=True)
        self.ada = self.fake.person("Ada")
        self.general = self.fake.channel("general")

    async def answered(self, deed, *, within=5):
        """The message that answers *deed*, wherever it came."""
        before = {id(m) for m in self.fake.messages}
        end = time.monotonic() + within
        while time.monotonic() < end:
            if deed.replies:
                return deed.replies[0]
            await self.bot.courier.round()
            new = [m for m in self.fake.messages if id(m) not in before and m.by_app]
            if new:
                return new[-1]
            await asyncio.sleep(0.01)
        raise AssertionError(f"no answer to {deed.name}")

    async def put(self, place, words="Hello", *, key="k"):
        """Have the outbox say *words* there."""
        await self.bot.core.post(place, said(words), key=key)

    def place(self, channel=None, **more):
        return Place(platform="slack", channel=(channel or self.general).id, **more)


def said(words, **more):
    return Message(blocks=(Text(markdown=words),), **more)


@pytest.fixture
def database_url(tmp_path):
    """What is of Slack is the same on both databases; those are tried apart."""
    return f"sqlite+aiosqlite:///{tmp_path}/bookwiz.db"


@pytest.fixture
def way():
    """How what people do reaches the bot: ``socket`` or ``http``."""
    return "socket"


@pytest.fixture
async def workspace(bot, slack_fake, way):  # noqa: F811 - fixtures
    as_the_manifest_asks(slack_fake)
    settings = settings_of(slack_fake) if way == "socket" else by_http(slack_fake)
    chat = SlackChat(bot.core, settings)
    bot.courier.chats["slack"] = chat
    async with served(bot, chat) as url:
        await chat.start()
        if way == "socket":
            await slack_fake.sockets.connected()
        else:
            slack_fake.by_http(f"{url}/slack/events")
        yield Workspace(slack_fake, bot, chat, url)
        await chat.stop()


@asynccontextmanager
async def served(bot, chat):
    """The bot's own web server with *chat* on it, beside the local chat. Gives its address."""
    parts, troubles = [LocalApi(bot.chat), chat], bot.core.services.troubles
    web = WebServer("127.0.0.1", 0, database=bot.database, parts=parts, troubles=troubles)
    await web.start()
    yield web.url
    await web.stop()


def as_the_manifest_asks(fake):
    """The app may and hears what its manifest asks for, and no more."""
    fake.team.token.scopes = set(SCOPES)
    fake.subscriptions = set(EVENTS)


def settings_of(fake, **more):
    return SlackSettings(
        **{
            "bot_token": fake.bot_token,
            "app_token": fake.app_token.value,
            "api_base": fake.api_base,
            "file_host": fake.file_host,
        }
        | more
    )


def by_http(fake, **more):
    secret = {"app_token": None, "signing_secret": fake.signing_secret}
    return settings_of(fake, **secret, **more)
