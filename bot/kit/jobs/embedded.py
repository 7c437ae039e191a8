"""The embedded engine: runner processes of our own, for a bot that is all on one host.

The queue is kept in memory. Durability comes from the rows of whoever dispatches: what was queued
when this process ended is not alive any more, and is dispatched again.
"""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from bot.kit.jobs import OnOutcome, OnProgress, RunnerSeen
from runner.contract import Evaluation, Outcome
from runner.process import SERVE, RunnerDied, RunnerProcess, handed_back

_log = structlog.get_logger(__name__)
_PAUSES = (0.1, 0.5, 2.0, 5.0, 15.0, 30.0)  # seconds before trying again, the last one for ever


@dataclass
class _Job:
    """A job that is known: it waits, runs, or its outcome is not applied yet."""

    key: str
    lock: tuple[str, str]  #: queue and lock; one job of it is at work at a time
    evaluation: Evaluation
    task: asyncio.Task[None] | None = None  #: None: it waits
    outcome: Outcome | None = None
    begun: bool = False  #: a runner process took it
    stopped: bool = False  #: we stop; it is handed back instead of dropped


@dataclass
class _Seat:
    """One runner process, and what is known of it."""

    process: RunnerProcess
    job: _Job | None = None
    heard_at: datetime | None = None


class EmbeddedEngine:
    """Implements the port with one asyncio worker for each runner process."""

    trusted = True

    def __init__(
        self,
        *,
        runners: int = 1,
        idle_seconds: float = 120,
        command: Sequence[str] = SERVE,
        grace_seconds: float = 5,
    ) -> None:
        """Start nothing yet; a runner is started with its first job.

        Args:
            runners: How many processes at once.
            idle_seconds: After how long a runner without work is stopped: an idle bot stays small.
            command: What a runner process is.
            grace_seconds: How long ``stop`` waits for work to end.
        """
        self._idle, self._grace = idle_seconds, grace_seconds
        self._seats = [_Seat(RunnerProcess(command)) for _ in range(runners)]
        self._jobs: dict[str, _Job] = {}  # in order of arrival
        self._changed = asyncio.Condition()
        self._workers: list[asyncio.Task[None]] = []
        self._reports: set[asyncio.Task[None]] = set()
        self.troubles: dict[str, int] = {}  #: none: it has no database

    async def start(self, on_outcome: OnOutcome, on_progress: OnProgress) -> None:
        self._on_outcome, self._on_progress = on_outcome, on_progress
        self._workers = [
            asyncio.create_task(self._work(seat), name=f"runner {n}")
            for n, seat in enumerate(self._seats, 1)
        ]

    async def stop(self) -> None:
        """Give what runs a few seconds, hand back what does not make it, leave no child process."""
        for worker in self._workers:
            worker.cancel()  # takes no new work; what it is on goes on by itself
        await asyncio.gather(*self._workers, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._grace):
                while at_work := self._at_work():
                    await asyncio.wait(at_work)
        for job in self._jobs.values():
            job.stopped = True
        while at_work := self._at_work():
            for task in at_work:
                task.cancel()
            # Again until they end: on its way through a driver a cancellation may get lost.
            await asyncio.wait(at_work, timeout=self._grace + 2)
        await asyncio.gather(*(seat.process.stop(1) for seat in self._seats))

    async def dispatch(self, *, key: str, queue: str, lock: str, payload: str) -> None:
        evaluation = Evaluation.model_validate_json(payload)
        async with self._changed:
            self._jobs.setdefault(key, _Job(key, (queue, lock), evaluation))
            self._changed.notify_all()

    async def cancel(self, key: str) -> None:
        async with self._changed:
            job = self._jobs.pop(key, None)
            self._changed.notify_all()
        if job is not None and job.task is not None:
            job.task.cancel()
            await asyncio.wait({job.task})

    async def alive(self, keys: list[str]) -> set[str]:
        return {key for key in keys if key in self._jobs}

    async def taken(self, keys: list[str]) -> set[str]:
        known = [self._jobs[key] for key in keys if key in self._jobs]
        return {job.key for job in known if job.begun and job.outcome is None}

    async def runners(self) -> list[RunnerSeen]:
        """Those that said hello once, also when they idle without a process since."""
        return [self._seen(seat) for seat in self._seats if seat.process.hello is not None]

    async def served(self, queues: Collection[str]) -> dict[str, bool]:
        """All are: there is no other runner to wait for, and ours says why it refuses a model."""
        return dict.fromkeys(queues, True)

    def _seen(self, seat: _Seat) -> RunnerSeen:
        hello = seat.process.hello
        assert hello is not None
        if seat.process.running or seat.heard_at is None:
            seat.heard_at = datetime.now(UTC)
        return RunnerSeen(
            name=hello.runner,
            queue="any",
            tier=hello.tier,
            hardware=hello.hardware,
            versions=hello.versions,
            heartbeat_at=seat.heard_at,
            busy_with=seat.job.key if seat.job else None,
            formats=hello.formats,
            purposes=hello.purposes,
            gpus=hello.gpus,
            state="up" if seat.process.running else "asleep",
        )

    def _at_work(self) -> set[asyncio.Task[None]]:
        running = {j.task for j in self._jobs.values() if j.task}
        return {task for task in running | self._reports if not task.done()}

    async def _work(self, seat: _Seat) -> None:
        """Take one job after another, for ever."""
        failures = 0
        while True:
            job, task = await self._next(seat)
            await asyncio.wait({task})  # to stop this worker is not to stop what it is on
            if task.cancelled() or not (failure := task.exception()):
                failures = 0
            elif isinstance(failure, RunnerDied):
                _log.error("runner.does_not_start", reason=str(failure), failures=failures + 1)
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
            else:
                _log.error("evaluation.bug", key=job.key, exc_info=failure)
                await self._forget(job)

    async def _next(self, seat: _Seat) -> tuple[_Job, asyncio.Task[None]]:
        """Wait for the first job whose lock is free and begin it; an idle runner is stopped."""
        async with self._changed:
            while (job := self._first()) is None:
                try:
                    async with asyncio.timeout(self._idle if seat.process.running else None):
                        await self._changed.wait()
                except TimeoutError:
                    seat.heard_at = datetime.now(UTC)
                    await seat.process.stop(1)
            job.task = asyncio.create_task(self._score(seat, job), name=f"evaluation {job.key}")
            return job, job.task

    def _first(self) -> _Job | None:
        locked = {j.lock for j in self._jobs.values() if j.task}
        return next((j for j in self._jobs.values() if not j.task and j.lock not in locked), None)

    async def _score(self, seat: _Seat, job: _Job) -> None:
        """Have a runner do the job. Raises RunnerDied when there is none to begin it."""
        seat.job = job
        try:
            await seat.process.start()
            job.begun = True
            job.outcome = await seat.process.run(job.evaluation, self._on_progress)
            self._report(job)
        except RunnerDied as death:
            if not job.begun:
                job.task = None  # still queued: a runner that is not there costs no attempt
                raise
            _log.warning("evaluation.runner_died", key=job.key, reason=str(death))
            await self._forget(job)
        except asyncio.CancelledError:
            if job.begun and job.stopped and seat.process.hello is not None:
                with contextlib.suppress(Exception):  # else the next start finds it lost
                    async with asyncio.timeout(self._grace):
                        await self._on_outcome(handed_back(job.evaluation, seat.process.hello))
            raise
        finally:
            seat.job, seat.heard_at = None, datetime.now(UTC)

    def _report(self, job: _Job) -> None:
        """Apply the outcome, however long that takes; meanwhile the runner does others."""
        task = asyncio.create_task(self._apply(job), name=f"outcome {job.key}")
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _apply(self, job: _Job) -> None:
        failures = 0
        assert job.outcome is not None
        while self._jobs.get(job.key) is job:
            try:
                await self._on_outcome(job.outcome)
            except Exception:  # noqa: BLE001 - the database may be away; the outcome must outlive that
                _log.exception("outcome.not_applied", key=job.key, failures=failures + 1)
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1
            else:
                await self._forget(job)

    async def _forget(self, job: _Job) -> None:
        async with self._changed:
            if self._jobs.get(job.key) is job:
                del self._jobs[job.key]
            self._changed.notify_all()
