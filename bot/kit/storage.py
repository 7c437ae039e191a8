"""When our own storage fails: what it is, what whoever waits reads, and that moderators hear it once.

The disk may be full, the folder gone, the database away. None of it is a member's fault, none of it
is a defect, and all of it is over when somebody made room: nothing has to be started again.
"""

import asyncio
import errno
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bot.kit.command import Refusal

_log = structlog.get_logger(__name__)
_PAUSE = 5.0  # seconds before it is tried again to tell moderators
_ERRNO_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_ERRNO_GONE = {
    errno.EIO, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM,
    errno.ESTALE, errno.ENODEV, errno.ENXIO,
}  # fmt: skip
_SQLITE_FULL = {sqlite3.SQLITE_FULL}
_SQLITE_GONE = {
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PERM,
}  # fmt: skip
# SQLSTATE classes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_DISK_FULL, _SYSTEM_ERROR = "53100", "58"
_AWAY = ("08", "57P", "53")  # no connection; shut down or starting; no resources


class Trouble(StrEnum):
    """What is wrong with our storage."""

    FULL = "full"
    GONE = "gone"
    AWAY = "away"


def trouble_of(error: BaseException) -> Trouble | None:
    """What *error*, or what caused it, says of our storage; None where it says nothing of it."""
    for cause in _causes(error):
        found = _of_sqlite(cause) or _of_postgres(cause) or _of_system(cause)
        if found is not None:
            return found
    return None


def refusal_of(trouble: Trouble) -> Refusal:
    """The words for a member: ours, costs nothing, and what to do."""
    match trouble:
        case Trouble.FULL:
            problem, code = "Our disk is full; nothing was kept.", "E_STORAGE"
        case Trouble.GONE:
            problem, code = "Our storage cannot be reached; nothing was kept.", "E_STORAGE"
        case Trouble.AWAY:
            problem, code = "Our database does not answer right now.", "E_DATABASE"
    fix = "This is our fault and cost you nothing. The moderators are told; try again in a while."
    return Refusal(problem, code=code, fix=fix)


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.orig if isinstance(found, DBAPIError) else found.__cause__


def _of_sqlite(error: BaseException) -> Trouble | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & 0xFF  # the rest says more precisely where
    return (
        Trouble.FULL
        if primary in _SQLITE_FULL
        else Trouble.GONE
        if primary in _SQLITE_GONE
        else None
    )


def _of_postgres(error: BaseException) -> Trouble | None:
    if isinstance(error, PoolTimeout) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return Trouble.AWAY
    if not hasattr(error, "sqlstate"):
        return None
    state = error.sqlstate
    if (
        state is None
    ):  # what the driver says by itself: a connection that is not to be had, or broke
        return Trouble.AWAY if type(error).__name__ == "OperationalError" else None
    if state == _DISK_FULL:
        return Trouble.FULL
    if state.startswith(_SYSTEM_ERROR):
        return Trouble.GONE
    return Trouble.AWAY if state.startswith(_AWAY) else None


def _of_system(error: BaseException) -> Trouble | None:
    if not isinstance(error, OSError):
        return None
    return (
        Trouble.FULL
        if error.errno in _ERRNO_FULL
        else Trouble.GONE
        if error.errno in _ERRNO_GONE
        else None
    )


class Troubles:
    """Hears of every trouble, and tells the moderators of each kind as soon as that can be written.

    What stands in the way of a member may stand in the way of the note as well: so it is kept here
    until it was written. It does not judge how long a trouble lasts.
    """

    def __init__(self, tell: Callable[[Trouble], Awaitable[None]]) -> None:
        """*tell* writes the note, once a day and kind, and raises where it cannot."""
        self._tell = tell
        self._untold: set[Trouble] = set()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def met(self, error: BaseException) -> Refusal | None:
        """Take note of *error* and give the words for it; None where it is no trouble of storage."""
        trouble = trouble_of(error)
        if trouble is None:
            return None
        # With its frames: a path of ours that is wrong looks like storage that is gone.
        _log.error(
            "storage.failed", trouble=trouble.value, error=type(error).__name__, exc_info=error
        )
        self._untold.add(trouble)
        self._news.set()
        return refusal_of(trouble)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="troubles")

    async def stop(self) -> None:
        while self._task and not self._task.done():
            self._task.cancel()  # again, where a driver swallowed it
            await asyncio.wait([self._task], timeout=1)

    async def round(self) -> None:
        """Tell what was not told yet."""
        for trouble in sorted(self._untold):
            await self._tell(trouble)
            self._untold.discard(trouble)

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 - as long as it lasts, there is nowhere to write
                _log.warning("storage.not_told", error=type(error).__name__)
                await asyncio.sleep(_PAUSE)
                self._news.set()
