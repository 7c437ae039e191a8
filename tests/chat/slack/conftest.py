"""A bot that is on a Slack on loopback: moira administers the workspace, ada is a member."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import pytest

from bot.chat.slack.adapter import SlackChat
from bot.chat.slack.manifest import EVENTS, SCOPES
from bot.config import SlackSettings
from bot.kit.message import Message, Place, Text
from tests.fakes.slack.fixtures import slack_fake  # noqa: F401 - a fixture


@dataclass
class Workspace:
    """The Slack, the bot on it, and what tests say of both."""

    fake: Any
    bot: Any
    chat: SlackChat

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
async def workspace(bot, slack_fake):  # noqa: F811 - fixtures
    as_the_manifest_asks(slack_fake)
    chat = SlackChat(bot.core, settings_of(slack_fake))
    bot.courier.chats["slack"] = chat
    await chat.start()
    await slack_fake.sockets.connected()
    yield Workspace(slack_fake, bot, chat)
    await chat.stop()


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
