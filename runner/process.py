"""Drives a ``bookwiz-runner serve`` process: evaluations in, outcomes out, and nothing left behind.

Used by whoever has a runner on its own host: the bot's embedded engine and the distributed worker.
It imports the contract only, so that neither pays for what the process itself needs.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from pydantic import ValidationError

from runner.contract import (
    GRACE_SECONDS,
    HANDED_BACK,
    TRANSFER_SECONDS,
    Evaluation,
    Failure,
    Outcome,
    Progress,
    Stage,
)
from runner.needs import Hello
from runner.teller import Teller

_log = structlog.get_logger(__name__)

SERVE = (sys.executable, "-m", "runner", "serve")
_LINE_BYTES = 16_000_000  # a confusion matrix of 1,000 classes is 3 MB
_LOGGED_LINES = 200  # of stderr, of one process
_LOGGED_CHARACTERS = 300
_BURIAL_SECONDS = 5.0


class RunnerDied(Exception):  # noqa: N818 - a fact about a process, not a bug of ours
    """The process ended, or had to be ended, without an outcome."""


class RunnerProcess:
    """One serve process: started when asked to, one evaluation at a time, killed with its group."""

    def __init__(
        self,
        command: Sequence[str] = SERVE,
        *,
        hello_seconds: float = 60,
        grace_seconds: float = GRACE_SECONDS,
        progress_pause: float = 0,
        line_bytes: int = _LINE_BYTES,
    ) -> None:
        """Prepare; start nothing yet.

        Args:
            command: What to execute.
            hello_seconds: How long it may take to say hello.
            grace_seconds: What an evaluation may take beyond its own wall limit, which the process
                enforces itself as long as it can.
            progress_pause: Seconds between two reports of progress that are passed on.
            line_bytes: The longest line it may say.
        """
        self._command, self._hello_seconds = command, hello_seconds
        self._grace, self._pause, self._line_bytes = grace_seconds, progress_pause, line_bytes
        self._process: asyncio.subprocess.Process | None = None
        self._drain: asyncio.Task[None] | None = None
        self.hello: Hello | None = None  #: the last one; stays when the process has gone

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def start(self) -> Hello:
        """Start the process unless it runs, and wait for its hello. Raises RunnerDied."""
        if self.running and self.hello is not None:
            return self.hello
        await self.kill()
        ready = False
        try:
            async with asyncio.timeout(self._hello_seconds):
                await self._spawn()
                self.hello = Hello.model_validate((await self._hear("hello"))["hello"])
            ready = True
        except TimeoutError:
            raise RunnerDied(f"no hello within {self._hello_seconds:g} s") from None
        except (OSError, ValidationError) as error:
            raise RunnerDied(f"it does not start: {type(error).__name__}") from error
        finally:
            if not ready:
                await self.kill()
        return self.hello

    async def run(
        self, evaluation: Evaluation, on_progress: Callable[[Progress], Awaitable[None]]
    ) -> Outcome:
        """Have *evaluation* done. Cancelling this kills the process and all that it started.

        *on_progress* hears that it begins before it does, then the newest report only: a slow or
        failing listener holds nothing up.

        Raises:
            RunnerDied: The process ended without an outcome.
        """
        began, well = time.monotonic(), False
        limit = evaluation.limits.wall_seconds + self._grace
        if evaluation.inputs:
            limit += TRANSFER_SECONDS
        teller = Teller(on_progress, self._pause)
        hello = await self.start()
        try:
            async with asyncio.timeout(limit):
                await teller.begin(_report(evaluation, Stage.FETCH))
                await self._say(evaluation.model_dump_json())
                outcome = await self._outcome(evaluation, teller, hello)
            well = True
        except TimeoutError:
            return _failed(evaluation, hello, _overdue(limit), seconds=time.monotonic() - began)
        else:
            return outcome
        finally:
            if not well:
                await self.kill()
            await teller.end()

    async def stop(self, grace: float = _BURIAL_SECONDS) -> None:
        """Let it end by itself, as it does when its stdin ends; kill it after *grace* seconds."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await self._process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End the process and its group now. Harmless when there is none."""
        process, self._process = self._process, None
        if process is None:
            return
        _kill_group(process.pid)
        if self._drain is not None:
            self._drain.cancel()
        # Else a pipe that a stray descendant holds open would keep wait() waiting.
        process._transport.close()  # type: ignore[attr-defined] # noqa: SLF001 - asyncio has no other way
        try:
            async with asyncio.timeout(_BURIAL_SECONDS):
                await process.wait()
        except TimeoutError:
            _log.exception("runner.not_buried", pid=process.pid)

    async def _spawn(self) -> None:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.subprocess_exec(
            lambda: _Mourner(self._line_bytes, loop),
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._process = asyncio.subprocess.Process(transport, protocol, loop)
        assert self._process.stderr is not None
        self._drain = asyncio.create_task(_log_errors(self._process.stderr, self._process.pid))

    async def _say(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise RunnerDied("it hung up") from error

    async def _hear(self, *wanted: str) -> dict[str, Any]:
        """The next line of the protocol with one of the *wanted* keys; all others are dropped."""
        assert self._process is not None
        assert self._process.stdout is not None
        while True:
            try:
                line = await self._process.stdout.readline()
            except ValueError as error:
                raise RunnerDied(f"it said more than {self._line_bytes} bytes a line") from error
            if not line:
                raise RunnerDied("it ended")
            with contextlib.suppress(ValueError, RecursionError):
                words = json.loads(line)
                if isinstance(words, dict) and any(key in words for key in wanted):
                    return words
            await asyncio.sleep(0)  # lines that are there already would never let others run

    async def _outcome(self, asked: Evaluation, teller: Teller, hello: Hello) -> Outcome:
        while True:
            words = await self._hear("progress", "outcome", "error")
            if "error" in words:
                _log.error("runner.refused", submission=asked.submission, said=str(words)[:1000])
                return _failed(asked, hello, _REFUSED)
            try:
                if "progress" in words:
                    teller.tell(Progress.model_validate(words["progress"]))
                    continue
                outcome = Outcome.model_validate(words["outcome"])
            except ValidationError as error:
                _log.warning("runner.misspoke", pid=self.pid, problems=error.error_count())
                continue
            if (outcome.submission, outcome.attempt) == (asked.submission, asked.attempt):
                return outcome


class _Mourner(asyncio.subprocess.SubprocessStreamProtocol):
    """Ends the group with its leader.

    A descendant that outlives it holds its pipes open, and asyncio tells of an end only when all
    pipes have ended too.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self._pid = transport.get_pid()
        super().connection_made(transport)

    def process_exited(self) -> None:
        _kill_group(self._pid)
        super().process_exited()


def _kill_group(leader: int) -> None:
    # A number is not given to another process as long as a group bears it. What made a session of
    # its own asked the kernel to die with its parent.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def handed_back(evaluation: Evaluation, hello: Hello) -> Outcome:
    """The end of an attempt that was stopped because its host goes down."""
    failure = Failure(code=HANDED_BACK, ours=True, problem="The runner was stopped meanwhile.")
    return _failed(evaluation, hello, failure)


_REFUSED = Failure(
    code="E_RUNNER_REFUSED", ours=True, problem="The runner does not know this kind of evaluation."
)


def _overdue(seconds: float) -> Failure:
    return Failure(
        code="E_RUNNER_TIMEOUT",
        ours=True,
        problem="The runner did not end the evaluation on time and was stopped.",
        expected=f"an outcome within {seconds:g} seconds",
        got="none",
    )


def _failed(
    evaluation: Evaluation, hello: Hello, failure: Failure, *, seconds: float = 0
) -> Outcome:
    return Outcome(
        submission=evaluation.submission,
        attempt=evaluation.attempt,
        token=evaluation.token,
        runner=hello.runner,
        tier=hello.tier,
        failure=failure,
        versions=hello.versions,
        seconds=seconds,
    )


def _report(evaluation: Evaluation, stage: Stage) -> Progress:
    return Progress(
        submission=evaluation.submission,
        attempt=evaluation.attempt,
        token=evaluation.token,
        stage=stage,
        done=0,
    )


async def _log_errors(stream: asyncio.StreamReader, pid: int) -> None:
    """Read stderr to its end, so that the process never waits for us; log the beginning of it."""
    left = _LOGGED_LINES
    while part := await stream.read(65536):
        for line in part.decode(errors="replace").splitlines()[:left]:
            left -= 1
            _log.info("runner.said", pid=pid, said=line[:_LOGGED_CHARACTERS])
