"""Attacks that do not end by themselves: each gets a cell of its own, and what stops it is told.

A storm is held if it could not do what it tried before its cell was over; how the cell has to end
is in ``STORMS`` and is judged by the parent, who believes nothing that a storm says.
"""

import contextlib
import mmap
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runner.sandbox.child import Status

_BLOCK = 1 << 20
_TEN_GB = 10 << 30
_THREADS = 3000
_STACK = 64 << 10

Bait = dict[str, Any]


def _fork_for_ever(_: Bait, __: Status) -> str:
    born = 0
    while born < _THREADS:
        try:
            child = os.fork()
        except OSError:
            break
        if child == 0:
            time.sleep(60)
            os._exit(0)
        born += 1
    return _unless(born < _THREADS, f"{born} processes")


def _three_thousand_threads(_: Bait, __: Status) -> str:
    threading.stack_size(_STACK)
    born = 0
    hold = threading.Event()
    with contextlib.suppress(RuntimeError, MemoryError):
        for _turn in range(_THREADS):
            threading.Thread(target=hold.wait, daemon=True).start()
            born += 1
    return _unless(born < _THREADS, f"{born} threads")


def _touch_ten_gigabytes(_: Bait, __: Status) -> str:
    kept: list[mmap.mmap] = []
    try:
        while len(kept) * 64 * _BLOCK < _TEN_GB:
            kept += [mmap.mmap(-1, 64 * _BLOCK, flags=mmap.MAP_PRIVATE | mmap.MAP_POPULATE)]
    except (OSError, MemoryError):
        pass
    return _unless(len(kept) * 64 * _BLOCK < _TEN_GB, f"{len(kept) * 64} MB")


def _write_ten_gigabytes(bait: Bait, _: Status) -> str:
    block = bytes(_BLOCK)
    written = 0
    descriptors = [bait["descriptor"], bait["model"], bait["output"]]
    for folder in (bait["folder"], "/", "/tmp", "/dev/shm", "/run"):  # noqa: S108 - tried on purpose
        with contextlib.suppress(OSError):
            descriptors.append(os.open(f"{folder}/flood", os.O_CREAT | os.O_WRONLY, 0o600))
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            while written < _TEN_GB:
                written += os.write(descriptor, block)
    # The output takes as much as it is large, which is what it is for.
    return _unless(written <= bait["output_size"], f"{written} bytes")


def _spin(_: Bait, __: Status) -> str:
    while True:
        pass


def _sleep(_: Bait, __: Status) -> str:
    while True:
        time.sleep(3600)


def _flood_status(_: Bait, status: Status) -> str:
    while True:
        status.say(progress=0.5)


def _flood_standard_output(_: Bait, __: Status) -> str:
    block = b"@everyone " * 100_000
    for _turn in range(20):
        for standard in (1, 2):
            with contextlib.suppress(OSError):
                os.write(standard, block)
    return "40 MB said, heard by nobody"


def _crash(_: Bait, __: Status) -> str:
    import ctypes

    ctypes.string_at(0)
    return "lived"


class _Early:
    """A thread that is there before the filter, as a library's threads are."""

    def __init__(self) -> None:
        self._asked, self._answered = threading.Event(), threading.Event()
        self._made = False

    def begin(self) -> None:
        threading.Thread(target=self._wait, daemon=True).start()

    def ask(self, _: Bait, __: Status) -> str:
        self._asked.set()
        self._answered.wait()
        return _unless(not self._made, "made a file without a name")

    def _wait(self) -> None:
        self._asked.wait()
        with contextlib.suppress(OSError):
            os.close(os.memfd_create("x"))
            self._made = True
        self._answered.set()


_early = _Early()


def _unless(held: bool, what: str) -> str:
    if not held:
        raise AssertionError(what)
    return what


@dataclass(frozen=True)
class Storm:
    """``ends`` is how its cell must end: well, timed out, flooded, cpu or crashed."""

    run: Callable[[Bait, Status], str]
    ends: str
    wall: str
    early: Callable[[], None] | None = None  #: run before the limits and the filter come
    wall_seconds: float = 8.0
    cpu_seconds: float = 8.0


STORMS: dict[str, Storm] = {
    "fork for ever": Storm(_fork_for_ever, "well", "seccomp, RLIMIT_NPROC behind it"),
    "start 3,000 threads": Storm(
        _three_thousand_threads, "well", "seccomp, RLIMIT_NPROC behind it"
    ),
    "fill 10 GB of memory": Storm(_touch_ten_gigabytes, "well", "RLIMIT_AS"),
    "write 10 GB": Storm(_write_ten_gigabytes, "well", "Landlock, sealing, RLIMIT_FSIZE"),
    "spin for ever": Storm(_spin, "timed out", "the deadline", wall_seconds=0.8),
    "sleep for ever": Storm(_sleep, "timed out", "the deadline", wall_seconds=0.8),
    "spin until its processor time is over": Storm(
        _spin, "cpu", "RLIMIT_CPU", wall_seconds=60, cpu_seconds=1
    ),
    "flood the status pipe": Storm(_flood_status, "flooded", "64 kB that are read at most"),
    "flood its standard output": Storm(_flood_standard_output, "well", "/dev/null"),
    "let an older thread make a file": Storm(
        _early.ask, "well", "seccomp over every thread", early=_early.begin
    ),
    "crash": Storm(_crash, "crashed", "a process of its own"),
}


def rage(name: str, bait: Bait, status: Status) -> None:
    """Run one storm; say what it reached if it comes to that."""
    status.say(storm=STORMS[name].run(bait, status))
    status.say(done=True)
