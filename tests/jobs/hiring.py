"""Runners of the real kind, started and killed as a test wants."""

import asyncio
import contextlib
import os
import subprocess
import sys

from runner.cache import FOLDER
from tests.jobs.holding import Gate

QUEUE = "own"


class Hires:
    """Has runner processes below *folder* that take jobs of QUEUE from *jobs_url*."""

    def __init__(self, folder, jobs_url):
        self.folder, self.jobs_url = folder, jobs_url
        self.gate = Gate(folder / "gate")
        self.runners = {}
        self._logs = contextlib.ExitStack()

    def hire(self, name, *, gate=None, program=("-m", "tests.jobs.holding"), url=None, home=None):
        """Start a runner; *gate* holds it, by default none does. *home*: where it may write."""
        home = home or self.folder
        gate = str(self.folder / "gate" if gate else home / f"open-{name}")
        log = self._logs.enter_context((self.folder / f"{name}.log").open("a"))
        self.runners[name] = subprocess.Popen(
            [sys.executable, *program, gate, "work", url or self.jobs_url, name, QUEUE],
            stdout=log,
            stderr=log,
            env=os.environ | {FOLDER: str(home / f"cache-{name}")},
        )
        return self.runners[name]

    async def kill(self, name):
        runner = self.runners.pop(name)
        runner.kill()
        await asyncio.to_thread(runner.wait, 10)

    async def dismiss(self):
        """Kill them all."""
        for name in [*self.runners]:
            await self.kill(name)
        self._logs.close()

    def logs(self):
        """What runners said last, by file name."""
        return {p.name: p.read_text()[-1500:] for p in self.folder.glob("*.log")}
