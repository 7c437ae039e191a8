"""Discord as a world: the real discord.py, against a Discord on loopback."""

import asyncio
from typing import Any

from bot.chat.discord.adapter import DiscordChat
from bot.config import DiscordSettings
from tests.conformance.world import Heard, World, words_of
from tests.fakes.discord import DiscordFake


class DiscordWorld(World):
    platform = "discord"

    async def start(self) -> None:
        self.fake = await DiscordFake().start()
        self.server = self.fake.guild("Book Club")
        self.people = {
            name: self.fake.member(self.server, name.title(), admin=name == "moira")
            for name in ("moira", "ada", "bob")
        }
        self.channels = {
            name: self.fake.channel(self.server, name) for name in ("general", "results")
        }
        settings = DiscordSettings(
            token=self.fake.token, api_base=self.fake.api_base, gateway=self.fake.gateway
        )
        self.bot.courier.chats["discord"] = self.chat = DiscordChat(self.core, settings)
        await self.chat.start()
        await self.fake.gateway_server.ready()
        await self.say("moira", "bookwiz ping")

    async def stop(self) -> None:
        await self.chat.stop()
        await self.fake.stop()
        assert self.fake.unknown_requests == []
        assert self.fake.violations == []

    def names(self) -> dict[str, str]:
        return {
            **{str(p.id): name for name, p in self.people.items()},
            **{f"…{str(p.id)[-4:]}": name for name, p in self.people.items()},
            **{str(c.id): name for name, c in self.channels.items()},
        }

    async def say(
        self,
        who: str,
        command: str,
        *,
        attach: dict[str, tuple[str, bytes]] | None = None,
        **values: str,
    ) -> Heard:
        declared = self.core.services.commands[command]
        person, channel = self.people[who], self.channels["general"]
        given = {n: self._chosen(declared, n, v) for n, v in values.items() if v}
        given |= {n: self.fake.file(*file) for n, file in (attach or {}).items()}
        asks = declared.opens_form and not attach
        deed = await self.fake.command(person, channel, f"/{command}", {} if asks else given)
        if asks:
            deed = await self._fill_in(person, deed, given)
        return await self._answer(deed)

    async def _fill_in(self, person: Any, deed: Any, given: dict[str, Any]) -> Any:
        """Fill the form in, page after page; gives what the last one came to."""
        while True:
            modal = await deed.opened()
            asked = {part["component"]["custom_id"] for part in modal.components}
            here = {
                n: str(v) if isinstance(v, int | float) else v
                for n, v in given.items()
                if n in asked
            }
            deed = await self.fake.submit(person, modal, here)
            said = await deed.replied()
            if "Go on" not in said.buttons:
                return deed
            deed = await self.fake.press(person, said, "Go on")

    def _chosen(self, declared: Any, name: str, value: str) -> Any:
        match declared.arguments[name].type.__name__:
            case "Person":
                return self.people[value]
            case "Channel":
                return self.channels[value]
            case "int":
                return int(value)
            case "float":
                return float(value)
            case "bool":
                return value == "yes"
        return value

    async def _answer(self, deed: Any) -> Heard:
        async with asyncio.timeout(5):
            said = await deed.replied()
        await self.deliver()
        private = said.ephemeral
        words = "\n".join([said.text, *_beside_words(said.components)])
        return Heard(words_of(words), tuple(said.buttons), private, words)


def _beside_words(node: Any) -> list[str]:
    """What is read beside texts: what pictures show."""
    if isinstance(node, list):
        return [found for part in node for found in _beside_words(part)]
    if not isinstance(node, dict):
        return []
    own = [node["description"]] if node.get("description") else []
    return own + [found for part in node.values() for found in _beside_words(part)]
