"""The JSON API of the local chat. What the page can do, every program on this machine can."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import ValidationError

from bot.chat.local import archive
from bot.chat.local.adapter import LocalChat, stamp
from bot.chat.local.files import LocalFiles, refused
from bot.chat.local.guard import guarded, refuse
from bot.chat.local.markup import blocks_for_page
from bot.chat.local.posted import Posted
from bot.chat.local.requests import (
    Joining,
    NewChannel,
    Saying,
    Suggesting,
    handle_of,
    number,
    required,
)
from bot.chat.local.streams import Event
from bot.chat.local.typed import described, invocation_of, uploads_of
from bot.community.members import the_community
from bot.kit.command import Refusal
from bot.kit.message import Place

_PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".html": "text/html",
    ".svg": "image/svg+xml",
}
_OVERLAP = timedelta(seconds=5)  # a change may be told before it is seen to be committed
_BEAT_SECONDS = 15.0


class LocalApi:
    """Everything the local chat shows over HTTP; a part of the web server."""

    def __init__(self, chat: LocalChat, *, beat_seconds: float = _BEAT_SECONDS) -> None:
        self._chat, self._core, self._beat = chat, chat.core, beat_seconds
        self._files = LocalFiles(chat.core.services.files)
        self._assets = {path.name: path for path in _PAGE.iterdir() if path.suffix in _TYPES}

    def routes(self) -> list[web.AbstractRouteDef]:
        get = {
            "/": self.page,
            "/chat/{name}": self.asset,
            "/api/community": self.community,
            "/api/people": self.people,
            "/api/channels": self.channels,
            "/api/messages": self.messages,
            "/api/messages/by-key": self.by_key,
            "/api/commands": self.commands,
            "/api/events": self.events,
        }
        post = {
            "/api/people": self.join,
            "/api/channels": self.add_channel,
            "/api/say": self.say,
            "/api/suggest": self.suggest,
        }
        return [
            *(web.get(path, self._spoken(run), allow_head=False) for path, run in get.items()),
            *(web.post(path, self._spoken(run)) for path, run in post.items()),
            *self._files.routes(),
        ]

    def _spoken(self, run: Handler) -> Handler:
        """Guard *run*, and say what is wrong with a request instead of failing."""

        async def speak(request: web.Request) -> web.StreamResponse:
            try:
                return await run(request)
            except Refusal as refusal:
                return refused(refusal)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                words = first["msg"].removeprefix("Value error, ")
                where = ".".join(map(str, first["loc"])) or "the request"
                return refuse(400, f"{where}: {words}.", "E_REQUEST")

        return guarded(speak)

    async def page(self, _request: web.Request) -> web.StreamResponse:
        return self._asset("index.html")

    async def asset(self, request: web.Request) -> web.StreamResponse:
        return self._asset(request.match_info["name"])

    async def community(self, _request: web.Request) -> web.StreamResponse:
        async with self._core.database.read() as session:
            name = (await the_community(session)).name
        return web.json_response({"name": name, "upload_bytes": self._core.services.files.cap})

    async def people(self, _request: web.Request) -> web.StreamResponse:
        async with self._core.database.read() as session:
            found = await archive.people(session)
        return web.json_response([somebody.as_json() for somebody in found])

    async def join(self, request: web.Request) -> web.StreamResponse:
        joining = Joining.model_validate_json(await request.read())
        async with self._core.database.write() as session:
            known = await archive.somebody(session, joining.handle)
            await self._core.services.people.account(
                session, platform="local", handle=joining.handle, name=joining.name
            )
            found = await archive.somebody(session, joining.handle)
        assert found is not None
        return web.json_response(found.as_json(), status=200 if known else 201)

    async def channels(self, request: web.Request) -> web.StreamResponse:
        async with self._core.database.read() as session:
            found = await archive.channels(session, request.query.get("as", ""))
        return web.json_response(found)

    async def add_channel(self, request: web.Request) -> web.StreamResponse:
        new = NewChannel.model_validate_json(await request.read())
        if not await self._chat.add_channel(new.name, new.topic):
            return refuse(409, f"There is a channel {new.name} already.", "E_CHANNEL")
        return web.json_response(new.model_dump(), status=201)

    async def messages(self, request: web.Request) -> web.StreamResponse:
        handle, query = handle_of(request), request.query
        thread = number(request, "thread")
        span = archive.Span(
            channel=required(request, "channel"),
            thread=str(thread) if thread else None,
            after=number(request, "after"),
            before=number(request, "before"),
            whispers=self._chat.whispers(handle) if "before" not in query else [],
        )
        async with self._core.database.read() as session:
            posted, more = await archive.history(session, handle, span)
            shown = await self._as_json(session, posted)
        return web.json_response({"messages": shown, "more": more})

    async def by_key(self, request: web.Request) -> web.StreamResponse:
        """The message of an outbox key; ``pending`` as long as the outbox wants it changed."""
        handle, key = handle_of(request), required(request, "key")
        async with self._core.database.read() as session:
            posted, wanted = await archive.by_key(session, handle, key)
            if wanted is not None and wanted.error:
                return refuse(
                    410, f"The message could not be delivered: {wanted.error}", "E_GAVE_UP"
                )
            if posted is None:
                return refuse(404, "That message is not there yet.", "E_NOT_YET")
            [shown] = await self._as_json(session, [posted])
        if wanted is not None and wanted.waiting:
            shown["pending"] = True
        return web.json_response(shown)

    async def say(self, request: web.Request) -> web.StreamResponse:
        saying = Saying.model_validate_json(await request.read())
        uploads = uploads_of(saying, self._core.services.files)
        place = await self._place(saying)
        name = await self._name(saying.handle)
        if not saying.command and not saying.text.startswith("/"):
            if not saying.text.strip() and not uploads:
                return refuse(400, "There is nothing to say.", "E_EMPTY")
            spoken = await self._chat.speak(saying.handle, name, place, saying.text, uploads)
            return web.json_response({"id": spoken.id, "refused": False, "code": "", "follow": []})
        invocation, echo = invocation_of(saying, name, place, uploads, self._core.services.commands)
        answer, posted = await self._chat.carry_out(invocation, echo="" if saying.pressed else echo)
        return web.json_response(
            {
                "id": posted and posted.id,
                "message": answer.message and answer.message.model_dump(mode="json"),
                "blocks": blocks_for_page(answer.message) if answer.message else [],
                "form": answer.form and answer.form.model_dump(mode="json"),
                "refused": answer.refused,
                "code": answer.code,
                "follow": list(answer.follow),
            }
        )

    async def suggest(self, request: web.Request) -> web.StreamResponse:
        asked = Suggesting.model_validate_json(await request.read())
        place = Place(platform="local", channel=asked.channel)
        invocation = asked.invocation(await self._name(asked.handle), place)
        found = await self._core.suggest(invocation, asked.argument, asked.text)
        return web.json_response([{"value": c.value, "label": c.label} for c in found])

    async def commands(self, request: web.Request) -> web.StreamResponse:
        async with self._core.database.read() as session:
            somebody = await archive.somebody(session, handle_of(request))
        return web.json_response(described(self._core.services.commands, somebody))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events. With Last-Event-ID, first what happened since, from the tables."""
        handle = handle_of(request)
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        response.content_type = "text/event-stream"
        with self._chat.streams.opened(handle) as stream:
            await response.prepare(request)
            with suppress(ConnectionError):  # the page was closed
                now = stamp(self._core.services.clock.now())
                await response.write(_written(Event("hello", {}, now)))
                for event in await self._missed(request, handle):
                    await response.write(_written(event))
                async for news in stream.events(self._beat):
                    await response.write(b": still here\n\n" if news is None else _written(news))
        return response

    async def _missed(self, request: web.Request, handle: str) -> list[Event]:
        last = request.headers.get("Last-Event-ID") or request.query.get("since", "")
        try:
            since = datetime.fromisoformat(last) - _OVERLAP
        except ValueError:
            return []
        if since.tzinfo is None:
            return []
        async with self._core.database.read() as session:
            posted = await archive.missed(session, handle, since)
            if posted is None:
                return [Event("reload", {})]
            posted += [w for w in self._chat.whispers(handle) if w.at >= since]
            shown = await self._as_json(session, posted)
        return [
            Event("edit" if p.edited_at else "message", data, stamp(p.changed_at))
            for p, data in sorted(
                zip(posted, shown, strict=True), key=lambda pair: pair[0].changed_at
            )
        ]

    async def _as_json(self, session: Any, posted: list[Posted]) -> list[dict[str, Any]]:
        names = await archive.names_of(session, {p.author for p in posted if p.author})
        return [p.as_json(names) for p in posted]

    async def _name(self, handle: str) -> str:
        """How the account is called; somebody unknown joins with their first line."""
        async with self._core.database.read() as session:
            found = await archive.somebody(session, handle)
        return found.name if found else handle.title()

    async def _place(self, saying: Saying) -> Place:
        own = f"@{saying.handle}"
        if saying.channel.startswith("@") and saying.channel != own:
            raise Refusal("That is somebody else's channel.", code="E_CHANNEL")
        async with self._core.database.read() as session:
            known = {c["name"] for c in await archive.channels(session, saying.handle)}
            if saying.channel not in known:
                raise Refusal(
                    f"There is no channel {saying.channel}.",
                    code="E_CHANNEL",
                    expected=", ".join(sorted(known)),
                )
            if saying.thread and not await archive.is_root(
                session, saying.handle, saying.channel, saying.thread
            ):
                raise Refusal("The message of that thread is gone.", code="E_THREAD")
        return Place(
            platform="local",
            channel=saying.channel,
            thread=saying.thread,
            private_to=saying.handle if saying.channel == own else None,
            public=saying.channel != own,
        )

    def _asset(self, name: str) -> web.StreamResponse:
        path = self._assets.get(name)
        if path is None:
            return refuse(404, "There is no such page.", "E_NO_PAGE")
        kind = f"{_TYPES[path.suffix]}; charset=utf-8"
        return web.FileResponse(path, headers={"Content-Type": kind, "Cache-Control": "no-cache"})


def _written(event: Event) -> bytes:
    head = f"id: {event.at}\n" if event.at else ""
    return f"{head}event: {event.kind}\ndata: {json.dumps(event.data)}\n\n".encode()
