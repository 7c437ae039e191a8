"""Nothing outlives who started it: each guard of that holds alone, and without it something does."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.sandbox.cell import Cell
from runner.sandbox.warden import TIMED_OUT
from tests.runner.conftest import best_tier
from tests.runner.test_sandbox_guards import needs

pytestmark = pytest.mark.sandbox
ROOT = Path(__file__).parents[2]
NOBODY = 65534


def alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def wait_until(holds: Callable[[], object], seconds: float = 20) -> bool:
    """The bound is for a machine with much else to do: it is reached only where a guard is gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(psutil.NoSuchProcess):
            if holds():
                return True
        time.sleep(0.01)
    return False


def outlives(process: psutil.Process, *, expected: bool) -> bool:
    """Return whether it lives on; where it should, a moment is waited, else as long as it takes."""
    return not wait_until(lambda: not alive(process), 0.3 if expected else 20)


def innermost(warden: psutil.Process, tier: str) -> psutil.Process:
    """Return the process that runs the model, once it is on its own feet."""
    found: list[psutil.Process] = []

    def there() -> bool:
        below = warden.children(recursive=True)
        found[:] = [each for each in below if tier != "full" or is_inside(each)]
        return bool(found) and (os.geteuid() != 0 or found[-1].uids().effective == NOBODY)

    assert wait_until(there), "it never gave up root"
    return found[-1]


def is_inside(process: psutil.Process) -> bool:
    words = process.cmdline()
    return "inside" in words and "--" not in words


@pytest.mark.parametrize(
    ("tier", "without", "survives"),
    [
        ("reduced", (), False),
        ("reduced", ("death",), True),
        ("full", (), False),
        ("full", ("--die-with-parent",), True),
    ],
)
def test_a_cell_dies_with_its_warden_after_it_gave_up_root(tier, without, survives) -> None:
    needs(tier, "nobody")
    with running(tier, *without) as (_, warden):
        model = innermost(warden, tier)
        try:
            warden.kill()
            assert outlives(model, expected=survives) == survives
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                model.kill()


@pytest.mark.parametrize(("without", "survives"), [((), False), (("warden's death",), True)])
def test_a_cell_that_waits_for_a_job_dies_with_its_warden(without, survives) -> None:
    cell = Cell("probe", walls="reduced", without=without)
    try:
        warden = psutil.Process(cell._warden.pid)
        assert wait_until(warden.children)
        [waiting] = warden.children()
        warden.kill()
        assert outlives(waiting, expected=survives) == survives
    finally:
        cell.close()


_RUNNER = """
import sys
from runner.sandbox.cell import Cell

def hear(line):
    if "confined" in line:
        print(cell._warden.pid, flush=True)

cell = Cell("probe", walls=sys.argv[1], without=sys.argv[3:])
job = {"storm": "sleep for ever", "limits": {"cpu_seconds": 20, "memory": 1 << 26}}
ending = cell.run(job, [], wall_seconds=float(sys.argv[2]), on_line=hear)
print(ending.status, ending.timed_out, flush=True)
"""


@contextlib.contextmanager
def running(
    tier: str, *without: str, wall_seconds: float = 60, **given: Any
) -> Iterator[tuple[Any, psutil.Process]]:
    """A runner in a process of its own, and its warden, once a model sleeps behind all walls.

    The runner says how it ended: the warden's exit status, and whether its time was over.
    """
    command = [sys.executable, "-c", _RUNNER, tier, str(wall_seconds), *without]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **given) as runner:
        assert runner.stdout is not None
        warden = psutil.Process(int(runner.stdout.readline()))
        try:
            yield runner, warden
        finally:
            runner.kill()
            with contextlib.suppress(psutil.NoSuchProcess):
                warden.kill()


def test_a_frozen_runner_cannot_let_a_model_run_on() -> None:
    with running(best_tier(), wall_seconds=2) as (runner, warden):
        model = warden.children(recursive=True)[-1]
        runner.send_signal(signal.SIGSTOP)
        assert wait_until(lambda: not alive(model))
        runner.send_signal(signal.SIGCONT)
        # It was the warden who looked at the clock: the runner would have killed it instead.
        assert runner.stdout.readline().split() == [str(TIMED_OUT), "True"]


def test_a_frozen_warden_cannot_let_a_model_run_on() -> None:
    with running(best_tier(), wall_seconds=2) as (runner, warden):
        model = warden.children(recursive=True)[-1]
        warden.suspend()
        assert runner.stdout.readline().split() == [str(-signal.SIGKILL), "True"]
        assert wait_until(lambda: not alive(model))


@pytest.mark.parametrize(
    ("without", "survives"),
    [
        (("runner's death",), False),
        (("end of input",), False),
        (("runner's death", "end of input"), True),
    ],
)
def test_a_warden_dies_with_its_runner_by_the_kernels_word_or_the_end_of_its_input(
    without, survives
) -> None:
    with running("reduced", *without) as (runner, warden):
        runner.kill()
        runner.wait()
        assert outlives(warden, expected=survives) == survives


@pytest.mark.root
@pytest.mark.parametrize("tier", ["full", "reduced"])
def test_root_gives_up_its_groups_with_itself(tier) -> None:
    needs(tier, "nobody")
    with running(tier, extra_groups=[0, 42, 1234]) as (_, warden):
        model = innermost(warden, tier)
        # Seen from outside: who it is inside of its own namespace tells nothing.
        seen = [identity(warden.pid), identity(model.pid)]
    assert seen[0]["Groups"] == ["0", "42", "1234"]
    nobody = [str(NOBODY)] * 4
    assert seen[1] == {"Uid": nobody, "Gid": nobody, "Groups": []}


def identity(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    words = dict(line.split(":", 1) for line in lines)
    return {name: words[name].split() for name in ("Uid", "Gid", "Groups")}
