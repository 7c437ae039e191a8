"""A runner that stops where a test wants it to: at a stage, until it is let go or killed.

``python -m tests.jobs.holding FOLDER work URL NAME QUEUE`` is the worker, with the real runner
process below it; ``… FOLDER serve`` is that. To hold *stage*, a test writes ``hold-<stage>`` into
the folder; ``at-<stage>`` says that somebody waits there, and with which pid.
"""

import asyncio
import os
import sys
import time
from pathlib import Path

from runner.evaluate import Evaluator
from runner.serve import serve
from runner.worker import QueueRunner, work_until_told


class Gate:
    """The same folder on both sides."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._folder.mkdir(exist_ok=True)

    def shut(self, stage):
        (self._folder / f"hold-{stage}").touch()

    def open(self, stage):
        (self._folder / f"hold-{stage}").unlink(missing_ok=True)

    def waiting(self, stage):
        """The pid of who waits there, or None."""
        file = self._folder / f"at-{stage}"
        return int(text) if file.exists() and (text := file.read_text()) else None

    def pass_by(self, stage):
        """Wait as long as it is shut."""
        if (self._folder / f"hold-{stage}").exists():
            (self._folder / f"at-{stage}").write_text(str(os.getpid()))
            while (self._folder / f"hold-{stage}").exists():
                time.sleep(0.02)
            (self._folder / f"at-{stage}").unlink(missing_ok=True)


class HeldRunner(QueueRunner):
    """Stops with an outcome in its hands when ``report`` is shut."""

    gate: Gate

    async def _report(self, outcome):
        await asyncio.to_thread(self.gate.pass_by, "report")
        await super()._report(outcome)


def _serve_held(gate):
    plainly = Evaluator.evaluate

    def evaluate(self, evaluation, report):
        def held(progress):
            report(progress)
            gate.pass_by(progress.stage)

        return plainly(self, evaluation, held)

    Evaluator.evaluate = evaluate
    serve()


#: in seconds; what a test waits for comes sooner than in production
HURRY = {
    "beat_seconds": 0.3,
    "drain_seconds": 1,
    "hello_seconds": 0.5,
    "poll_seconds": 0.5,
    "progress_seconds": 0.05,
}


def main(program="tests.jobs.holding", settings=HURRY):
    """Be the worker or the runner process; *settings* are the worker's, in seconds."""
    folder, what, *rest = sys.argv[1:]
    gate = Gate(folder)
    if what == "serve":
        _serve_held(gate)
        return
    url, name, queue = rest
    os.environ["BOOKWIZ_RUNNER_NAME"] = name
    runner = HeldRunner(
        url,
        queue=queue,
        name=name,
        command=(sys.executable, "-m", program, folder, "serve"),
        **settings,
    )
    runner.gate = gate
    asyncio.run(work_until_told(runner))


if __name__ == "__main__":
    main()
