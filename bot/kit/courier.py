"""Carries what the outbox holds to the chats and to the engine.

The courier may die between sending and noting so; the key travels along, and whoever receives it
drops a repetition.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.kit.clock import Clock
from bot.kit.command import Retry
from bot.kit.db import Database
from bot.kit.line import Lane, due
from bot.kit.message import Message, MessageRef, Place
from bot.kit.outbox import Dispatches, OutboxJob, OutboxMessage, Sends, Undeliverable

MOST_FAILURES = 10
_BATCH = 50  # rows that are looked at together
_AT_ONCE = 10  # messages that a lane takes up before it looks again what is wanted
_LAST_WORDS = 1.0  # seconds
_ENGINE = ("jobs", "")
_SHORTEST_WAIT = timedelta(milliseconds=100)
#: gives another place for a message that cannot be said where it was meant to be
Rescue = Callable[[AsyncSession, OutboxMessage, Exception], Awaitable[Place | None]]
_log = structlog.get_logger(__name__)


class Courier:
    """Carries what the outbox holds to the chats and to the engine.

    Each channel has a lane: what goes there goes in order, one by one. A slow channel holds up
    itself alone, as long as its platform has lanes left.
    """

    def __init__(self, database: Database, clock: Clock, *, poll_seconds: float = 2.0) -> None:
        self._database, self._clock, self._poll = database, clock, poll_seconds
        self.chats: dict[str, Sends] = {}
        self.engine: Dispatches | None = None
        self.rescue: Rescue | None = None  #: None: what cannot be delivered is kept
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._started: datetime | None = None
        self._tried: set[int] = set()  # rows of which something may have arrived, unnoted
        self._leaving = False
        self._setting_off = asyncio.Lock()
        self._busy: dict[Lane, asyncio.Task[None]] = {}
        self._shut: dict[Lane, datetime] = {}  # until when; ("slack", "") is all of Slack
        self._ends = 0  # of lanes, up to now
        self._broken: list[BaseException] = []  # what ended lanes

    def wake(self) -> None:
        """Say that something may have been written."""
        self._news.set()

    async def start(self) -> None:
        self._started = self._clock.now()
        self._task = asyncio.create_task(self._run(), name="courier")

    async def stop(self) -> None:
        """Take up nothing more; what is being said now has a moment to be said and noted."""
        self._leaving = True
        if self._task:
            self._task.cancel()
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=_LAST_WORDS)
        while tasks := [t for t in (self._task, *self._busy.values()) if t and not t.done()]:
            for task in tasks:
                task.cancel()  # again, where a driver swallowed it
            await asyncio.wait(tasks, timeout=1)
        self._broken.clear()
        self._leaving = False

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                soon = await self._set_off()
            except Exception:  # noqa: BLE001 - the database may be away; the courier outlives that
                _log.exception("courier.failed")
                await asyncio.sleep(self._poll)
                continue
            wait = min(self._poll, soon.total_seconds()) if soon is not None else self._poll
            try:
                async with asyncio.timeout(max(0.01, wait)):
                    await self._news.wait()
            except TimeoutError:
                pass

    async def round(self) -> timedelta | None:
        """Carry all that is due. Returns how long until the next is, None when nothing waits."""
        while True:
            soon = await self._set_off()
            if not self._busy:
                return soon
            await asyncio.wait(self._busy.values(), return_when=asyncio.FIRST_COMPLETED)

    async def _set_off(self) -> timedelta | None:
        """Begin to carry what is due wherever a lane is free.

        Returns how long until something more is due. Raises what broke a lane since the last time.
        """
        async with self._setting_off:  # or two would take up the same row
            while True:
                if self._broken:
                    raise self._broken.pop()
                now, ended = self._clock.now(), self._ends
                async with self._database.read() as session:
                    rows = await session.scalars(due(now, *self._closed(now)).limit(_BATCH))
                    messages = rows.all()
                    jobs = await self._jobs(session, now)
                    idle = not messages and not jobs
                    soon = await self._next(session, now) if idle else None
                if idle and self._ends == ended:
                    return soon
                if jobs:
                    self._begin(_ENGINE, self._hand_all_over(jobs))
                lanes: dict[Lane, list[OutboxMessage]] = {}
                for message in messages:
                    lanes.setdefault(self._lane(message), []).append(message)
                for lane, waiting in lanes.items():
                    if self._busy_on(lane[0]) < self._lanes(lane[0]):
                        self._begin(lane, self._carry(waiting[:_AT_ONCE]))

    async def _jobs(self, session: AsyncSession, now: datetime) -> Sequence[OutboxJob]:
        if self.engine is None or _ENGINE in self._busy:
            return ()
        found = select(OutboxJob).where(OutboxJob.waiting, OutboxJob.not_before <= now)
        return (await session.scalars(found.order_by(OutboxJob.id).limit(_BATCH))).all()

    async def _next(self, session: AsyncSession, now: datetime) -> timedelta | None:
        moments = [
            await session.scalar(
                select(func.min(row.not_before)).where(row.waiting, row.not_before > now)
            )
            for row in (OutboxMessage, OutboxJob)
        ]
        return min((m - now for m in (*moments, *self._shut.values()) if m), default=None)

    def _lanes(self, platform: str) -> int:
        return self.chats[platform].lanes if platform in self.chats else 1

    def _lane(self, row: OutboxMessage) -> Lane:
        """What is written one by one: a channel; all of a platform that has one lane."""
        return row.platform, str(row.place["channel"]) if self._lanes(row.platform) > 1 else ""

    def _busy_on(self, platform: str) -> int:
        return sum(lane[0] == platform for lane in self._busy)

    def _closed(self, now: datetime) -> tuple[set[str], set[Lane], set[Lane]]:
        """The platforms and lanes that take nothing now, and the lanes that take no edits."""
        self._shut = {lane: until for lane, until in self._shut.items() if until > now}
        full = {p for p, _ in self._busy if self._busy_on(p) >= self._lanes(p)}
        waiting = {platform for platform, channel in self._shut if not channel}
        return full | waiting, set(self._busy), set(self._shut)

    def _begin(self, lane: Lane, work: Coroutine[Any, Any, None]) -> None:
        task = self._busy[lane] = asyncio.create_task(work, name=f"courier to {lane[0]}")
        task.add_done_callback(partial(self._ended, lane))

    def _ended(self, lane: Lane, task: asyncio.Task[None]) -> None:
        del self._busy[lane]
        self._ends += 1
        if task.cancelled():
            self._broken.append(RuntimeError(f"the lane to {lane[0]} was cancelled"))
        elif error := task.exception():
            self._broken.append(error)
        self._news.set()

    async def _carry(self, rows: Sequence[OutboxMessage]) -> None:
        for row in rows:
            if self._leaving or not await self._deliver(row):
                return  # what stands behind it in line must be looked up anew

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
                if error.everywhere:
                    self._shut[row.platform, ""] = fresh.not_before
                elif row.sent_version:
                    self._shut[row.platform, str(row.place["channel"])] = fresh.not_before
                return
            fresh.failures += 1
            fresh.not_before = self._clock.now() + timedelta(seconds=min(300, 2**fresh.failures))
            if isinstance(error, Undeliverable) or fresh.failures >= MOST_FAILURES:
                await self._give_up(session, fresh, error)
        _log.warning(
            "outbox.not_sent", key=row.key, failures=row.failures + 1, error=type(error).__name__
        )

    async def _give_up(self, session: AsyncSession, row: OutboxMessage, error: Exception) -> None:
        """Say it elsewhere, where there is another place for it."""
        row.waiting, row.error = False, f"{type(error).__name__}: {error}"[:200]
        if self.rescue is None:
            return
        try:
            async with session.begin_nested():
                place = await self.rescue(session, row, error)
        except Exception:  # noqa: BLE001 - or the message would be tried for ever
            _log.exception("outbox.not_rescued", key=row.key)
            return
        if place is not None:
            row.platform, row.place = place.platform, place.model_dump()
            row.ref, row.sent_version = None, 0
            row.waiting, row.failures, row.not_before = True, 0, self._clock.now()

    async def _hand_all_over(self, rows: Sequence[OutboxJob]) -> None:
        for row in rows:
            await self._hand_over(row)

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
