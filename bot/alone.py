"""Lets one bot lead: in a data folder, and on a community's database. Others are refused, or wait.

Two that led would give each other's attempts anew, and say everything twice.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
import structlog

if TYPE_CHECKING:
    import psycopg

Waits = Callable[[str], None]  #: told once, and where, that another bot leads
_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 2.0
_TURN_SECONDS = 0.5  # how often one that waits looks whether it is its turn
_ANSWER_SECONDS = 10.0  # a connection that says nothing for so long is lost
_START_SECONDS = 5.0  # a bot that was killed a moment ago still holds its lock
# Without these, a host that vanished holds the lock for two hours.
_NOTICE_DEAD_PEERS = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}  # fmt: skip
_TAKE = "SELECT pg_try_advisory_lock(hashtext('bookwiz bot')), pg_backend_pid()"
_HOLDER = """
SELECT held.pid FROM pg_locks AS held
 WHERE held.locktype = 'advisory' AND held.granted AND held.objid = hashtext('bookwiz bot')::oid
   AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep a second bot out of this data folder; the lock goes with the process, however it ends.

    Raises:
        click.ClickException: One is there already, or the folder cannot be used.
    """
    with _lock_of(folder) as lock:
        if not _taken(lock):
            raise click.ClickException(
                f"Bookwiz already runs on {folder} (process {_holder_of(lock)}). "
                "Stop that one, or choose another folder: --data"
            )
        yield


@asynccontextmanager
async def in_turn_in(folder: Path, waits: Waits) -> AsyncIterator[None]:
    """Like ``alone_in``, but where a bot is there already, say so and wait until it ends."""
    with _lock_of(folder) as lock:
        if not _taken(lock):
            waits(f"{folder} (process {_holder_of(lock)})")
            while not _taken(lock):  # noqa: ASYNC110 - another process lets go, and tells nobody
                await asyncio.sleep(_TURN_SECONDS)
        yield


@asynccontextmanager
async def alone_on(
    url: str, *, taken: Callable[[], None] | None = None, waits: Waits | None = None
) -> AsyncIterator[None]:
    """Keep a second bot off this Postgres database, by a lock that one connection holds.

    When that connection is lost the lock is taken again. When another bot has it by then, *taken*
    is called, once: by default it tells this process to stop. With *waits*, say so where a bot is
    there already, and wait until it ends.

    Raises:
        click.ClickException: A bot is there already, or the database cannot be reached.
    """
    lock = _Lock(url)
    await lock.take_at_start(waits)
    watching = asyncio.create_task(lock.watch(taken or _stop))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await lock.give_back()


@contextmanager
def _lock_of(folder: Path) -> Iterator[IO[str]]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "bookwiz.lock").open("a+")
    except OSError as error:
        raise click.ClickException(
            f"The data folder {folder} cannot be used ({error.strerror}). Choose another: BOOKWIZ_DATA or --data."
        ) from error
    with lock:
        yield lock


def _taken(lock: IO[str]) -> bool:
    """Take it, unless somebody else has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return True


def _holder_of(lock: IO[str]) -> str:
    lock.seek(0)
    return lock.read().strip() or "unknown"


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class _Lock:
    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection | None = None
        self._pid = 0  #: of the server's process that held the lock for us

    async def take_at_start(self, waits: Waits | None) -> None:
        import psycopg

        try:
            if await self._take_soon():
                return
        except (psycopg.Error, TimeoutError) as error:
            raise click.ClickException(
                f"The database cannot be used: {error}. Look with: bookwiz doctor"
            ) from error
        if waits is None:
            raise click.ClickException(
                "Bookwiz already runs on this database, with another data folder. Stop that one, or "
                "give this one a database of its own: BOOKWIZ_DATABASE_URL"
            )
        waits("this database, from elsewhere")
        while True:
            with contextlib.suppress(psycopg.Error, TimeoutError):  # it may be away for a while
                if await self._take():
                    break
            await asyncio.sleep(_TURN_SECONDS)
        # One that only lost its connection finds out by then that it leads no more, and ends.
        await asyncio.sleep(_LOOK_SECONDS + 1)

    async def _take_soon(self) -> bool:
        """Whether it can be had: of one that was killed a moment ago, it takes a moment."""
        end = asyncio.get_running_loop().time() + _START_SECONDS
        while not await self._take():
            if asyncio.get_running_loop().time() > end:
                return False
            await asyncio.sleep(0.2)
        return True

    async def watch(self, taken: Callable[[], None]) -> None:
        """Look whether we still hold it, and take it again; end when somebody else does."""
        import psycopg

        while True:
            try:
                if self._connection is None and not await self._take():
                    _log.critical("database.taken", fix="stop the other bot on this database")
                    taken()
                    return
                await self._ask("SELECT 1")
            except (psycopg.Error, TimeoutError) as error:
                _log.warning("database.lock_lost", error=type(error).__name__)
                await self.give_back()
            await asyncio.sleep(_LOOK_SECONDS if self._connection else 1)

    async def give_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it may be gone, and the lock with it
                await connection.close()

    async def _take(self) -> bool:
        """Whether nobody else has it. Raises psycopg.Error or TimeoutError where that is not known."""
        import psycopg

        async with asyncio.timeout(_ANSWER_SECONDS):
            self._connection = await psycopg.AsyncConnection.connect(
                psycopg.conninfo.make_conninfo(self._url, **_NOTICE_DEAD_PEERS), autocommit=True
            )
        held, pid = await self._ask(_TAKE)
        if held:
            self._pid = pid
            return True
        holder = await self._ask(_HOLDER)
        if holder == (self._pid,):
            # Our own connection, of which the server has not heard yet that it was cut.
            await self._ask("SELECT pg_terminate_backend(%s, 5000)", self._pid)
            held, self._pid = await self._ask(_TAKE)
        if not held:
            await self.give_back()
        return bool(held)

    async def _ask(self, query: str, *values: object) -> tuple[object, ...]:
        assert self._connection is not None
        async with asyncio.timeout(_ANSWER_SECONDS):
            cursor = await self._connection.execute(query, values)  # type: ignore[arg-type] # constants of this file
            return await cursor.fetchone() or ()
