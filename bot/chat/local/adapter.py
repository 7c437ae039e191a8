"""The local chat as a platform: it takes the bot's messages and carries out members' commands."""

import asyncio
import itertools
import json
import os
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.chat.local.archive import names_of
from bot.chat.local.contract import ADDRESS_FILE
from bot.chat.local.models import LocalChannel, LocalMessage
from bot.chat.local.posted import Posted, from_row
from bot.chat.local.streams import Event, Streams
from bot.kit.command import Upload
from bot.kit.core import Answer, Core, Invocation
from bot.kit.message import Block, File, Image, Message, MessageRef, Place, Text
from bot.kit.outbox import Undeliverable
from bot.kit.render import escape

FIRST_CHANNELS = {
    "general": "Everything and everybody",
    "results": "What the runner found out",
    "papers": "What we read, and what we think of it",
}
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_MOST_WHISPERS = 100
_PATIENCE_SECONDS = 2.0


class LocalChat:
    """A chat platform in our own tables; the kit's ``Sends``.

    It shows nothing itself: ``LocalApi`` serves the page. Private answers are kept in memory only,
    the last hundred of each person; see ``LocalMessage``.
    """

    lanes = 1  #: our own tables have one writer

    def __init__(self, core: Core) -> None:
        self.core, self.streams = core, Streams()
        self._whispers: dict[str, deque[Posted]] = defaultdict(lambda: deque(maxlen=_MOST_WHISPERS))
        self._numbers = itertools.count(1)
        self._running: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._address: Path | None = None

    async def start(self, url: str) -> None:
        """Make the first channels, and leave a note in the data folder where the chat is."""
        async with self.core.database.write() as session:
            if await session.scalar(select(LocalChannel.name).limit(1)) is None:
                now = self.core.services.clock.now()
                session.add_all(
                    LocalChannel(name=name, topic=topic, created_at=now)
                    for name, topic in FIRST_CHANNELS.items()
                )
        self._address = self.core.services.data / ADDRESS_FILE
        self._address.write_text(json.dumps({"url": url, "pid": os.getpid()}) + "\n")

    async def stop(self) -> None:
        """Send the pages away; to be called before the server stops, which waits for them."""
        self.streams.close()
        note = self._address
        if note and note.exists() and json.loads(note.read_text())["pid"] == os.getpid():
            note.unlink()

    async def send(
        self,
        place: Place,
        message: Message,
        *,
        key: str,
        since: datetime | None = None,  # noqa: ARG002 - what was sent is known by its key
    ) -> MessageRef:
        """Post once per *key*: again with the same key gives the message that stands already."""
        if place.room is not None and place.room.people:
            raise Undeliverable("the local chat has no rooms for a few")
        await self._let_answer_go_first(place.channel)
        try:
            async with self.core.database.write() as session:
                row = await session.scalar(select(LocalMessage).filter_by(key=key))
                if row is None:
                    row = await self._add(session, place, None, message, key=key)
                    posted = from_row(row)
                else:
                    posted = None
        except IntegrityError:  # somebody else sent it in between
            async with self.core.database.read() as session:
                row = (await session.scalars(select(LocalMessage).filter_by(key=key))).one()
            posted = None
        if posted:
            await self._tell("message", posted)
        inside = Place(platform="local", channel=row.channel, thread=str(row.id))
        room = inside if place.room is not None else None
        return MessageRef(platform="local", channel=row.channel, id=str(row.id), room=room)

    async def edit(self, ref: MessageRef, message: Message) -> MessageRef:
        async with self.core.database.write() as session:
            row = await session.get(LocalMessage, int(ref.id))
            if row is None:
                raise Undeliverable(f"message {ref.id} is gone", removed=True)
            row.body, row.version = message.model_dump_json(), row.version + 1
            row.edited_at = self.core.services.clock.now()
            posted = from_row(row)
        await self._tell("edit", posted)
        return ref

    async def sees(self, place: Place) -> bool | None:
        async with self.core.database.read() as session:
            # One that is not there yet is made by the first message.
            return True if await session.get(LocalChannel, place.channel) else None

    async def speak(
        self, handle: str, name: str, place: Place, text: str, uploads: tuple[Upload, ...]
    ) -> Posted:
        """Post what a member said, exactly as they wrote it."""
        words: list[Block] = [Text(markdown=escape(text))] if text.strip() else []
        message = Message(blocks=(*words, *map(_shown, uploads)))
        async with self.core.database.write() as session:
            await self.core.services.people.account(
                session, platform="local", handle=handle, name=name
            )
            posted = from_row(await self._add(session, place, handle, message))
        await self._tell("message", posted)
        return posted

    async def carry_out(self, invocation: Invocation, *, echo: str) -> tuple[Answer, Posted | None]:
        """Run a command and show its answer under the *echo* of what was typed.

        Where the answer is private, so is the echo: only then is it known. A form, and what was
        wrong with one that came back, is not shown here but handed back.
        """
        place = invocation.place
        with self._answering(place.channel):
            answer = await self.core.handle(invocation)
            if answer.message is None or answer.form is not None:
                return answer, None
            said: list[tuple[str | None, Message]] = [(None, answer.message)]
            if echo:
                line = Message(blocks=(Text(markdown=escape(echo)),))
                said.insert(0, (invocation.handle, line))
            if answer.message.private:
                shown = [self._whisper(invocation, author, message) for author, message in said]
            else:
                async with self.core.database.write() as session:
                    shown = [
                        from_row(await self._add(session, place, author, message))
                        for author, message in said
                    ]
            for posted in shown:
                await self._tell("message", posted)
        return answer, shown[-1]

    def whispers(self, handle: str) -> list[Posted]:
        """What only *handle* sees, oldest first."""
        return list(self._whispers.get(handle, ()))

    async def add_channel(self, name: str, topic: str) -> bool:
        """Make a channel. False when there is one of that name."""
        async with self.core.database.write() as session:
            return await self._channel(session, name, topic)

    async def forget(self, handle: str) -> None:
        """Drop what only *handle* saw."""
        self._whispers.pop(handle, None)

    async def _add(
        self,
        session: AsyncSession,
        place: Place,
        author: str | None,
        message: Message,
        *,
        key: str | None = None,
    ) -> LocalMessage:
        if not place.channel.startswith("@"):
            await self._channel(session, place.channel)
        row = LocalMessage(
            channel=place.channel,
            thread=await self._root(session, place),
            author=author,
            body=message.model_dump_json(),
            private_to=place.private_to,
            key=key,
            created_at=self.core.services.clock.now(),
        )
        session.add(row)
        await session.flush()
        return row

    async def _channel(self, session: AsyncSession, name: str, topic: str = "") -> bool:
        """Make the channel unless it is there: whoever names one means it to exist."""
        if await session.get(LocalChannel, name):
            return False
        session.add(LocalChannel(name=name, topic=topic, created_at=self.core.services.clock.now()))
        await session.flush()
        self.streams.publish(Event("channel", {"name": name, "topic": topic}))
        return True

    async def _root(self, session: AsyncSession, place: Place) -> int | None:
        if place.thread is None:
            return None
        row = await session.get(LocalMessage, int(place.thread)) if place.thread.isdigit() else None
        if row is None or row.channel != place.channel:
            raise Undeliverable(f"there is no message {place.thread} in {place.channel}")
        return row.thread or row.id

    def _whisper(self, invocation: Invocation, author: str | None, message: Message) -> Posted:
        posted = Posted(
            id=f"p{next(self._numbers)}",
            channel=invocation.place.channel,
            thread=invocation.place.thread,
            author=author,
            message=message,
            private_to=invocation.handle,
            at=self.core.services.clock.now(),
        )
        self._whispers[invocation.handle].append(posted)
        return posted

    async def _tell(self, kind: str, posted: Posted) -> None:
        async with self.core.database.read() as session:
            names = await names_of(session, {posted.author} if posted.author else ())
        self.streams.publish(
            Event(kind, posted.as_json(names), stamp(posted.changed_at), posted.private_to)
        )

    @contextmanager
    def _answering(self, channel: str) -> Iterator[None]:
        done = asyncio.get_running_loop().create_future()
        self._running[channel].add(done)
        try:
            yield
        finally:
            done.set_result(None)
            self._running[channel].discard(done)

    async def _let_answer_go_first(self, channel: str) -> None:
        """Wait a little for commands that are being carried out in *channel*.

        The courier may be quicker with the message a command caused than the command with its
        answer, and a cause belongs above its effect.
        """
        if running := set(self._running[channel]):
            await asyncio.wait(running, timeout=_PATIENCE_SECONDS)


def stamp(moment: datetime) -> str:
    """An instant as the id of an event."""
    return moment.isoformat()


def _shown(upload: Upload) -> Block:
    if upload.name.lower().endswith(PICTURES):
        return Image(sha256=upload.sha256, name=upload.name, alt=upload.name)
    return File(sha256=upload.sha256, name=upload.name, label=upload.name)
