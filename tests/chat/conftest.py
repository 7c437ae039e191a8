"""A running local chat on a free loopback port, with a feature that shows all it can do."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

import bot.app
from bot.chat.local.adapter import LocalChat
from bot.chat.local.api import LocalApi
from bot.features import guide
from bot.web.server import WebServer
from tests.chat import trial


@dataclass
class Town:
    """The server and a client that behaves like the page."""

    bot: Any
    chat: LocalChat
    web: WebServer
    client: aiohttp.ClientSession
    url: str = field(init=False)

    def __post_init__(self):
        self.url = self.web.url

    async def get(self, path, status=200, **query):
        async with self.client.get(self.url + path, params=query) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def post(self, path, status=200, **body):
        async with self.client.post(self.url + path, json=body) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def say(self, who, text="", status=200, **more):
        said = await self.post(
            "/api/say", status=status, **{"as": who, "channel": "general", "text": text, **more}
        )
        await self.bot.courier.round()
        return said

    async def upload(self, name, data, status=200):
        async with self.client.post(
            f"{self.url}/api/uploads", params={"name": name}, data=data, headers={"X-Bookwiz": "1"}
        ) as response:
            assert response.status == status, await response.text()
            return await response.json()

    async def seen(self, who, channel="general", **more):
        """The words of all messages that *who* sees there."""
        from bot.kit.message import Message

        found = await self.get("/api/messages", **{"as": who, "channel": channel, **more})
        return [
            Message.model_validate(m["message"]).plain().replace("\\", "")
            for m in found["messages"]
        ]


@pytest.fixture
def _trial(monkeypatch):
    few = {"guide": guide.feature, "trial": trial.feature}
    monkeypatch.setattr(bot.app, "discover", lambda: few)


@pytest.fixture
async def town(_trial, bot) -> AsyncIterator[Town]:
    """The local chat of a community of three: moira (admin), ada and bob."""
    chat = LocalChat(bot.core)
    bot.courier.chats["local"] = chat
    web = WebServer(
        "127.0.0.1",
        0,
        database=bot.database,
        parts=[LocalApi(chat, beat_seconds=0.3), bot.metrics],
        troubles=bot.core.services.troubles,
    )
    async with bot.core.work("tests") as work:
        for handle, name in (("moira", "Moira"), ("ada", "Ada Lovelace"), ("bob", "Bob")):
            await bot.core.services.people.account(
                work.session, platform="local", handle=handle, name=name
            )
    await web.start()
    await chat.start(web.url)
    async with aiohttp.ClientSession() as client:
        yield Town(bot, chat, web, client)
    await chat.stop()
    await web.stop()
