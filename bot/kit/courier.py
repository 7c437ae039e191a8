"""Carries what the outbox holds to the chats and to the engine.

The courier may die between sending and noting so; the key travels along, and whoever receives it
drops a repetition.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.kit.clock import Clock
from bot.kit.command import Retry
from bot.kit.db import Database
from bot.kit.message import Message, MessageRef, Place
from bot.kit.outbox import Dispatches, OutboxJob, OutboxMessage, Sends, Undeliverable

MOST_FAILURES = 10
_BATCH = 50
_SHORTEST_WAIT = timedelta(milliseconds=100)
_log = structlog.get_logger(__name__)


def _due(now: datetime) -> Select[Any]:
    """What may be sent by *now*, in order.

    New messages go before edits, so that a reason is there before the message that points to it.
    A new one waits behind an earlier one to its channel that the platform put off; one that fails
    by a defect of its own holds up nobody.
    """
    earlier = aliased(OutboxMessage)
    put_off = (
        select(earlier.id)
        .where(
            earlier.waiting,
            earlier.sent_version == 0,
            earlier.failures == 0,
            earlier.not_before > now,
            earlier.id < OutboxMessage.id,
            earlier.platform == OutboxMessage.platform,
            earlier.place["channel"].as_string() == OutboxMessage.place["channel"].as_string(),
        )
        .exists()
    )
    return (
        select(OutboxMessage)
        .where(
            OutboxMessage.waiting,
            OutboxMessage.not_before <= now,
            or_(OutboxMessage.sent_version > 0, ~put_off),
        )
        .order_by(OutboxMessage.sent_version > 0, OutboxMessage.id)
    )


class Courier:
    """Carries what the outbox holds to the chats and to the engine, in order."""

    def __init__(self, database: Database, clock: Clock, *, poll_seconds: float = 2.0) -> None:
        self._database, self._clock, self._poll = database, clock, poll_seconds
        self.chats: dict[str, Sends] = {}
        self.engine: Dispatches | None = None
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._started: datetime | None = None
        self._tried: set[int] = set()  # rows of which something may have arrived, unnoted

    def wake(self) -> None:
        """Say that something may have been written."""
        self._news.set()

    async def start(self) -> None:
        self._started = self._clock.now()
        self._task = asyncio.create_task(self._run(), name="courier")

    async def stop(self) -> None:
        while self._task and not self._task.done():
            self._task.cancel()  # again, where a driver swallowed it
            await asyncio.wait([self._task], timeout=1)

    async def _run(self) -> None:
        while True:
            try:
                soon = await self.round()
            except Exception:  # noqa: BLE001 - the database may be away; the courier outlives that
                _log.exception("courier.failed")
                soon = timedelta(seconds=self._poll)
            wait = min(self._poll, soon.total_seconds()) if soon is not None else self._poll
            try:
                async with asyncio.timeout(max(0.01, wait)):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()

    async def round(self) -> timedelta | None:
        """Carry all that is due. Returns how long until the next is, None when nothing waits."""
        while True:
            now = self._clock.now()
            async with self._database.read() as session:
                messages = (await session.scalars(_due(now).limit(_BATCH))).all()
                due_jobs = select(OutboxJob).where(OutboxJob.waiting, OutboxJob.not_before <= now)
                jobs = (
                    (await session.scalars(due_jobs.order_by(OutboxJob.id).limit(_BATCH))).all()
                    if self.engine
                    else []
                )
                if not messages and not jobs:
                    return await self._next(session, now)
            for job in jobs:
                await self._hand_over(job)
            for message in messages:
                if not await self._deliver(message):
                    break  # what stands behind it in line must be looked up anew

    async def _next(self, session: AsyncSession, now: datetime) -> timedelta | None:
        moments = [
            await session.scalar(
                select(func.min(row.not_before)).where(row.waiting, row.not_before > now)
            )
            for row in (OutboxMessage, OutboxJob)
        ]
        return min((m - now for m in moments if m), default=None)

    async def _deliver(self, row: OutboxMessage) -> bool:
        """Send or edit it. False when the platform put it off."""
        chat = self.chats.get(row.platform)
        try:
            message = Message.model_validate_json(row.body)
            if chat is None:
                raise Undeliverable(f"{row.platform} is not connected")  # noqa: TRY301 - one way to give up
            if row.ref is None:
                ref = await self._first(chat, row, message)
            else:
                ref = await chat.edit(MessageRef.model_validate(row.ref), message)
        except Exception as error:  # noqa: BLE001 - one bad message must not hold up the others
            await self._failed(row, error)
            return not isinstance(error, Retry)
        async with self._database.write() as session:
            fresh = await session.get_one(OutboxMessage, row.id, with_for_update=True)
            fresh.ref, fresh.sent_at, fresh.failures = ref.model_dump(), self._clock.now(), 0
            fresh.sent_version = row.version
            fresh.waiting = fresh.version > row.version
        self._tried.discard(row.id)
        return True

    async def _first(self, chat: Sends, row: OutboxMessage, message: Message) -> MessageRef:
        """Send what has no reference yet. An earlier try may have arrived, whole or in part."""
        since = self._since(row)
        self._tried.add(row.id)
        try:
            place = Place.model_validate(row.place)
            ref = await chat.send(place, message, key=row.key, since=since)
        except Retry as later:
            if later.unsent and since is None:
                self._tried.discard(row.id)
            raise
        # What stands there may be what an earlier try sent, before the message was changed.
        return ref if row.version == 1 else await chat.edit(ref, message)

    def _since(self, row: OutboxMessage) -> datetime | None:
        """Since when an earlier try may have arrived; None where this is surely the first.

        It was tried before, and nobody knows how far it came; or it was there before this courier,
        whose forerunner may have died between sending and noting so.
        """
        first = row.put_at or row.not_before
        earlier = row.id in self._tried or self._started is None or first <= self._started
        return first if earlier else None

    async def _failed(self, row: OutboxMessage, error: Exception) -> None:
        async with self._database.write() as session:
            fresh = await session.get_one(OutboxMessage, row.id, with_for_update=True)
            if isinstance(error, Retry):
                fresh.not_before = self._clock.now() + max(error.after, _SHORTEST_WAIT)
                return
            fresh.failures += 1
            fresh.not_before = self._clock.now() + timedelta(seconds=min(300, 2**fresh.failures))
            if isinstance(error, Undeliverable) or fresh.failures >= MOST_FAILURES:
                fresh.waiting, fresh.error = False, f"{type(error).__name__}: {error}"[:200]
        _log.warning(
            "outbox.not_sent", key=row.key, failures=row.failures + 1, error=type(error).__name__
        )

    async def _hand_over(self, row: OutboxJob) -> None:
        assert self.engine is not None
        try:
            if row.payload is None:
                await self.engine.cancel(row.key)
            else:
                await self.engine.dispatch(
                    key=row.key, queue=row.queue, lock=row.lock, payload=row.payload
                )
        except Exception as error:  # noqa: BLE001 - the engine may be away for a while
            async with self._database.write() as session:
                fresh = await session.get_one(OutboxJob, row.id, with_for_update=True)
                fresh.failures += 1
                fresh.not_before = self._clock.now() + timedelta(seconds=min(30, 2**fresh.failures))
            _log.warning("outbox.job_not_dispatched", key=row.key, error=type(error).__name__)
            return
        async with self._database.write() as session:
            fresh = await session.get_one(OutboxJob, row.id, with_for_update=True)
            fresh.waiting = False
