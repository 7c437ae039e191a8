"""How long a dead runner's job waits until another runner works on it, at production's settings."""

import asyncio
import random
import tempfile
import time
from pathlib import Path

import psutil

from bench.figures import Figure
from runner.engine_connector import BEAT_SECONDS
from tests.jobs.server import Server
from tests.jobs.whole import WholeBot
from tests.runner import models

ROUNDS = 5
GATE_SECONDS = 30
_PATIENCE = 90
_RUNNERS = ("one", "other")


class UsualBot(WholeBot):
    """``bookwiz up`` as it is."""

    program = ("-m", "bot.cli")


def measure() -> list[Figure]:
    server = Server()
    try:
        with tempfile.TemporaryDirectory() as folder:
            waits = sorted(asyncio.run(_waits(Path(folder), server.url)))
    finally:
        server.remove()
    return [
        Figure(
            f"a runner is killed with -9: its job runs again, longest of {ROUNDS}",
            f"{waits[-1]:.1f} s (shortest {waits[0]:.1f})",
            f"≤ {GATE_SECONDS} s",
            waits[-1] <= GATE_SECONDS,
        )
    ]


async def _waits(folder: Path, url: str) -> list[float]:
    """Kill whichever runner works, at any moment between two heartbeats; seconds until the other does."""
    bot = UsualBot(folder, url)
    await bot.found()
    await asyncio.to_thread(bot.start)
    rng, waits = random.Random(7), []
    try:
        for name in _RUNNERS:
            _hire(bot, name)
        for turn in range(ROUNDS):
            bot.gate.shut("fetch")
            await bot.submit(models.good_model(seed=turn), f"member{turn}")
            at_work = await bot.until(lambda: bot.gate.waiting("fetch"), _PATIENCE)
            await asyncio.sleep(rng.uniform(0, BEAT_SECONDS))
            above = {parent.pid for parent in psutil.Process(at_work).parents()}
            [doomed] = [name for name, runner in bot.runners.items() if runner.pid in above]
            (folder / "gate" / "at-fetch").unlink()
            await bot.kill(doomed)
            began = time.monotonic()
            await bot.until(lambda: bot.gate.waiting("fetch"), _PATIENCE)
            waits.append(time.monotonic() - began)
            bot.gate.open("fetch")
            await bot.until(lambda turn=turn: bot.ended() == turn + 1, _PATIENCE)
            _hire(bot, doomed)
    finally:
        await bot.close()
    return waits


def _hire(bot: WholeBot, name: str) -> None:
    bot.hire(name, gate=True, program=("-m", "bench.patient"))
