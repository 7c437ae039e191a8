"""Slack as a world: the real slack-bolt and slack_sdk, against a Slack on loopback."""

import asyncio
from typing import Any

from bot.chat.slack.adapter import SlackChat
from bot.chat.slack.manifest import EVENTS, SCOPES
from bot.config import SlackSettings
from bot.web.server import WebServer
from tests.conformance.world import Heard, World, words_of
from tests.fakes.slack import SlackFake


class SlackWorld(World):
    platform = "slack"

    async def start(self) -> None:
        self.fake = await SlackFake().start()
        self.fake.team.token.scopes, self.fake.subscriptions = set(SCOPES), set(EVENTS)
        self.people = {
            name: self.fake.person(name.title(), admin=name == "moira")
            for name in ("moira", "ada", "bob")
        }
        self.channels = {name: self.fake.channel(name) for name in ("general", "results")}
        settings = SlackSettings(
            bot_token=self.fake.bot_token,
            api_base=self.fake.api_base,
            file_host=self.fake.file_host,
            **self._way_in(),
        )
        self.bot.courier.chats["slack"] = self.chat = SlackChat(self.core, settings)
        await self.chat.start()
        await self._reach()
        self.heard: set[Any] = set()
        await self.say("moira", "bookwiz ping")

    def _way_in(self) -> dict[str, str]:
        return {"app_token": self.fake.app_token.value}

    async def _reach(self) -> None:
        await self.fake.sockets.connected()

    async def stop(self) -> None:
        await self.chat.stop()
        await self.fake.stop()

    def names(self) -> dict[str, str]:
        return {
            **{p.id: name for name, p in self.people.items()},
            **{f"…{p.id[-4:]}": name for name, p in self.people.items()},
            **{c.id: name for name, c in self.channels.items()},
        }

    async def say(
        self,
        who: str,
        command: str,
        *,
        attach: dict[str, tuple[str, bytes]] | None = None,
        **values: str,
    ) -> Heard:
        group, _, action = command.partition(" ")
        declared = self.core.services.commands[command]
        person, channel = self.people[who], self.channels["general"]
        if declared.opens_form or attach:
            deed = await self.fake.slash(person, channel, f"/{group}", action)
            view = await deed.opened()
            sent = await self._submit(person, view, declared, values, attach or {})
            await sent.acked()
            assert not sent.errors, sent.errors
        else:
            typed = " ".join(f'{n}:"{self._typed(declared, n, v)}"' for n, v in values.items())
            deed = await self.fake.slash(person, channel, f"/{group}", f"{action} {typed}")
        await deed.acked()
        return await self._answer(deed)

    def _typed(self, declared: Any, name: str, value: str) -> str:
        kind = declared.arguments[name].type.__name__
        return {"Person": f"@{value}", "Channel": f"#{value}"}.get(kind, value)

    async def _submit(
        self, person: Any, view: Any, declared: Any, values: dict[str, str], attach: Any
    ) -> Any:
        for name, value in values.items():
            if declared.arguments[name].arg.complete is not None:
                asked = await self.fake.suggest(person, view, name, value)
                await asked.acked()
            if value:
                self.fake.fill(view, name, value)
        files = {n: [self.fake.file(f, data, person=person)] for n, (f, data) in attach.items()}
        return await self.fake.submit_view(person, view, {}, files)

    async def _answer(self, deed: Any) -> Heard:
        async with asyncio.timeout(5):
            while True:
                if deed.replies:
                    said = deed.replies[0]
                    break
                await self.deliver()
                new = [m for m in self.fake.messages if _is_answer(m) and m not in self.heard]
                if new:
                    [said] = new
                    break
                await asyncio.sleep(0.01)
        self.heard.add(said)
        await self.deliver()
        private = said.ephemeral or bool(said.channel.dm_with)
        words = "\n".join([said.words, *_beside_words(said.blocks)])
        return Heard(words_of(words), tuple(said.buttons), private, words)


class SlackByHttp(SlackWorld):
    """The same, where Slack sends what people do by signed HTTP."""

    def _way_in(self) -> dict[str, str]:
        return {"signing_secret": self.fake.signing_secret}

    async def _reach(self) -> None:
        parts, troubles = [self.chat], self.core.services.troubles
        database = self.core.database
        self.web = WebServer("127.0.0.1", 0, database=database, parts=parts, troubles=troubles)
        await self.web.start()
        self.fake.by_http(f"{self.web.url}/slack/events")

    async def stop(self) -> None:
        await self.web.stop()
        await super().stop()


def _is_answer(message: Any) -> bool:
    key = ((message.metadata or {}).get("event_payload") or {}).get("key", "")
    return bool(key.startswith("answer:"))


def _beside_words(node: Any) -> list[str]:
    """What is read beside texts: channels, by their names, and what pictures show."""
    if isinstance(node, list):
        return [found for part in node for found in _beside_words(part)]
    if not isinstance(node, dict):
        return []
    own = [node[name] for name in ("channel_id", "alt_text") if name in node]
    return own + [found for part in node.values() for found in _beside_words(part)]
