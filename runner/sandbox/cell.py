"""The parent's side of the sandbox: start a confined process, give it one job, hear how it ended.

A cell knows nothing of models: it passes a job (plain JSON), descriptors and limits, and reads
status lines that it does not believe. It never reads more than 64 kB of them.
"""

import array
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from runner.contract import Tier
from runner.sandbox import bubblewrap, cgroups
from runner.sandbox.child import START
from runner.sandbox.orders import Orders
from runner.sandbox.purposes import PURPOSES
from runner.sandbox.warden import TIMED_OUT

STATUS_BYTES = 64 * 1024
# The parent ends an evaluation on time; the warden only has to when the parent cannot.
_WARDEN_GRACE = 1.0
_BURIAL_SECONDS = 5.0
_START_SECONDS = 60.0  # until it has imported what it needs, on a busy host too
_SIGNALLED = 128
# Of a cell besides its job: imports, and pages of shared libraries that it is the first to touch.
_OWN_MEMORY = 1 << 30
_PROCESSES = 256


@dataclass(frozen=True)
class Ending:
    """How a cell's process ended. ``signal`` is 0 where none ended it."""

    status: int
    signal: int
    timed_out: bool
    flooded: bool  #: it said more than a status line needs, and was killed
    #: bytes resident at most, imports included, by the kernel's count; 0 where it was not learnt
    peak_memory: int = 0

    @property
    def well(self) -> bool:
        return self.status == 0 and not self.timed_out and not self.flooded


def likely_walls() -> Tier:
    """Return the tier to start a first cell at, before the probes have said what holds."""
    return "full" if bubblewrap.program() else "reduced"


class Cell:
    """One confined process, empty until ``run``. Use it once; ``close`` is safe at any time."""

    def __init__(
        self,
        purpose: str = "predict",
        *,
        walls: Tier | None = None,
        without: Collection[str] = (),
    ) -> None:
        """Start it. ``purpose`` is a key of PURPOSES.

        ``walls`` is the tier to build around it, by default the likely one: a wall that cannot be
        built ends the cell, never weakens it. At "none" nothing is refused inside. ``without``
        names guards to leave out, for tests of what each of them holds. Raises ValueError where
        ``walls`` is no tier.
        """
        if walls is not None and walls not in get_args(Tier):
            raise ValueError(f"walls are {', '.join(get_args(Tier))}, not {walls!r}")
        self.purpose = PURPOSES[purpose]
        self._peak_memory = 0
        self._deadline = 0.0  #: of what it does now, by the monotonic clock
        self.walls: Tier = likely_walls() if walls is None else walls
        self._control, theirs = socket.socketpair()
        self._status, status = os.pipe()
        self._group = None if self.walls == "none" or "cgroup" in without else _group()
        root = str(Path(__file__).resolve().parent.parent.parent)
        orders = Orders(
            purpose,
            self.walls,
            os.getpid(),
            theirs.fileno(),
            status,
            cgroup=str(self._group.folder) if self._group else "",
            without=tuple(without),
        )
        python = [sys.executable, "-I", "-B", "-X", "utf8", "-c", START]
        self._warden = subprocess.Popen(
            [*python, root, "warden", orders.to_json()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(os.environ) if "empty environment" in without else {},
            cwd="/",
            pass_fds=(theirs.fileno(), status),
            start_new_session="session" not in without,
        )
        theirs.close()
        os.close(status)

    def run(
        self,
        job: dict[str, Any],
        descriptors: Sequence[int],
        *,
        wall_seconds: float,
        on_line: Callable[[dict[str, Any]], None],
    ) -> Ending:
        """Hand over the job and wait for its end, at most ``wall_seconds``. Never raises for it.

        The clock starts when the process has imported what it needs: a model does not pay for that.
        """
        self._deadline = time.monotonic() + _START_SECONDS
        flooded = timed_out = False
        lines = self._lines()
        try:
            for line in lines:  # what it says before it has the job is our own code's word
                on_line(line)
                if "ready" in line:
                    self._deadline = time.monotonic() + wall_seconds
                    self._hand_over(job, descriptors, wall_seconds)
                    break
            for line in lines:
                on_line(line)
        except _Flood:
            flooded = True
        except TimeoutError:
            timed_out = True
        except BrokenPipeError:  # it died before it got the job, and may have said why
            with contextlib.suppress(_Flood, TimeoutError):
                for line in lines:
                    on_line(line)
        status = self.close(wait=not (flooded or timed_out))
        number = status - _SIGNALLED if status > _SIGNALLED else max(-status, 0)
        return Ending(status, number, timed_out or status == TIMED_OUT, flooded, self._peak_memory)

    def _hand_over(self, job: dict[str, Any], descriptors: Sequence[int], wall: float) -> None:
        assert self._warden.stdin is not None
        if self._group is not None:
            memory = job["limits"]["memory"] + _OWN_MEMORY
            self._group.limit(memory=memory, processes=_PROCESSES)
        self._warden.stdin.write(f"{wall + _WARDEN_GRACE}\n".encode())
        self._warden.stdin.flush()
        message = json.dumps(job).encode()
        numbers = array.array("i", descriptors)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if descriptors else []
        self._control.sendmsg([len(message).to_bytes(4, "big")], rights)
        self._control.sendall(message)

    def _lines(self) -> Iterator[dict[str, Any]]:
        heard = 0
        rest = b""
        while True:
            left = self._deadline - time.monotonic()
            if left <= 0 or not select.select([self._status], [], [], left)[0]:
                raise TimeoutError
            part = os.read(self._status, 4096)
            if not part:
                return
            heard += len(part)
            if heard > STATUS_BYTES:
                raise _Flood
            *lines, rest = (rest + part).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError, RecursionError):
                    said = json.loads(line)
                    if isinstance(said, dict):
                        yield said

    def close(self, *, wait: bool = False) -> int:
        """End the process and everything it started; return the warden's exit status."""
        if wait:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._warden.wait(_BURIAL_SECONDS)
        status = self._warden.poll()
        if status is None:
            # The group still has its leader, so this number cannot have gone to a stranger.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._warden.pid, signal.SIGKILL)
            status = self._warden.wait()
        self._control.close()
        if self._status >= 0:
            os.close(self._status)
            self._status = -1
        self._listen_to_the_warden()
        if self._group is not None:
            self._group.remove()
            self._group = None
        if self._warden.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._warden.stdin.close()
        return status

    def _listen_to_the_warden(self) -> None:
        """Take the peak memory that it told; a warden that was killed told none."""
        output = self._warden.stdout
        if output is not None and not output.closed:
            with output:
                if select.select([output], [], [], 0)[0]:
                    said = os.read(output.fileno(), 64).strip()
                    self._peak_memory = int(said) if said.isdigit() else 0


def _group() -> cgroups.Group | None:
    place = cgroups.delegated()
    if place is None:
        return None
    with contextlib.suppress(OSError):
        return cgroups.Group(place)
    return None


class _Flood(Exception):  # noqa: N818
    pass
