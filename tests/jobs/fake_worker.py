"""A distributed runner in a hurry, whose work the stand-in does: ``fake_worker URL NAME QUEUE DRAIN``."""

import asyncio
import sys

from runner.worker import QueueRunner, work_until_told


def main():
    runner = QueueRunner(
        sys.argv[1],
        queue=sys.argv[3],
        name=sys.argv[2],
        command=(sys.executable, "-m", "tests.jobs.fake_runner"),
        beat_seconds=0.3,
        drain_seconds=float(sys.argv[4]),
        hello_seconds=0.5,
        poll_seconds=1,
        progress_seconds=0.05,
    )
    asyncio.run(work_until_told(runner))


if __name__ == "__main__":
    main()
