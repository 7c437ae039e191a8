"""What the bot costs while nothing happens, and how long it takes to be there."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.figures import Figure

IDLE_SECONDS = 30
_PATIENCE = 120


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        first, _, _ = _start(Path(folder), stay=0)
        warm, memory, share = _start(Path(folder), stay=IDLE_SECONDS)
    return [
        Figure(
            "first start of the demo, seeding included", f"{first:.1f} s", "≤ 15 s", first <= 15
        ),
        Figure("warm start of the demo", f"{warm:.1f} s", "≤ 3 s", warm <= 3),
        Figure(
            "idle bot, resident memory of all its processes",
            f"{memory / 1e6:.0f} MB",
            "≤ 150 MB",
            memory <= 150e6,
        ),
        Figure(
            f"idle bot, processor time over {IDLE_SECONDS} s",
            f"{share:.2%} of a core",
            "≤ 1 %",
            share <= 0.01,
        ),
    ]


def _start(data: Path, *, stay: float) -> tuple[float, float, float]:
    """Start the demo; returns seconds until it was up, bytes resident, share of a core while idle."""
    started = time.perf_counter()
    environment = os.environ | {"BOOKWIZ_JOBS__IDLE_SECONDS": "2", "PYTHONUNBUFFERED": "1"}
    demo = subprocess.Popen(
        [sys.executable, "-m", "bot.cli", "demo", "--data", data, "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("Bookwiz is up"):
                break
            assert time.perf_counter() - started < _PATIENCE
        seconds = time.perf_counter() - started
        if not stay:
            return seconds, 0.0, 0.0
        # Not idle before the baselines are scored and their runner has been stopped.
        while psutil.Process(demo.pid).children():
            assert time.perf_counter() - started < _PATIENCE
            time.sleep(0.5)
        time.sleep(5)
        family = [psutil.Process(demo.pid), *psutil.Process(demo.pid).children(recursive=True)]
        before = sum(_processor(p) for p in family)
        time.sleep(stay)
        memory = sum(p.memory_info().rss for p in family)
        return seconds, memory, (sum(_processor(p) for p in family) - before) / stay
    finally:
        demo.terminate()
        demo.wait(30)
        demo.stdout.close()


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
