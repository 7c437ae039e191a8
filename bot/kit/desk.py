"""Drives a ``bookwiz-runner desk`` process: the trusted side, which never runs a model.

It is started with the first errand, works one at a time and is killed with all that it started.
The bot itself stays free of numpy and matplotlib.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bot.kit.errands import DeskDied
from runner.contract import Failure, Plain
from runner.errands import ANSWERS
from runner.process import RunnerDied, RunnerProcess

#: seconds that an errand of a kind may take before the desk counts as stuck
DEADLINES: Mapping[str, float] = {"score": 300, "rank": 180, "report": 300, "dataset": 600}
_DEADLINE = 120.0


class DeskProcess(RunnerProcess):
    """One desk. Implements ``bot.kit.errands.Desk``."""

    def __init__(
        self,
        files: Path,
        datasets: Path,
        *,
        command: Sequence[str] = (),
        deadlines: Mapping[str, float] = DEADLINES,
    ) -> None:
        """Start nothing yet.

        Args:
            files: Folder of the file store.
            datasets: Folder of dataset versions.
            command: What to execute instead of our own desk.
            deadlines: Seconds by kind of errand.
        """
        ours = (sys.executable, "-m", "runner", "desk")
        folders = ("--files", str(files), "--datasets", str(datasets))
        super().__init__(command or (*ours, *folders))
        self._deadlines, self._count = deadlines, 0

    async def ask(self, errand: Any) -> Plain | Failure:
        """Have *errand* done. Cancelling this kills the process and all that it started."""
        well = False
        try:
            async with asyncio.timeout(self._deadlines.get(errand.kind, _DEADLINE)):
                words = await self._asked(errand)
            well = True
        except TimeoutError:
            raise DeskDied(f"no answer to {errand.kind} in time") from None
        except (RunnerDied, OSError) as death:
            raise DeskDied(str(death)) from death
        finally:
            if not well:
                await self.kill()
        try:
            if "failure" in words:
                return Failure.model_validate(words["failure"])
            return ANSWERS[errand.kind].model_validate(words["done"])
        except (ValidationError, KeyError) as error:
            raise DeskDied(f"it misspoke: {type(error).__name__}") from error

    async def _asked(self, errand: Any) -> dict[str, Any]:
        if not self.running:
            await self.kill()
            await self._spawn()
            await self._hear("hello")
        self._count += 1
        line = {"id": self._count, "errand": errand.model_dump(mode="json")}
        await self._say(json.dumps(line))
        while True:
            words = await self._hear("done", "failure")
            if words.get("id") == self._count:
                return words
