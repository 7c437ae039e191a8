"""The local chat as a world: its JSON API over HTTP, as the page and ``say`` speak it."""

from typing import Any

import aiohttp

from bot.chat.local.adapter import LocalChat
from bot.chat.local.api import LocalApi
from bot.kit.message import Message
from bot.web.server import WebServer
from tests.conformance.world import Heard, World, of_message


class LocalWorld(World):
    platform = "local"

    async def start(self) -> None:
        chat = LocalChat(self.core)
        self.bot.courier.chats["local"] = self.chat = chat
        self.web = WebServer(
            "127.0.0.1",
            0,
            database=self.bot.database,
            parts=[LocalApi(chat)],
            troubles=self.core.services.troubles,
        )
        await self.web.start()
        await chat.start(self.web.url)
        self.client = aiohttp.ClientSession()
        await self.say("moira", "bookwiz ping")

    async def stop(self) -> None:
        await self.client.close()
        await self.chat.stop()
        await self.web.stop()

    async def say(
        self,
        who: str,
        command: str,
        *,
        attach: dict[str, tuple[str, bytes]] | None = None,
        **values: str,
    ) -> Heard:
        await self._post("/api/people", {"handle": who, "name": who.title()}, statuses={200, 201})
        uploads = [await self._upload(*file) for file in (attach or {}).values()]
        asked: dict[str, Any] = {"as": who, "channel": "general", "uploads": uploads}
        if self.core.services.commands[command].opens_form:
            form = (await self._post("/api/say", asked | {"uploads": [], "text": f"/{command}"}))[
                "form"
            ]
            fields = {f["name"] for f in form["fields"]}
            assert fields >= values.keys()
            asked |= {"command": form["command"], "values": values, "submitted": True}
        else:
            line = " ".join(f'{name}:"{value}"' for name, value in values.items())
            asked |= {"text": f"/{command} {line}"}
        said = await self._post("/api/say", asked)
        assert said["message"] is not None, said
        assert not said["refused"], said["message"]
        await self.deliver()
        return of_message(Message.model_validate(said["message"]))

    async def _upload(self, name: str, data: bytes) -> Any:
        async with self.client.post(
            f"{self.web.url}/api/uploads",
            params={"name": name},
            data=data,
            headers={"X-Bookwiz": "1"},
        ) as response:
            return await response.json()

    async def _post(
        self, path: str, body: Any, *, statuses: frozenset[int] | set[int] = frozenset({200})
    ) -> Any:
        async with self.client.post(self.web.url + path, json=body) as response:
            assert response.status in statuses, await response.text()
            return await response.json()
