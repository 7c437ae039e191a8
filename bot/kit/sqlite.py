"""SQLite as this project uses it: one file, many readers, one writer, and few changes of threads.

aiosqlite keeps a thread for each connection. SQLAlchemy asks it four times for a statement (make a
cursor, execute, fetch, close), and each time the event loop waits for a thread to wake up: most of
what a short command costs. Here a statement is one such change. Rows are fetched whole, as
SQLAlchemy does with this driver anyway.
"""

import sqlite3
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Self, TypeVar

import aiosqlite
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine

_T = TypeVar("_T")
_PRAGMAS = (
    "journal_mode = WAL",
    "foreign_keys = ON",
    "busy_timeout = 10000",
    "synchronous = NORMAL",  # a killed process loses nothing; only a power cut may
)


class _Cursor:
    """The part of ``aiosqlite.Cursor`` that SQLAlchemy uses, at one change of threads a statement."""

    description: Any = None
    rowcount = -1
    lastrowid: int | None = None
    arraysize = 1

    def __init__(self, connection: "_Connection") -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> Self:
        await self._run(lambda cursor: cursor.execute(sql, parameters))
        return self

    async def executemany(self, sql: str, parameters: Iterable[Any]) -> Self:
        await self._run(lambda cursor: cursor.executemany(sql, parameters))
        return self

    async def fetchall(self) -> list[Any]:
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open: all rows were fetched with the statement."""

    async def _run(self, statement: Callable[[sqlite3.Cursor], object]) -> None:
        def work() -> tuple[sqlite3.Cursor, list[Any]]:
            cursor = self._connection.raw.cursor()
            statement(cursor)
            return cursor, cursor.fetchall() if cursor.description else []

        cursor, self._rows = await self._connection.in_thread(work)
        self.description, self.rowcount = cursor.description, cursor.rowcount
        self.lastrowid = cursor.lastrowid


class _Connection(aiosqlite.Connection):
    """An aiosqlite connection whose cursors cost nothing to make."""

    @property
    def raw(self) -> sqlite3.Connection:
        return self._conn

    async def in_thread(self, work: Callable[[], _T]) -> _T:
        """Do *work* in the connection's own thread."""
        done: _T = await self._execute(work)  # type: ignore[no-untyped-call] # aiosqlite's own
        return done

    def cursor(self) -> Any:
        return _Cursor(self)


def creator(url: URL) -> Callable[[], Coroutine[Any, Any, _Connection]]:
    """What makes a connection to the file of *url*, for ``create_async_engine(async_creator=…)``."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            str(url.database),
            check_same_thread=False,  # aiosqlite decides on the thread; this would forbid closing
            isolation_level=None,  # the driver's own BEGIN comes too late and skips DDL
            uri=_is_uri(url),
        )
        # Here rather than when SQLAlchemy has it: cancelled in between, nobody would close it.
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    async def create() -> _Connection:
        connection = _Connection(connect, iter_chunk_size=64)
        connection._thread.daemon = True  # noqa: SLF001 - as SQLAlchemy does with connections it makes
        await connection
        return connection

    return create


def _is_uri(url: URL) -> bool:
    return str(url.database).startswith("file:")


def teach(engine: AsyncEngine) -> None:
    """Begin transactions ourselves."""

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("immediate")
        # Straight to the driver: as a statement of SQLAlchemy's it would cost as much as a query.
        cursor = connection.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if immediate else "BEGIN")
        cursor.close()
