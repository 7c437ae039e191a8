"""Errands to the desk leave after the commit, survive a crash and are answered once.

A row is written in the transaction that wants the answer. When the desk has one, it is announced as
``Answered`` in the transaction that removes the row. Whoever dies meanwhile finds the row again.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import JSON, String, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.clock import Clock
from bot.kit.db import Base, Database
from runner.contract import Failure, Plain
from runner.errands import Errand

if TYPE_CHECKING:
    from bot.kit.work import Work

MOST_FAILURES = 3
_PAUSES = (timedelta(seconds=1), timedelta(seconds=10))
_SHORTEST_WAIT = 0.05
_ERRAND: TypeAdapter[Any] = TypeAdapter(Errand)
_log = structlog.get_logger(__name__)


class ErrandRow(Base):
    """Something the desk should do. Its key makes asking twice harmless."""

    __tablename__ = "errand"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    feature: Mapped[str] = mapped_column(String(40))  #: who asked
    request: Mapped[dict[str, Any]] = mapped_column(JSON)  #: runner.errands.Errand
    urgent: Mapped[bool] = mapped_column(default=False)  #: before those that are not
    failures: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    asked_at: Mapped[datetime]


Asked = Errand  #: what a row's ``request`` is


@dataclass(frozen=True)
class Answered:
    """The desk is done with an errand. Either ``answer`` or ``failure`` is there.

    A failure is the desk's own word, or ours after it died over the errand three times. Its row is
    gone in the same transaction, so whoever listens says what happens next.
    """

    key: str
    feature: str  #: who asked
    errand: Any  #: one of runner.errands
    answer: Plain | None = None
    failure: Failure | None = None


class DeskDied(Exception):  # noqa: N818 - a fact about a process, not a bug of ours
    """The desk ended, or had to be ended, without an answer."""


class Desk(Protocol):
    """What the clerk needs of a desk."""

    async def ask(self, errand: Any) -> Plain | Failure:
        """Have it done: the answer that the errand's kind promises, or why there is none.

        Raises:
            DeskDied: Nobody knows; asking again may help.
        """
        ...

    async def stop(self) -> None:
        """Leave no process behind. It may be asked again."""
        ...

    @property
    def running(self) -> bool:
        """Whether stopping it would save anything."""
        ...


async def put_errand(
    session: AsyncSession,
    errand: Plain,
    *,
    key: str,
    feature: str,
    now: datetime,
    urgent: bool = False,
) -> None:
    """Want *errand* done; under a key that waits already, want this one instead."""
    row = await session.scalar(select(ErrandRow).filter_by(key=key).with_for_update())
    request = errand.model_dump(mode="json")
    if row is None:
        session.add(
            ErrandRow(
                key=key, feature=feature, request=request, urgent=urgent, not_before=now, asked_at=now
            )
        )  # fmt: skip
    elif row.request != request:
        row.request, row.failures, row.not_before, row.asked_at = request, 0, now, now
    await session.flush()


async def take_back(session: AsyncSession, key: str) -> None:
    """Want no answer any more, whether the desk is on it or not."""
    await session.execute(delete(ErrandRow).where(ErrandRow.key == key))


async def errands_on_the_way(session: AsyncSession) -> set[str]:
    """Keys of errands that nobody has answered yet."""
    return set((await session.scalars(select(ErrandRow.key))).all())


class Clerk:
    """Takes errands to the desk, one after another, and brings the answers back."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        desk: Desk,
        work: Callable[[str], "AbstractAsyncContextManager[Work]"],
        *,
        idle_seconds: float = 120,
    ) -> None:
        """Start nothing yet.

        Args:
            database: Where the rows are.
            clock: Tells what is due.
            desk: Does them.
            work: Opens a transaction in which facts can be announced.
            idle_seconds: After how long a desk without errands is stopped.
        """
        self._database, self._clock, self.desk, self._work = database, clock, desk, work
        self._idle = idle_seconds
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Say that something may have been written."""
        self._news.set()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="clerk")

    async def stop(self) -> None:
        while self._task and not self._task.done():
            self._task.cancel()  # again, where a driver swallowed it
            await asyncio.wait([self._task], timeout=1)
        await self.desk.stop()

    async def _run(self) -> None:
        while True:
            wait = self._idle
            try:
                if (soon := await self.round()) is not None:
                    wait = min(wait, max(_SHORTEST_WAIT, soon.total_seconds()))
            except Exception:  # noqa: BLE001 - the database may be away; the clerk outlives that
                _log.exception("clerk.failed")
                wait = 2.0
            try:
                async with asyncio.timeout(wait):
                    await self._news.wait()
            except TimeoutError:
                if wait == self._idle and self.desk.running:
                    await self.desk.stop()
            self._news.clear()

    async def round(self) -> timedelta | None:
        """Have all done that is due. Returns how long until the next is, None when nothing waits."""
        while True:
            now = self._clock.now()
            async with self._database.read() as session:
                due = select(ErrandRow).where(ErrandRow.not_before <= now)
                row = await session.scalar(
                    due.order_by(ErrandRow.urgent.desc(), ErrandRow.id).limit(1)
                )
                if row is None:
                    soonest = await session.scalar(select(func.min(ErrandRow.not_before)))
                    return soonest - now if soonest else None
            await self._carry(row)

    async def _carry(self, row: ErrandRow) -> None:
        try:
            errand = _ERRAND.validate_python(row.request)
            said = await self.desk.ask(errand)
            failure = said if isinstance(said, Failure) else None
            answer = None if isinstance(said, Failure) else said
            await self._bring(row, Answered(row.key, row.feature, errand, answer, failure))
        except ValidationError as error:
            # Written by another version of us. It will never be understood.
            _log.exception("errand.misspoke", key=row.key, problems=error.error_count())
            await self._bring(row, _given_up(row, "an errand that cannot be read"))
        except DeskDied as death:
            await self._again(row, str(death))
        except Exception as error:  # noqa: BLE001 - one bad answer must not hold up the others
            _log.exception("errand.not_applied", key=row.key)
            await self._again(row, f"its answer broke ({type(error).__name__})")

    async def _bring(self, row: ErrandRow, answered: Answered) -> None:
        """Announce it and remove the row, unless something else is wanted under its key by now."""
        async with self._work(row.feature) as work:
            fresh = await work.session.get(ErrandRow, row.id, with_for_update=True)
            if fresh is None:
                return  # taken back
            if fresh.request == row.request:
                await work.session.delete(fresh)
            await work.announce(answered)

    async def _again(self, row: ErrandRow, reason: str) -> None:
        """Note a failure. After the last one it is announced as ours."""
        _log.warning("errand.lost", key=row.key, reason=reason, failures=row.failures + 1)
        async with self._database.write() as session:
            fresh = await session.get(ErrandRow, row.id, with_for_update=True)
            if fresh is None or fresh.request != row.request:
                return
            fresh.failures += 1
            fresh.not_before = self._clock.now() + _PAUSES[min(fresh.failures, len(_PAUSES)) - 1]
            enough = fresh.failures >= MOST_FAILURES
        if enough:
            try:
                await self._bring(row, _given_up(row, reason))
            except Exception:  # noqa: BLE001 - a defect of the listener must not be run for ever
                _log.exception("errand.dropped", key=row.key)
                async with self._database.write() as session:
                    await take_back(session, row.key)


def _given_up(row: ErrandRow, reason: str) -> Answered:
    try:
        errand = _ERRAND.validate_python(row.request)
    except ValidationError:
        errand = None
    failure = Failure(
        code="E_DESK_LOST",
        ours=True,
        problem="Our own scoring desk did not answer.",
        expected=f"an answer within {MOST_FAILURES} tries",
        got=reason[:200],
        fix="This was our fault. The moderators can see it in the log.",
    )
    return Answered(row.key, row.feature, errand, failure=failure)
