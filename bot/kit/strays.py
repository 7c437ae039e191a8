"""Files of the store that nothing names: refused uploads, what a lost attempt made, old exports.

A file is in the store before any row speaks of it, and most refusals come after that. So what no row
and no attempt names is deleted, once it is older than whatever may still be about to name it.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.kit.clock import Clock
from bot.kit.db import Database
from bot.kit.files import FileStore
from bot.kit.received import Received
from bot.kit.references import unnamed

KEPT = timedelta(
    days=1
)  #: a form may be sent, or an errand answered, that long after its file came
_PAUSE = 5.0  # seconds before it is tried again after the database was away
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class StoreToSweep:
    """It is time to look for what nothing names, once this is committed."""

    since: datetime  #: when these tables were made: of older files, other tables may know


class Strays:
    """Deletes them when it is woken, outside of any transaction that somebody waits for.

    It does not judge what a row names a file for: whatever is named stays.
    """

    def __init__(
        self, database: Database, files: FileStore, received: Received, clock: Clock
    ) -> None:
        self._database, self._files = database, files
        self._received, self._clock = received, clock
        self._due: asyncio.Queue[StoreToSweep] = asyncio.Queue(maxsize=1)
        self._task: asyncio.Task[None] | None = None

    def wake(self, due: StoreToSweep) -> None:
        """Have it looked for soon, unless that is so already."""
        with suppress(asyncio.QueueFull):
            self._due.put_nowait(due)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="strays")

    async def stop(self) -> None:
        while self._task and not self._task.done():
            self._task.cancel()  # again, where a driver swallowed it
            await asyncio.wait([self._task], timeout=1)

    async def round(self, due: StoreToSweep) -> int:
        """Delete what nothing names. Returns how many files that were."""
        before = (self._clock.now() - KEPT).timestamp()
        await asyncio.to_thread(self._received.clear)
        old = await asyncio.to_thread(self._files.older, before, since=due.since.timestamp())
        old -= await asyncio.to_thread(self._received.files)
        async with self._database.snapshot() as session:
            strays = await unnamed(session, old)
        size = await asyncio.to_thread(self._files.delete_older, strays, before)
        if strays:
            _log.info("store.swept", files=len(strays), size=size)
        return len(strays)

    async def _run(self) -> None:
        while True:
            due = await self._due.get()
            try:
                await self.round(due)
            except Exception:  # noqa: BLE001 - the database or the disk may be away; this outlives it
                _log.exception("store.not_swept")
                await asyncio.sleep(_PAUSE)
                self.wake(due)
