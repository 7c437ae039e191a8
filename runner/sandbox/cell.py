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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.sandbox.purposes import PURPOSES
from runner.sandbox.warden import TIMED_OUT

STATUS_BYTES = 64 * 1024
# The parent ends an evaluation on time; the warden only has to when the parent cannot.
_WARDEN_GRACE = 1.0
_BURIAL_SECONDS = 5.0
_SIGNALLED = 128
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from runner.sandbox.child import main; main(sys.argv[2:])"
)


@dataclass(frozen=True)
class Ending:
    """How a cell's process ended. ``signal`` is 0 where none ended it."""

    status: int
    signal: int
    timed_out: bool
    flooded: bool  #: it said more than a status line needs, and was killed

    @property
    def well(self) -> bool:
        return self.status == 0 and not self.timed_out and not self.flooded


class Cell:
    """One confined process, empty until ``run``. Use it once; ``close`` is safe at any time."""

    def __init__(self, purpose: str = "predict", *, walls: bool = True) -> None:
        """Start it. ``purpose`` is a key of PURPOSES; without ``walls`` nothing is refused inside."""
        self.purpose = PURPOSES[purpose]
        self._control, theirs = socket.socketpair()
        self._status, status = os.pipe()
        root = str(Path(__file__).resolve().parent.parent.parent)
        command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _START, root]
        self._warden = subprocess.Popen(
            [
                *command,
                str(os.getpid()),
                str(theirs.fileno()),
                str(status),
                purpose,
                str(int(walls)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            pass_fds=(theirs.fileno(), status),
            start_new_session=True,
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
        """Hand over the job and wait for its end, at most ``wall_seconds``. Never raises for it."""
        deadline = time.monotonic() + wall_seconds
        flooded = timed_out = False
        try:
            self._hand_over(job, descriptors, wall_seconds)
            for line in self._lines(deadline):
                on_line(line)
        except _Flood:
            flooded = True
        except TimeoutError:
            timed_out = True
        except BrokenPipeError:
            pass  # it died before it got the job; its exit status says how
        status = self.close(wait=not (flooded or timed_out))
        number = status - _SIGNALLED if status > _SIGNALLED else max(-status, 0)
        return Ending(status, number, timed_out or status == TIMED_OUT, flooded)

    def _hand_over(self, job: dict[str, Any], descriptors: Sequence[int], wall: float) -> None:
        assert self._warden.stdin is not None
        self._warden.stdin.write(f"{wall + _WARDEN_GRACE}\n".encode())
        self._warden.stdin.flush()
        message = json.dumps(job).encode()
        numbers = array.array("i", descriptors)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if descriptors else []
        self._control.sendmsg([len(message).to_bytes(4, "big")], rights)
        self._control.sendall(message)

    def _lines(self, deadline: float) -> Iterator[dict[str, Any]]:
        heard = 0
        rest = b""
        while True:
            left = deadline - time.monotonic()
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
        if self._warden.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._warden.stdin.close()
        return status


class _Flood(Exception):  # noqa: N818
    pass
