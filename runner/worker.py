"""``bookwiz-runner work``: a runner on a host of its own, which takes jobs from a queue in Postgres.

It knows the job database and nothing of the community's. One job at a time: a second would spoil
the first one's timings.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import structlog
from procrastinate import JobContext
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.job_context import AbortReason
from procrastinate.worker import Worker
from pydantic import ValidationError

from runner import host
from runner.cache import FOLDER, GIGABYTES
from runner.contract import LONGEST_NAME, Evaluation, Outcome, Progress
from runner.engine_connector import (
    BEAT_SECONDS,
    BOT_QUEUE,
    PRUNE_SECONDS,
    EnduringConnector,
    RunnerReport,
    application,
    is_outage,
    outcome_lock,
)
from runner.needs import NOTHING, Hello, queue_for, queues_taken
from runner.process import SERVE, RunnerDied, RunnerProcess, handed_back

_log = structlog.get_logger(__name__)
_OUTCOMES_FIRST = 10
_PAUSES = (1.0, 5.0, 30.0)  # before a runner that does not start is tried again
_HAND_BACK_SECONDS = 3.0


class QueueRunner:
    """Takes evaluations of one queue to a runner process, and its reports to the bot's queue."""

    def __init__(
        self,
        url: str,
        *,
        queue: str,
        name: str,
        command: Sequence[str] = SERVE,
        beat_seconds: float = BEAT_SECONDS,
        drain_seconds: float = 20,
        hello_seconds: float = 60,
        poll_seconds: float = 5,
        progress_seconds: float = 2,
    ) -> None:
        """Connect to nothing yet.

        Args:
            url: ``postgresql://…`` of the job database, as a role that has the runners' grants.
            queue: Whose jobs to take.
            name: What moderators call this runner. One runner bears it.
            command: What does the work.
            beat_seconds: How often to say that we live.
            drain_seconds: What a job may still take when we are told to stop.
            hello_seconds: How often to introduce ourselves to a bot that may have been restarted.
            poll_seconds: How often to look for jobs of which no notification came.
            progress_seconds: The pause between two reports of progress.
        """
        if queue == BOT_QUEUE:
            raise ValueError(f"{queue} is the queue of reports")
        self._queue, self._name = queue, name[:LONGEST_NAME]
        self._beat_every, self._drain, self._poll = beat_seconds, drain_seconds, poll_seconds
        self._hello_every = hello_seconds
        self._takes: tuple[str, ...] = ()
        self._worker: Worker | None = None
        self._draining, self._news = False, asyncio.Event()
        self._connector = EnduringConnector(url)
        self._app = application(self._connector, name)
        self._app.task(name="evaluate", queue=queue, pass_context=True)(self._evaluate)
        self._process = RunnerProcess(command, progress_pause=progress_seconds)

    def leave(self) -> None:
        """Say that we take no more; whoever calls this cancels ``run`` next."""
        self._draining = True
        self._news.set()

    async def run(self) -> None:
        """Work until cancelled; then give a running job some time, else hand it back."""
        try:
            while True:
                try:
                    await self._app.open_async()
                    await self._work()
                except Exception as error:  # noqa: BLE001 - an outage ends a worker; the runner stays
                    _log.warning("worker.ended", error=type(error.__cause__ or error).__name__)
                await asyncio.sleep(_PAUSES[0])
        finally:
            await self._process.stop()
            await self._app.close_async()

    async def _work(self) -> None:
        """Take what this runner's own hello says that it can do, until told to stop."""
        self._takes = self._taken(await self._start_process())
        if not self._takes:
            _log.warning("runner.takes_nothing", queue=self._queue, fix="bookwiz-runner probe")
        self._worker = worker = Worker(
            self._app,
            queues=[*self._takes] or [NOTHING],
            name=self._name,
            fetch_job_polling_interval=self._poll,
            shutdown_graceful_timeout=self._drain,
            install_signal_handlers=False,
            update_heartbeat_interval=self._beat_every,
            stalled_worker_timeout=PRUNE_SECONDS,
        )
        introduction = asyncio.create_task(self._introduce(worker))
        try:
            await worker.run()  # type: ignore[no-untyped-call] # Procrastinate's
        except asyncio.CancelledError:
            self._connector.patience = 0
            raise
        finally:
            introduction.cancel()

    def _taken(self, hello: Hello) -> tuple[str, ...]:
        return queues_taken(self._queue, hello)

    async def _evaluate(self, context: JobContext, evaluation: dict[str, Any]) -> None:
        """Do one evaluation. Ends without a report when a member cancelled it or a runner died."""
        try:
            asked = Evaluation.model_validate(evaluation)
        except ValidationError as error:  # its text would show the token
            raise ValueError(f"{error.error_count()} problems with the evaluation") from None
        # Procrastinate's own heartbeat stops while a worker drains, and a job may outlast the stall.
        beating = asyncio.create_task(self._beat(context.job.worker_id))
        hello: Hello | None = None
        try:
            hello = await self._start_process()
            if queue_for(self._queue, asked) in self._taken(hello):
                await self._report(await self._process.run(asked, self._progress))
            else:  # an older bot named the queue, or our process came back with less
                await self._report(handed_back(asked, hello))
        except RunnerDied as death:
            _log.warning("evaluation.runner_died", key=_key(asked), reason=str(death))
            raise
        except asyncio.CancelledError:
            if context.abort_reason() == AbortReason.SHUTDOWN and hello is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_HAND_BACK_SECONDS):
                        await self._report(handed_back(asked, hello))
            raise
        finally:
            beating.cancel()
            if hello is not None and self._taken(hello) != self._takes and self._worker:
                self._worker.stop()  # type: ignore[no-untyped-call] # to listen anew, for what can be done now

    async def _start_process(self) -> Hello:
        """Have a process that said hello. No job is to blame for a runner that does not start."""
        failures = 0
        while True:
            try:
                return await self._process.start()
            except RunnerDied as death:
                _log.error("runner.does_not_start", reason=str(death), failures=failures + 1)
                await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
                failures += 1

    async def _report(self, outcome: Outcome) -> None:
        """Put the outcome on the bot's queue before the job ends, however long that takes."""
        key = f"{outcome.submission}:{outcome.attempt}"
        task = self._app.configure_task(
            "outcome",
            queue=BOT_QUEUE,
            queueing_lock=outcome_lock(key),
            priority=_OUTCOMES_FIRST,
        )
        while True:
            try:
                await task.defer_async(outcome=outcome.model_dump(mode="json"))
            except AlreadyEnqueued:
                # Ours, of before an outage, or one that another host forged to keep ours out. To
                # the bot it is all the same how often it hears it.
                task = self._app.configure_task(
                    "outcome", queue=BOT_QUEUE, priority=_OUTCOMES_FIRST
                )
            except Exception as error:
                if not is_outage(error):
                    raise
                _log.warning("outcome.waits", key=key)
                await asyncio.sleep(_PAUSES[0])
            else:
                return

    async def _progress(self, progress: Progress) -> None:
        # One at a time: a bot that was away must not find an hour of them.
        lock = f"progress:{progress.submission}:{progress.attempt}"
        task = self._app.configure_task("progress", queue=BOT_QUEUE, queueing_lock=lock)
        with contextlib.suppress(AlreadyEnqueued):
            await task.defer_async(progress=progress.model_dump(mode="json"))

    async def _introduce(self, worker: Worker) -> None:
        """Tell the bot who this worker is, now and then: it keeps that in memory only."""
        task = self._app.configure_task(
            "hello", queue=BOT_QUEUE, queueing_lock=f"hello:{self._name}"
        )
        while True:
            self._news.clear()
            hello, pause = self._process.hello, 0.05
            if worker.worker_id is not None and hello is not None:
                report = RunnerReport(
                    name=self._name,
                    queue=self._queue,
                    worker_id=worker.worker_id,
                    hello=hello,
                    takes=self._takes,
                    draining=self._draining,
                )
                pause = self._hello_every
                with contextlib.suppress(Exception):  # the next one will do
                    await task.defer_async(report=report.model_dump(mode="json"))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._news.wait()

    async def _beat(self, worker_id: int | None) -> None:
        assert worker_id is not None
        while True:
            await asyncio.sleep(self._beat_every)
            with contextlib.suppress(Exception):
                await self._app.job_manager.update_heartbeat(worker_id)


def _key(evaluation: Evaluation) -> str:
    return f"{evaluation.submission}:{evaluation.attempt}"


async def work_until_told(runner: QueueRunner) -> None:
    """Run it until Ctrl-C or a polite kill; a second one ends the drain at once."""
    running = asyncio.ensure_future(runner.run())

    def stop() -> None:
        runner.leave()
        running.cancel()

    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await running


@click.command()
@click.option(
    "--jobs-url",
    envvar=["BOOKWIZ_JOBS__URL", "BOOKWIZ_JOBS_URL"],  # the bot's own name goes first
    required=True,
    help="postgresql:// of the jobs.",
)
@click.option("--queue", default="cpu", show_default=True, help="Whose jobs to take.")
@click.option("--name", default=None, help="What moderators call this runner: its host's name.")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps images of benchmarks.  [default: ~/.cache/bookwiz-runner]",
)
@click.option("--cache-gb", type=click.FloatRange(min=0, min_open=True), help="Its limit, in GB.")
def work(
    jobs_url: str, queue: str, name: str | None, cache: Path | None, cache_gb: float | None
) -> None:
    """Take jobs from a queue in Postgres, score them, and report to the bot."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    if name:
        os.environ["BOOKWIZ_RUNNER_NAME"] = name  # the process that scores signs outcomes with it
    if cache:
        os.environ[FOLDER] = str(cache.absolute())
    if cache_gb:
        os.environ[GIGABYTES] = str(cache_gb)
    try:
        runner = QueueRunner(jobs_url, queue=queue, name=name or host.runner_name())
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    asyncio.run(work_until_told(runner))
