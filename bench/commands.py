"""Two hundred mixed commands a second through the core, on SQLite."""

import asyncio
import gc
import itertools
import logging
import tempfile
import time
from pathlib import Path

import structlog

from bench.figures import Figure, percentile
from bot.app import Bot
from bot.config import Settings
from bot.kit import migrate
from bot.kit.core import Invocation
from bot.kit.message import Place
from bot.kit.testing import StillEngine

RATE = 200  #: commands a second
SECONDS = 15
MEMBERS = 300
GATE_MS = 100.0
LINES = (
    '/checkin now done:"Trained a U-Net for an hour" next:"Export it"',
    "/checkin history",
    "/checkin streak",
    "/leaderboard list",
    "/benchmark list",
    "/model status",
    "/profile show",
    "/bookwiz help",
)


def measure() -> list[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        times = asyncio.run(_flood(Path(folder)))
    return [
        Figure(
            f"{RATE} mixed commands/s through the core on SQLite, {MEMBERS} members, p99",
            f"{percentile(times, 0.99):.0f} ms (p50 {percentile(times, 0.5):.1f} ms)",
            f"≤ {GATE_MS:.0f} ms",
            percentile(times, 0.99) <= GATE_MS,
        )
    ]


async def _flood(folder: Path) -> list[float]:
    bot = Bot(Settings(_env_file=None, data=folder), StillEngine())
    await migrate.upgrade(bot.database)
    await bot.prepare()
    work = itertools.cycle(
        (f"m{n % MEMBERS}", line)
        for n, line in zip(range(7 * MEMBERS), itertools.cycle(LINES), strict=False)
    )
    for n in range(MEMBERS):
        await _say(bot, f"m{n}", "/bookwiz ping")
    gc.collect()
    gc.freeze()  # as the bot does when it has started
    started, pending = time.perf_counter(), []
    for n in range(RATE * SECONDS):
        due = started + n / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        pending.append(asyncio.create_task(_timed(bot, due, *next(work))))
    times = await asyncio.gather(*pending)
    await bot.database.close()
    return times


async def _timed(bot: Bot, due: float, who: str, line: str) -> float:
    """Milliseconds from when it was due, so that a late start counts too."""
    await _say(bot, who, line)
    return 1000 * (time.perf_counter() - due)


async def _say(bot: Bot, who: str, line: str) -> None:
    answer = await bot.core.handle(
        Invocation("local", who, who, Place(platform="local", channel="general"), line=line)
    )
    assert not answer.code.startswith("BUG"), line
