"""Procrastinate's way to Postgres, made to outlive an outage. Both ends of the job queue use it.

What a job is called and where reports go is here too: the one thing both ends must agree on.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import psycopg
import structlog
from procrastinate import App, PsycopgConnector, sql
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import BaseModel, Field

from runner.needs import Hello, Name

_log = structlog.get_logger(__name__)

#: How often a runner says that it lives, and after how long without that it is lost. The sweep that
#: looks comes every 5 s: a dead runner's job runs again 20 to 26 s after its death.
BEAT_SECONDS, STALL_SECONDS = 5.0, 20.0
BOT_QUEUE = "bot"  #: reports to the bot; never an evaluation
#: Rows of workers are kept this long: a worker that another one prunes can never beat again.
PRUNE_SECONDS = 86_400.0
_MOST_QUEUES = 32  #: that a runner may say it takes; ours say four
_OPEN_SECONDS = 5.0
_CONNECTION_SECONDS = 2.0  # that a caller waits for one; somebody may be waiting for the answer
_PAUSE = 1.0
_PATIENT: frozenset[str] = frozenset({sql.queries["finish_job"], sql.queries["retry_job"]})
# Without these, a host that vanished is noticed after two hours. What the address says wins.
_NOTICE_DEAD_PEERS: dict[str, Any] = {
    "connect_timeout": "3",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


def outcome_lock(key: str) -> str:
    """What the report of the outcome of job *key* is found by."""
    return f"outcome:{key}"


class RunnerReport(BaseModel):
    """How a worker introduces itself: Procrastinate's own table knows when it beat, no more."""

    name: Name
    queue: Name
    worker_id: int = Field(ge=0, lt=2**63)  #: whose heartbeats are this runner's
    hello: Hello
    takes: tuple[Name, ...] | None = Field(
        default=None, max_length=_MOST_QUEUES
    )  #: names of queues; None: an older runner, its line alone
    draining: bool = False  #: it was told to stop: ends what it is on and takes no more


class EnduringConnector(PsycopgConnector):
    """Loses no listener, no heartbeat and no end of a job to an outage of Postgres.

    Procrastinate's own listener stops in silence, and a heartbeat that fails ends the worker's
    side tasks, so that a healthy job looks stalled ever after and is run twice.
    """

    def __init__(self, url: str, *, connections: int = 4, patience: float = 600) -> None:
        """Connect to nothing yet. *patience*: seconds for which the end of a job is tried again."""
        super().__init__(
            conninfo=make_conninfo("", **(_NOTICE_DEAD_PEERS | conninfo_to_dict(url))),
            min_size=1,
            max_size=connections,
            timeout=_CONNECTION_SECONDS,
            reconnect_timeout=3,  # after that the next caller asks again; the default backs off for minutes
        )
        self.patience = patience
        self.missed_beats = 0
        self.listener_losses = 0
        self.reached_since: float | None = None  #: monotonic; None as long as it is away

    async def open_async(self, pool: Any = None) -> None:
        """Open the pool, or leave it closed. Procrastinate would take a failed one for open."""
        try:
            async with asyncio.timeout(_OPEN_SECONDS), self._noting():
                await super().open_async(pool)
        except BaseException:
            await self.close_async()
            raise

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        if query == sql.queries["update_heartbeat"]:
            await self._beat(query, arguments)
        elif query in _PATIENT:
            await self._insist(query, arguments)
        else:
            async with self._noting():
                await super().execute_query_async(query, **arguments)

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        async with self._noting():
            row: dict[str, Any] = await super().execute_query_one_async(query, **arguments)
            return row

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        async with self._noting():
            rows: list[dict[str, Any]] = await super().execute_query_all_async(query, **arguments)
            return rows

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        while True:
            try:
                await super().listen_notify(on_notification, channels)
            except ConnectorException as error:
                self.listener_losses += 1
                self.reached_since = None
                _log.warning("jobs.listener_lost", reason=_reason(error))
            await asyncio.sleep(_PAUSE)

    async def _beat(self, query: LiteralString, arguments: dict[str, Any]) -> None:
        try:
            async with self._noting():
                await super().execute_query_async(query, **arguments)
        except ConnectorException as error:
            self.missed_beats += 1
            _log.warning("jobs.beat_missed", reason=_reason(error))

    async def _insist(self, query: LiteralString, arguments: dict[str, Any]) -> None:
        """Write the end of a job. Left unwritten, it would hold its lock as long as we live."""
        began = time.monotonic()
        while True:
            try:
                async with self._noting():
                    await super().execute_query_async(query, **arguments)
            except ConnectorException as error:
                if isinstance(error.__cause__, psycopg.errors.RaiseException):
                    # It was taken from us meanwhile; whoever did so has seen to it.
                    _log.warning("jobs.end_of_no_use", job=arguments.get("job_id"))
                    return
                if not is_outage(error) or time.monotonic() - began > self.patience:
                    raise
                await asyncio.sleep(_PAUSE)
            else:
                return

    @asynccontextmanager
    async def _noting(self) -> AsyncIterator[None]:
        try:
            yield
        except (ConnectorException, psycopg.Error, TimeoutError) as error:
            if is_outage(error):
                self.reached_since = None
            raise
        if self.reached_since is None:
            self.reached_since = time.monotonic()


class _WithoutArguments(logging.Filter):
    """Takes out of Procrastinate's entries what jobs were given: tokens of attempts are in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        job = getattr(record, "job", None)
        if isinstance(job, dict):
            record.msg, record.args = (
                f"{job.get('task_name')} {job.get('id')}: %s",
                (getattr(record, "action", ""),),
            )
            record.job = {key: job.get(key) for key in ("id", "task_name", "queueing_lock")}
        return True


def application(connector: EnduringConnector, name: str) -> App:
    """A Procrastinate of that worker *name*, which can run nothing yet and keeps secrets to itself."""
    app = App(connector=connector)
    app.tasks.clear()  # it brings one of its own that deletes jobs
    # What jobs are waiting and running, rows and our own entries tell. Entries of a drain name no
    # job apart from their text, so the level has to keep them out.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    for logger in ("procrastinate.worker", f"procrastinate.worker.{name}"):
        if not logging.getLogger(logger).filters:
            logging.getLogger(logger).addFilter(_WithoutArguments())
    return app


def is_outage(error: BaseException) -> bool:
    """Whether *error* means that Postgres could not be reached, rather than that it refused."""
    if isinstance(error, ConnectorException):
        error = error.__cause__ or error
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | TimeoutError)


def _reason(error: BaseException) -> str:
    return type(error.__cause__ or error).__name__
