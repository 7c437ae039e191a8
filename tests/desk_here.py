"""The real desk, in the test's own process: what it does is what the child would do."""

import asyncio
import json
from pathlib import Path
from typing import Any

from runner.contract import Failure, Plain
from runner.desk import Desk, answer
from runner.errands import ANSWERS


class DeskHere:
    """Implements ``bot.kit.errands.Desk`` without a child. Everything goes through JSON once."""

    running = False

    def __init__(self, files: Path, datasets: Path) -> None:
        self.desk = Desk(files, datasets)
        self.asked: list[Any] = []

    async def ask(self, errand: Any) -> Plain | Failure:
        self.asked.append(errand)
        line = json.dumps({"id": 1, "errand": errand.model_dump(mode="json")}).encode()
        said = json.loads(json.dumps(await asyncio.to_thread(answer, self.desk, line)))
        if "failure" in said:
            return Failure.model_validate(said["failure"])
        return ANSWERS[errand.kind].model_validate(said["done"])

    async def stop(self) -> None: ...
