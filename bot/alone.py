"""Keeps a second bot out: of a data folder, and of a community's database.

Two that share one of them would give each other's attempts anew, and say everything twice.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import structlog

if TYPE_CHECKING:
    import psycopg

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 5.0
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "bookwiz.lock").open("a+")
    except OSError as error:
        raise click.ClickException(
            f"The data folder {folder} cannot be used ({error.strerror}). Choose another: BOOKWIZ_DATA or --data."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise click.ClickException(
                f"Bookwiz already runs on {folder} (process {lock.read().strip() or 'unknown'}). "
                "Stop that one, or choose another folder: --data"
            ) from error
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@asynccontextmanager
async def alone_on(url: str, *, taken: Callable[[], None] | None = None) -> AsyncIterator[None]:
    """Keep a second bot off this Postgres database, by a lock that one connection holds.

    When that connection is lost the lock is taken again. When another bot has it by then, *taken*
    is called, once: by default it tells this process to stop.

    Raises:
        click.ClickException: A bot is there already, or the database cannot be reached.
    """
    lock = _Lock(url)
    await lock.take_at_start()
    watching = asyncio.create_task(lock.watch(taken or _stop))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await lock.give_back()


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class _Lock:
    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection | None = None
        self._pid = 0  #: of the server's process that held the lock for us

    async def take_at_start(self) -> None:
        import psycopg

        end = asyncio.get_running_loop().time() + _START_SECONDS
        try:
            while not await self._take():
                if asyncio.get_running_loop().time() > end:
                    raise click.ClickException(
                        "Bookwiz already runs on this database, with another data folder. Stop that one, or "
                        "give this one a database of its own: BOOKWIZ_DATABASE_URL"
                    )
                await asyncio.sleep(0.2)
        except (psycopg.Error, TimeoutError) as error:
            raise click.ClickException(
                f"The database cannot be used: {error}. Look with: bookwiz doctor"
            ) from error

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
