"""Tells every connected page what happens, and drops a page that cannot keep up."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

_MOST_WAITING = 200


@dataclass(frozen=True)
class Event:
    """Something a page should know: what kind, and since which moment a page lacks it."""

    kind: str  #: message, edit or channel
    data: dict[str, Any]
    at: str = ""  #: the instant, which a page gives back when it connects again
    private_to: str | None = None  #: the one handle that may know


@dataclass(eq=False)
class Stream:
    """One connected page."""

    handle: str
    waiting: asyncio.Queue[Event] = field(
        default_factory=lambda: asyncio.Queue(maxsize=_MOST_WAITING)
    )
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def events(self, beat_seconds: float) -> AsyncIterator[Event | None]:
        """What happens, in order; None where nothing did for a while. Ends when closed."""
        closed = asyncio.ensure_future(self.closed.wait())
        try:
            while not self.closed.is_set():
                news = asyncio.ensure_future(self.waiting.get())
                try:
                    await asyncio.wait(
                        {news, closed}, timeout=beat_seconds, return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    finished = news.done()
                    if not finished:
                        news.cancel()
                if finished:
                    yield news.result()
                elif not self.closed.is_set():
                    yield None
        finally:
            closed.cancel()


class Streams:
    """All connected pages."""

    def __init__(self) -> None:
        self._open: set[Stream] = set()

    @contextmanager
    def opened(self, handle: str) -> Iterator[Stream]:
        stream = Stream(handle)
        self._open.add(stream)
        try:
            yield stream
        finally:
            self._open.discard(stream)

    def publish(self, event: Event) -> None:
        """Queue *event* for everybody who may know of it.

        A page with too much waiting is closed: it connects again and is told from the database,
        which costs less memory than remembering for it.
        """
        for stream in self._open:
            if event.private_to not in {None, stream.handle}:
                continue
            try:
                stream.waiting.put_nowait(event)
            except asyncio.QueueFull:
                stream.closed.set()

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        for stream in self._open:
            stream.closed.set()
