"""A desk that gives jobs to an engine and keeps what is reported, whichever engine it is."""

import asyncio
import json
import os
import time
from collections import Counter
from pathlib import Path

from bot.kit.jobs import Engine
from runner.contract import Blob, Evaluation, Outcome, Progress


def evaluation(folder: Path, submission: str, behaviour: str = "quick", **given) -> Evaluation:
    words = {
        "submission": submission,
        "attempt": 1,
        "token": f"token of {submission}",
        "task": "classification",
        "model": Blob(sha256="0" * 64, size=0, url="file:///nowhere"),
        "dataset": behaviour,
        "datasets": "file:///nowhere",
        "splits": ("board",),
        "artifacts": folder.as_uri(),
    }
    return Evaluation.model_validate(words | given)


def is_alive(pid: int) -> bool:
    """Whether that process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Desk:
    """Dispatches, and collects outcomes and progress; fails when told to."""

    def __init__(self, engine: Engine, folder: Path, *, queue: str = "cpu") -> None:
        self.engine, self.folder, self.queue = engine, folder, queue
        self.outcomes: list[Outcome] = []
        self.progress: list[Progress] = []
        self.failing = 0  #: how many of the next outcomes cannot be applied
        self.losing = False  #: whether progress cannot be applied
        self.halt = engine.stop  #: stops whatever runs jobs, politely

    async def on_outcome(self, outcome: Outcome) -> None:
        if self.failing:
            self.failing -= 1
            raise OSError("the database is away")
        self.outcomes.append(outcome)

    async def on_progress(self, progress: Progress) -> None:
        if self.losing:
            raise OSError("the database is away")
        self.progress.append(progress)

    async def give(self, submission: str, behaviour: str = "quick", *, lock=None, **given) -> str:
        asked = evaluation(self.folder, submission, behaviour, **given)
        key = f"{submission}:{asked.attempt}"
        await self.engine.dispatch(
            key=key,
            queue=self.queue,
            lock=submission if lock is None else lock,
            payload=asked.model_dump_json(),
        )
        return key

    def count(self) -> Counter:
        return Counter(o.submission for o in self.outcomes)

    def noted(self, name: str) -> list[str]:
        """The lines that runners wrote into the file *name*."""
        file = self.folder / name
        return file.read_text().splitlines() if file.exists() else []

    def pids(self) -> set[int]:
        """Every process that a runner was, and what they started."""
        return {int(pid) for pid in self.noted("pids") + self.noted("children")}

    def living(self) -> set[int]:
        return {pid for pid in self.pids() if is_alive(pid)}

    async def until(self, condition, seconds: float = 15):
        """Wait for *condition*, sync or async, and give what it gave."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(
            f"waited {seconds} s in vain: {json.dumps(self.noted('begun'))}, "
            f"{len(self.outcomes)} outcomes, own pid {os.getpid()}"
        )

    async def reached(self) -> bool:
        """Whether the engine can say anything."""
        try:
            await self.engine.alive([])
        except ConnectionError:
            return False
        return True

    async def saw(self, *names: str) -> bool:
        """Whether these runners introduced themselves."""
        return set(names) <= {r.name for r in await self.engine.runners()}

    async def ended(self, *submissions: str) -> list[Outcome]:
        await self.until(lambda: set(submissions) <= set(self.count()))
        return [next(o for o in self.outcomes if o.submission == s) for s in submissions]

    async def begun(self, submission: str) -> None:
        await self.until(
            lambda: any(line.startswith(f"{submission} ") for line in self.noted("begun"))
        )

    async def is_lost(self, key: str) -> None:
        async def lost():
            return key not in await self.engine.alive([key])

        await self.until(lost)
