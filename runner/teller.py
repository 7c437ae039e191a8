"""Tells somebody how far an evaluation is, without ever making it wait."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from runner.contract import Progress

_log = structlog.get_logger(__name__)
_PATIENCE_SECONDS = 5.0


class Teller:
    """Passes progress on, one report at a time, the newest only."""

    def __init__(self, on_progress: Callable[[Progress], Awaitable[None]], pause: float) -> None:
        self._on_progress, self._pause = on_progress, pause
        self._newest: Progress | None = None
        self._news, self._ended = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, first: Progress) -> None:
        await self._pass_on(first)
        self._task = asyncio.create_task(self._work())

    def tell(self, progress: Progress) -> None:
        self._newest = progress
        self._news.set()

    async def end(self) -> None:
        """Let a report that is being passed on arrive, within reason: it may be a transaction."""
        self._ended.set()
        self._news.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=_PATIENCE_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause):
                    await self._ended.wait()
            await self._news.wait()
            if self._ended.is_set():
                return
            self._news.clear()
            assert self._newest is not None
            await self._pass_on(self._newest)

    async def _pass_on(self, progress: Progress) -> None:
        try:
            await self._on_progress(progress)
        except Exception as error:  # noqa: BLE001 - progress may be lost, an evaluation may not
            _log.warning("progress.lost", error=type(error).__name__)
