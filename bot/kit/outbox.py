"""Messages and jobs leave only after the commit, survive a crash and go once.

A row is written in the transaction of the change it speaks of. A message row is the *wanted state*
of one message: saying it again under the same key edits the message that was sent, and edits that
follow each other quickly become one. The courier sends what differs from what was sent. It may die
between sending and noting so; the key travels along, and whoever receives it drops a repetition.
"""

import asyncio
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from sqlalchemy import JSON, Index, Select, String, Text, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from bot.kit.clock import Clock
from bot.kit.command import Retry
from bot.kit.db import Base, Database
from bot.kit.message import Message, MessageRef, Place

EDIT_PAUSE = timedelta(seconds=2)
MOST_FAILURES = 10
_BATCH = 50
_SHORTEST_WAIT = timedelta(milliseconds=100)
_log = structlog.get_logger(__name__)


class OutboxMessage(Base):
    """What one message should say, and which version of that has been sent."""

    __tablename__ = "outbox_message"
    __table_args__ = (Index("ix_outbox_message_due", "waiting", "not_before"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    platform: Mapped[str] = mapped_column(String(20))
    place: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(default=1)
    sent_version: Mapped[int] = mapped_column(default=0)
    waiting: Mapped[bool] = mapped_column(default=True)  #: version is ahead of sent_version
    not_before: Mapped[datetime]
    put_at: Mapped[datetime | None]  #: when it was first wanted; nothing of it was sent before
    sent_at: Mapped[datetime | None]
    ref: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    failures: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(String(200))  #: why it was given up


class OutboxJob(Base):
    """A job to hand to the engine, or to take back. Its key makes doing so twice harmless."""

    __tablename__ = "outbox_job"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), index=True)
    queue: Mapped[str] = mapped_column(String(50))
    lock: Mapped[str] = mapped_column(String(100))
    payload: Mapped[str | None] = mapped_column(Text)  #: None: cancel the job of that key
    waiting: Mapped[bool] = mapped_column(default=True, index=True)
    not_before: Mapped[datetime]
    failures: Mapped[int] = mapped_column(default=0)


class Undeliverable(Exception):  # noqa: N818 - a fact about a place, not an error of ours
    """The place is gone or closed to us; trying again is no use."""


class Sends(Protocol):
    """What the courier needs of a chat adapter."""

    async def send(
        self, place: Place, message: Message, *, key: str, since: datetime | None = None
    ) -> MessageRef:
        """Post once per *key*. Raises Retry or Undeliverable.

        With *since*, an earlier try may have arrived, then or later, though no answer came: look.
        """
        ...

    async def edit(self, ref: MessageRef, message: Message) -> MessageRef:
        """Make the message say *message*. Raises Retry or Undeliverable. Gives where it stands now."""
        ...


class Dispatches(Protocol):
    """What the courier needs of a job engine."""

    async def dispatch(self, *, key: str, queue: str, lock: str, payload: str) -> None: ...

    async def cancel(self, key: str) -> None: ...


async def put_message(
    session: AsyncSession,
    place: Place,
    message: Message,
    *,
    key: str,
    now: datetime,
    hurry: bool = True,
) -> None:
    """Say *message* at *place*, or change what was said there under *key*.

    An edit that is in no hurry (a progress bar) waits until two seconds after the last one.
    """
    row = await session.scalar(select(OutboxMessage).filter_by(key=key).with_for_update())
    body = message.model_dump_json()
    if row is None:
        session.add(
            OutboxMessage(
                key=key,
                platform=place.platform,
                place=place.model_dump(),
                body=body,
                not_before=now,
                put_at=now,
            )
        )
        return
    if row.body == body:
        return
    row.body, row.version, row.waiting = body, row.version + 1, True
    row.failures, row.error = 0, None
    row.not_before = now if hurry or row.sent_at is None else max(now, row.sent_at + EDIT_PAUSE)


async def place_of(session: AsyncSession, key: str) -> Place | None:
    """Where the message of that key stands, or will stand."""
    place = await session.scalar(select(OutboxMessage.place).filter_by(key=key))
    return Place.model_validate(place) if place else None


async def put_job(
    session: AsyncSession, *, key: str, queue: str, lock: str, payload: str, now: datetime
) -> None:
    session.add(OutboxJob(key=key, queue=queue, lock=lock, payload=payload, not_before=now))


async def put_cancel(session: AsyncSession, *, key: str, now: datetime) -> None:
    """Take the job of that key back, whether it was handed over yet or not."""
    waiting = update(OutboxJob).where(OutboxJob.key == key, OutboxJob.waiting)
    await session.execute(waiting.values(waiting=False))  # or a late dispatch would follow it
    session.add(OutboxJob(key=key, queue="", lock="", payload=None, not_before=now))


async def jobs_on_the_way(session: AsyncSession) -> set[str]:
    """Keys of jobs that the courier has not carried to the engine yet."""
    return set((await session.scalars(select(OutboxJob.key).where(OutboxJob.waiting))).all())


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
                place = Place.model_validate(row.place)
                ref = await chat.send(place, message, key=row.key, since=self._since(row))
                if row.version > 1:  # what stands there may be what a courier sent before it died
                    ref = await chat.edit(ref, message)
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
        return True

    def _since(self, row: OutboxMessage) -> datetime | None:
        """Since when an earlier try may have arrived; None where this is surely the first.

        It failed before, and nobody knows how far it came; or it was there before this courier,
        whose forerunner may have died between sending and noting so.
        """
        first = row.put_at or row.not_before
        return first if row.failures or self._started is None or first <= self._started else None

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


async def give_ups(session: AsyncSession) -> list[OutboxMessage]:
    """The messages that were given up, newest first."""
    found = (
        select(OutboxMessage)
        .where(OutboxMessage.error.is_not(None))
        .order_by(OutboxMessage.id.desc())
    )
    return list((await session.scalars(found.limit(50))).all())
