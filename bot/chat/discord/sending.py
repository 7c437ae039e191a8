"""Says at Discord what the outbox holds: once, at Discord's pace, and where it cannot, why."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from http import HTTPStatus

import aiohttp
import discord
import structlog

from bot.chat.discord.cards import MOST_PARTS, Part, marker, nonce, parts
from bot.chat.discord.extras import calendar, rooms
from bot.chat.discord.markup import escaped
from bot.kit.blocks import words
from bot.kit.command import Retry
from bot.kit.files import FileStore
from bot.kit.gates import Gate
from bot.kit.message import File, Message, MessageRef, Place
from bot.kit.outbox import Undeliverable

_log = structlog.get_logger(__name__)
_SLACK = timedelta(seconds=30)  # clocks differ
_LOOKED_AT = 200  # messages since the first try
_PLAIN = 2_000
_THREAD_NAME = 90
_MOST_KNOWN = 10_000
_LATER = timedelta(seconds=5)
_REFUSED_FOR = timedelta(seconds=60)
_TOO_FAST = {40003, 20016, 20028, 20029, 20031}  # opening or writing too fast, in one place or all
NOBODY = discord.AllowedMentions.none()
_BAD_FORM, _UNKNOWN_CHANNEL, _UNKNOWN_MESSAGE, _THREAD_EXISTS = 50035, 10003, 10008, 160004
#: what Discord says when trying again is no use, and what that means to a moderator
_GONE = {
    _UNKNOWN_CHANNEL: "the channel is gone",
    10004: "the server is gone, or the bot was removed from it",
    _UNKNOWN_MESSAGE: "the message was deleted",
    10013: "that account is gone",
    20026: "Discord keeps the bot from writing to people first (quarantine)",
    40007: "the bot is banned there",
    50001: "the bot does not see the channel",
    50007: "that person takes no direct messages from the bot",
    50013: "the bot may not write there",
    50278: "that person shares no server with the bot",
    50083: "the thread is archived",
    160005: "the thread is locked",
}
Channel = discord.abc.Messageable


class Sending:
    """The kit's ``Sends`` on Discord."""

    def __init__(self, client: Callable[[], discord.Client], files: FileStore) -> None:
        """Prepare.

        Args:
            client: Gives the client that is connected now, or will be.
            files: Where pictures and files of messages are.
        """
        self._client, self._files = client, files
        self._gate = Gate(every=1.05, burst=4, now=time.monotonic)
        self._all = Gate(every=1 / 40, burst=10, now=time.monotonic)  # Discord takes 50 requests
        # Discord takes a bot that writes to many people first for spam, and silences it.
        self._openings = Gate(every=30, burst=8, now=time.monotonic)
        self._direct: OrderedDict[str, int] = OrderedDict()  # channels of direct messages

    async def send(
        self, place: Place, message: Message, *, key: str, since: datetime | None = None
    ) -> MessageRef:
        async with self._in_our_words():
            channel = await self._channel(place, since)
            self._pass(channel.id)
            there = await self._found(channel, key, since) if since else {}
            made = await self.made(message)
            for number, part in enumerate(made):
                if number not in there:
                    there[number] = await self._post(channel, place, part, key, number, message)
            event = await calendar.shown(self._client(), channel.id, "", message.occasion)
        # Also the parts of longer words that an earlier try said: the next edit removes them.
        ids = ",".join(str(there[number]) for number in sorted(there))
        room = None
        if place.room is not None:
            room = Place(platform="discord", channel=place.channel, thread=str(channel.id))
        return MessageRef(
            platform="discord", channel=str(channel.id), id=ids, room=room, occasion=event
        )

    async def edit(self, ref: MessageRef, message: Message) -> MessageRef:
        async with self._in_our_words():
            channel = self._client().get_partial_messageable(int(ref.channel))
            place = Place(platform="discord", channel=ref.channel)
            made = await self.made(message)
            ids = [int(i) for i in ref.id.split(",")]
            key = f"more:{ref.id}"
            for id_, part in zip(ids, made, strict=False):
                await self._change(channel.get_partial_message(id_), part, message)
            for id_ in ids[len(made) :]:
                await channel.get_partial_message(id_).delete()
            now = ids[: len(made)]
            for number in range(len(ids), len(made)):
                now.append(await self._post(channel, place, made[number], key, number, message))
            event = await calendar.shown(
                self._client(), int(ref.channel), ref.occasion, message.occasion
            )
        return ref.model_copy(update={"id": ",".join(map(str, now)), "occasion": event})

    async def made(self, message: Message) -> list[Part]:
        """*message* as cards: what does not fit into a few goes along as a file, whole."""
        made = parts(message, self._files)
        if len(made) <= MOST_PARTS:
            return made
        stored = await self._files.add(message.plain().encode())
        whole = File(sha256=stored.sha256, name="message.md", label="All of it: message.md")
        rest = parts(message.model_copy(update={"blocks": (whole,)}), self._files)
        return [*made[: MOST_PARTS - 1], rest[0]]

    def _pass(self, channel: int) -> None:
        if wait := self._all.enter(""):
            raise Retry(timedelta(seconds=wait), "fifty requests a second", unsent=True)
        if wait := self._gate.enter(str(channel)):
            raise Retry(
                timedelta(seconds=wait), "five messages in five seconds and channel", unsent=True
            )

    async def _channel(
        self, place: Place, since: datetime | None
    ) -> discord.PartialMessageable | discord.DMChannel:
        client = self._client()
        if client.http.token is None:
            raise Retry(_LATER, "not logged in at Discord", unsent=True, everywhere=True)
        if place.private_to is not None:
            return client.get_partial_messageable(await self._opened(place.private_to))
        if place.room is not None:
            return client.get_partial_messageable(await rooms.opened(client, place, since=since))
        return client.get_partial_messageable(int(place.thread or place.channel))

    async def _opened(self, handle: str) -> int:
        """The channel of direct messages with somebody."""
        if handle not in self._direct:
            if wait := self._openings.enter(""):
                raise Retry(timedelta(seconds=wait), "writing to many people at once", unsent=True)
            opened = await self._client().create_dm(discord.Object(int(handle)))
            self._direct[handle] = opened.id
            while len(self._direct) > _MOST_KNOWN:
                self._direct.popitem(last=False)
        return self._direct[handle]

    async def _post(
        self,
        channel: discord.PartialMessageable | discord.DMChannel,
        place: Place,
        part: Part,
        key: str,
        number: int,
        message: Message,
    ) -> int:
        try:
            return await self._say(channel, part, key, number, message)
        except discord.NotFound as error:
            if place.thread is None or error.code != _UNKNOWN_CHANNEL:
                raise
        await self._open_thread(place, message)
        return await self._say(channel, part, key, number, message)

    async def _say(
        self,
        channel: discord.PartialMessageable | discord.DMChannel,
        part: Part,
        key: str,
        number: int,
        message: Message,
    ) -> int:
        once = nonce(key, number)
        view = part.view(marker(key, number))
        try:
            with part.opened() as files:
                sent = await channel.send(view=view, files=files, nonce=once)
        except discord.HTTPException as error:
            if error.code != _BAD_FORM:
                raise
            _log.error("discord.card_refused", why=error.text[:500])
            sent = await channel.send(view=_plain(message).view(marker(key, number)), nonce=once)
        return sent.id

    async def _change(self, sent: discord.PartialMessage, part: Part, message: Message) -> None:
        try:
            with part.opened() as files:
                await sent.edit(view=part.view(), attachments=files, allowed_mentions=NOBODY)
        except discord.HTTPException as error:
            if error.code != _BAD_FORM:
                raise
            _log.error("discord.card_refused", why=error.text[:500])
            view = _plain(message).view()
            await sent.edit(view=view, attachments=[], allowed_mentions=NOBODY)

    async def _open_thread(self, place: Place, message: Message) -> None:
        """Begin the thread that hangs on a message, if it is not there yet."""
        assert place.thread is not None
        client, id_ = self._client(), int(place.channel)
        channel = client.get_channel(id_) or await client.fetch_channel(id_)
        if not isinstance(channel, discord.TextChannel):
            raise Undeliverable("there are no threads in that channel")
        first = words(message).strip().partition("\n")[0][:_THREAD_NAME] or "Thread"
        try:
            await channel.get_partial_message(int(place.thread)).create_thread(name=first)
        except discord.HTTPException as error:
            if error.code != _THREAD_EXISTS:
                raise

    async def _found(
        self, channel: discord.PartialMessageable | discord.DMChannel, key: str, since: datetime
    ) -> dict[int, int]:
        """The parts of an earlier try that arrived though no answer came: part → message."""
        while wait := self._all.enter(""):  # noqa: ASYNC110 - time passes; nothing tells of it
            await asyncio.sleep(wait)
        wanted = {marker(key, number): number for number in range(MOST_PARTS)}
        found = {}
        try:
            async for said in channel.history(after=since - _SLACK, limit=_LOOKED_AT):
                id_ = said.components[0].id if said.components else None
                if said.author.id == self._client().application_id and id_ in wanted:
                    found[wanted[id_]] = said.id
        except discord.NotFound:  # a thread that never was
            return {}
        return found

    @asynccontextmanager
    async def _in_our_words(self) -> AsyncIterator[None]:
        """Turn what Discord says into what the courier understands."""
        try:
            yield
        except discord.RateLimited as error:
            raise Retry(timedelta(seconds=error.retry_after), "Discord says: too fast") from error
        except discord.HTTPException as error:
            if error.status == HTTPStatus.TOO_MANY_REQUESTS or error.code in _TOO_FAST:
                after = float(error.response.headers.get("Retry-After", 60))
                everywhere = "X-RateLimit-Global" in error.response.headers
                raise Retry(
                    timedelta(seconds=after), "Discord says: too fast", everywhere=everywhere
                ) from error
            if error.status == HTTPStatus.UNAUTHORIZED:
                raise Retry(
                    _REFUSED_FOR, "Discord refuses the bot's token", everywhere=True
                ) from error
            if error.code in _GONE:
                removed = error.code == _UNKNOWN_MESSAGE
                raise Undeliverable(_GONE[error.code], removed=removed) from error
            if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Retry(_LATER, f"Discord is away: HTTP {error.status}") from error
            raise
        except (aiohttp.ClientError, OSError) as error:
            # It may have arrived; the courier asks again, and then looks first.
            raise Retry(_LATER, f"Discord did not answer: {type(error).__name__}") from error


def _plain(message: Message) -> Part:
    """The words alone, for when Discord does not take the card that we made."""
    said = escaped(words(message))[:_PLAIN] or "—"
    return Part([discord.ui.TextDisplay(said)])
