"""The distributed engine: Procrastinate on Postgres, with any number of runners on other hosts.

The bot only ever *runs* what it registers: reports of runners. Evaluations it defers by name, so
that one which somebody smuggles onto its queue has nothing to run it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.exceptions import AlreadyEnqueued, AppNotOpen, ConnectorException
from procrastinate.jobs import Job, Status
from pydantic import ValidationError

from bot.kit.jobs import OnOutcome, OnProgress, RunnerSeen
from bot.kit.jobs.roster import Roster
from bot.kit.jobs.schema import apply_schema, grants
from runner.contract import Evaluation, Outcome, Progress
from runner.engine_connector import (
    BEAT_SECONDS,
    BOT_QUEUE,
    PRUNE_SECONDS,
    STALL_SECONDS,
    EnduringConnector,
    RunnerReport,
    application,
    outcome_lock,
)
from runner.needs import parts_of, queue_for

__all__ = ["DistributedEngine", "apply_schema", "grants"]

_log = structlog.get_logger(__name__)
_PAUSE = 1.0
_LONGEST_PAUSE = 30
_KEPT_HOURS = 24
_FORGET_RUNNERS = 86_400.0

# One statement, since a job moves on between two: from waiting to running, from running to the
# report of its outcome. A report that waits for us is the job's too, whoever runs us.
_ALIVE = """
SELECT DISTINCT job.queueing_lock AS lock, job.status = 'todo' AS waits, job.queue_name AS queue
  FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
 WHERE job.queueing_lock = ANY(%(locks)s::text[])
   AND (job.status = 'todo' OR job.status = 'doing' AND (
        NOT %(judge)s::boolean OR job.queue_name = %(bot)s
        OR worker.last_heartbeat > now() - make_interval(secs => %(stall)s::float8)))
"""
_TAKEN = """
SELECT DISTINCT job.queueing_lock AS lock FROM procrastinate_jobs AS job
 WHERE job.queueing_lock = ANY(%(locks)s::text[]) AND job.status = 'doing' AND job.queue_name <> %(bot)s
   AND NOT EXISTS (
       SELECT FROM procrastinate_jobs AS report
        WHERE report.queueing_lock = %(outcome)s || job.queueing_lock
          AND report.queue_name = %(bot)s AND report.status IN ('todo', 'doing'))
"""
_BEATS = """
SELECT worker.id, worker.last_heartbeat, min(job.queueing_lock) AS key,
       extract(epoch FROM now() - worker.last_heartbeat)::float8 AS age
  FROM procrastinate_workers AS worker
  LEFT JOIN procrastinate_jobs AS job
    ON job.worker_id = worker.id AND job.status = 'doing' AND job.queue_name <> %(bot)s
 WHERE worker.id = ANY(%(workers)s::bigint[]) GROUP BY worker.id
"""


class _UntilApplied(BaseRetryStrategy):
    """An outcome is applied sooner or later."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        _log.error("outcome.not_applied", job=job.id, exc_info=exception)
        pause = min(_LONGEST_PAUSE, (1 << min(job.attempts, 10)) - 1)
        return RetryDecision(retry_in={"seconds": pause})


class DistributedEngine:
    """Implements the port with jobs in a database of their own."""

    trusted = False

    def __init__(
        self,
        url: str,
        *,
        stall_seconds: float = STALL_SECONDS,
        beat_seconds: float = BEAT_SECONDS,
        poll_seconds: float = 5,
        grace_seconds: float = 5,
        hello_seconds: float = 90,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: ``postgresql://…`` of the job database; LISTEN needs a direct connection.
            stall_seconds: A runner that has not beaten for so long is lost. So long, too, nobody is
                judged after the database could not be reached.
            beat_seconds: How often our own worker beats.
            poll_seconds: How often to look for reports of which no notification came.
            grace_seconds: How long ``stop`` waits for reports that are being applied.
            hello_seconds: By when every runner has introduced itself, and is back that went away to
                be restarted.
        """
        self._stall, self._beat_every, self._poll = stall_seconds, beat_seconds, poll_seconds
        self._grace, self._hello_within = grace_seconds, hello_seconds
        self._connector = EnduringConnector(url, connections=8)
        self._app = application(self._connector, BOT_QUEUE)
        self._app.task(name="outcome", queue=BOT_QUEUE, retry=_UntilApplied())(self._outcome)
        self._app.task(name="progress", queue=BOT_QUEUE)(self._progress)
        self._app.task(name="hello", queue=BOT_QUEUE)(self._hello)
        self._roster = Roster()
        self._opened = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        # When: a runner may take back what the row says of that.
        self._told_to_stop: dict[int, float] = {}

    @property
    def troubles(self) -> dict[str, int]:
        return {
            "listener_lost": self._connector.listener_losses,
            "beat_missed": self._connector.missed_beats,
        }

    async def start(self, on_outcome: OnOutcome, on_progress: OnProgress) -> None:
        """Start even when the database is away: it is looked for until it is there."""
        self._on_outcome, self._on_progress, self._stopping = on_outcome, on_progress, False
        self._tasks = [asyncio.create_task(self._supervise()), asyncio.create_task(self._tend())]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * _PAUSE):
                await self._opened.wait()

    async def stop(self) -> None:
        """Let reports that are being applied end. Runners go on without us."""
        self._connector.patience = 0
        self._stopping = True
        pending = set(self._tasks)
        while pending:
            for task in pending:
                task.cancel()
            # Again until they end: on its way through a driver a cancellation may get lost.
            _, pending = await asyncio.wait(pending, timeout=self._grace + 2)
        await self._app.close_async()

    async def dispatch(self, *, key: str, queue: str, lock: str, payload: str) -> None:
        if queue == BOT_QUEUE:
            raise ValueError(f"{queue} is the queue of reports")
        evaluation = Evaluation.model_validate_json(payload)
        queue = queue_for(queue, evaluation)
        # A job that no runner can do for now must not hold up those of its lock that one can.
        task = self._app.configure_task(
            "evaluate", queue=queue, lock=f"{queue}:{lock}", queueing_lock=key
        )
        async with self._reaching():
            # The unique index knows waiting jobs only; a running one would be deferred again.
            if await self._jobs(key):
                return
            with contextlib.suppress(AlreadyEnqueued):
                await task.defer_async(evaluation=evaluation.model_dump(mode="json"))

    async def cancel(self, key: str) -> None:
        """Stop the job. One whose runner is lost is ended here, since that frees its lock.

        So is, after a while, one whose runner lives and does not obey.
        """
        async with self._reaching():
            lost = await self._lost()
            for job in await self._jobs(key):
                assert job.id is not None
                if job.id in lost:
                    await self._finish(job.id)
                else:
                    self._told_to_stop.setdefault(job.id, time.monotonic())
                    await self._app.job_manager.cancel_job_by_id_async(job.id, abort=True)

    async def alive(self, keys: list[str]) -> set[str]:
        async with self._reaching():
            rows = await self._connector.execute_query_all_async(
                _ALIVE,
                locks=[*keys, *map(outcome_lock, keys)],
                judge=self._may_judge(),
                stall=self._stall,
                bot=BOT_QUEUE,
            )
        # What another version queued under a name that nobody listens to would wait for ever.
        found = {row["lock"] for row in rows if not row["waits"] or parts_of(row["queue"])}
        return {key for key in keys if key in found or outcome_lock(key) in found}

    async def taken(self, keys: list[str]) -> set[str]:
        async with self._reaching():
            rows = await self._connector.execute_query_all_async(
                _TAKEN, locks=keys, outcome=outcome_lock(""), bot=BOT_QUEUE
            )
        return {row["lock"] for row in rows} if self._may_judge() else set()

    async def runners(self) -> list[RunnerSeen]:
        """Those that introduced themselves since we started; runners do so each minute."""
        async with self._reaching():
            rows = await self._connector.execute_query_all_async(
                _BEATS, workers=self._roster.workers(), bot=BOT_QUEUE
            )
        jobs = self._roster.note(rows)
        return self._roster.seen(jobs, stall=self._stall if self._may_judge() else None)

    async def served(self, queues: Collection[str]) -> dict[str, bool]:
        await self.runners()
        taken = self._roster.taken(within=self._hello_within)
        all_spoke = self._reached_for() > self._hello_within
        return {queue: queue in taken for queue in queues if queue in taken or all_spoke}

    async def tidy(self, *, hours: int = _KEPT_HOURS) -> None:
        """Delete what ended *hours* ago, and forget runners that went long ago."""
        async with self._reaching():
            await self._app.job_manager.delete_old_jobs(
                hours, include_failed=True, include_cancelled=True, include_aborted=True
            )
        self._roster.forget(seconds=_FORGET_RUNNERS)

    async def _outcome(self, outcome: dict[str, Any]) -> None:
        try:
            said = Outcome.model_validate(outcome)
        except ValidationError as error:  # trying again is no use; the attempt is lost
            _log.error("outcome.malformed", problems=error.error_count())
            return
        await self._on_outcome(said)

    async def _progress(self, progress: dict[str, Any]) -> None:
        try:
            await self._on_progress(Progress.model_validate(progress))
        except Exception as error:  # noqa: BLE001 - the next one comes soon
            _log.warning("progress.lost", error=type(error).__name__)

    async def _hello(self, report: dict[str, Any]) -> None:
        self._roster.introduce(RunnerReport.model_validate(report))

    async def _supervise(self) -> None:
        """Take reports, for ever; begin anew when an outage ended it, with opening the pool."""
        while not self._stopping:
            try:
                await self._app.open_async()
                self._opened.set()
                await self._app.run_worker_async(
                    queues=[BOT_QUEUE],
                    name=BOT_QUEUE,
                    concurrency=4,
                    fetch_job_polling_interval=self._poll,
                    shutdown_graceful_timeout=self._grace,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                    update_heartbeat_interval=self._beat_every,
                    stalled_worker_timeout=PRUNE_SECONDS,
                )
            except Exception as error:  # noqa: BLE001 - whatever it was, reports must be taken again
                _log.warning("jobs.worker_ended", error=type(error.__cause__ or error).__name__)
            await asyncio.sleep(_PAUSE)

    async def _tend(self) -> None:
        """See to jobs that nobody else will end, and delete old ones."""
        tidied = 0.0
        while not self._stopping:
            await asyncio.sleep(self._stall / 3)
            try:
                await self._pick_up()
                if time.monotonic() - tidied > 3600:  # noqa: PLR2004 - each hour
                    await self.tidy()
                    tidied = time.monotonic()
            except Exception as error:  # noqa: BLE001 - the next round will do
                _log.warning("jobs.not_tended", error=type(error.__cause__ or error).__name__)

    async def _pick_up(self) -> None:
        """Repeat reports that a bot died with; end cancelled jobs that their runners do not end."""
        async with self._reaching():
            lost = await self._lost()
            for job in lost.values():
                assert job.id is not None
                if job.queue == BOT_QUEUE:
                    _log.warning("report.repeated", task=job.task_name, job=job.id)
                    await self._app.job_manager.retry_job(job)
            running = await self._app.job_manager.list_jobs_async(status="doing")
            await self._end_cancelled([j for j in running if j.queue != BOT_QUEUE], lost)

    async def _end_cancelled(self, running: list[Job], lost: Collection[int]) -> None:
        now, told = time.monotonic(), {}
        for job in running:
            assert job.id is not None
            if job.abort_requested or job.id in self._told_to_stop:
                told[job.id] = self._told_to_stop.get(job.id, now)
        self._told_to_stop = told
        for job_id, since in told.items():
            if job_id in lost or (self._may_judge() and now - since > self._stall):
                await self._finish(job_id)

    def _may_judge(self) -> bool:
        """Whether runners had the time to beat since we can reach the database ourselves."""
        return self._reached_for() > self._stall

    def _reached_for(self) -> float:
        """For how many seconds the database has been there."""
        since = self._connector.reached_since
        return 0.0 if since is None else time.monotonic() - since

    async def _lost(self) -> dict[int, Job]:
        """Running jobs whose worker has not beaten for too long, as far as we can judge that."""
        stalled = await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self._stall)
        return {job.id: job for job in stalled if job.id is not None} if self._may_judge() else {}

    async def _jobs(self, key: str) -> list[Job]:
        return list(await self._app.job_manager.list_jobs_async(queueing_lock=key))

    async def _finish(self, job_id: int) -> None:
        with contextlib.suppress(ConnectorException):  # it may just have ended by itself
            await self._app.job_manager.finish_job_by_id_async(
                job_id, Status.FAILED, delete_job=False
            )

    @asynccontextmanager
    async def _reaching(self) -> AsyncIterator[None]:
        try:
            yield
        except (ConnectorException, AppNotOpen, psycopg.Error) as error:
            reason = type(error.__cause__ or error).__name__
            raise ConnectionError(f"the job database cannot be used: {reason}") from error
