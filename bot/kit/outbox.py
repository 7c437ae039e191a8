"""Messages and jobs leave only after the commit, survive a crash and go once.

A row is written in the transaction of the change it speaks of. A message row is the *wanted state*
of one message: saying it again under the same key edits the message that was sent, and edits that
follow each other quickly become one. The courier (``bot.kit.courier``) sends what differs from
what was sent.
"""

from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import JSON, Index, String, Text, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.db import Base
from bot.kit.keys import LONGEST, fitting
from bot.kit.message import Message, MessageRef, Place

EDIT_PAUSE = timedelta(seconds=2)


class OutboxMessage(Base):
    """What one message should say, and which version of that has been sent."""

    __tablename__ = "outbox_message"
    __table_args__ = (Index("ix_outbox_message_due", "waiting", "not_before"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(LONGEST), unique=True)
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

    def __init__(self, why: str, *, removed: bool = False) -> None:
        """Give up.

        Args:
            why: In words, as a moderator would read them.
            removed: Only this one message is gone: somebody deleted it.
        """
        super().__init__(why)
        self.removed = removed


class Sends(Protocol):
    """What the courier needs of a chat adapter."""

    #: channels that may be written to at once; with 1, all that is said comes in one order
    lanes: int

    async def send(
        self, place: Place, message: Message, *, key: str, since: datetime | None = None
    ) -> MessageRef:
        """Post once per *key*. Raises Retry or Undeliverable.

        With *since*, an earlier try may have arrived, then or later, whole or in part, though no
        answer came: look, and post only what is missing. A Retry says whether this try is surely
        ``unsent``.
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
    key = fitting(key)
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


async def room_of(session: AsyncSession, key: str) -> Place | None:
    """Where more is said in the room that the message of that key opened; None until it has."""
    ref = await session.scalar(select(OutboxMessage.ref).filter_by(key=fitting(key)))
    return MessageRef.model_validate(ref).room if ref else None


async def place_of(session: AsyncSession, key: str) -> Place | None:
    """Where the message of that key stands, or will stand."""
    place = await session.scalar(select(OutboxMessage.place).filter_by(key=fitting(key)))
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


async def give_ups(session: AsyncSession) -> list[OutboxMessage]:
    """The messages that were given up, newest first."""
    found = (
        select(OutboxMessage)
        .where(OutboxMessage.error.is_not(None))
        .order_by(OutboxMessage.id.desc())
    )
    return list((await session.scalars(found.limit(50))).all())
