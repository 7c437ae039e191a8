"""The tiny process between a runner and the model it runs: starts it, times it, buries it.

It exists so that a deadline holds even when the runner itself is frozen, so that nothing outlives
a runner that was killed, and so that a model's peak memory is learnt from the kernel and not from
the model. Only the standard library, and only what starts fast.

Its standard input carries one line, the seconds left for the job; end of file there means that the
runner is gone. Its exit status is the child's, with 128 + signal where one ended it, or TIMED_OUT.
Its standard output takes one line at the end: the peak of resident memory, in bytes.
"""

import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Collection

from runner.sandbox.confine import die_with_parent

TIMED_OUT = 120
_SUBREAPER = 36
_BURIAL_SECONDS = 2.0
_libc = ctypes.CDLL(None, use_errno=True)


def guard(
    parent: int,
    keep: tuple[int, ...],
    work: Callable[[int], None],
    without: Collection[str] = (),
) -> None:
    """Run ``work(ppid)`` in a forked child under a deadline; never returns.

    ``keep`` are descriptors that only the child may hold. ``without`` names guards that a test
    leaves out.
    """
    if "runner's death" not in without:
        die_with_parent(parent)
    # What bubblewrap leaves behind comes to us, and with it what it used.
    _libc.prctl(_SUBREAPER, 1, 0, 0, 0)
    me = os.getpid()
    child = os.fork()
    if child == 0:
        _be_the_child(me, work, without)
    for descriptor in keep:
        os.close(descriptor)
    os._exit(_watch(child, without))


def _be_the_child(warden: int, work: Callable[[int], None], without: Collection[str]) -> None:
    status = 1
    try:
        if "warden's death" not in without:
            die_with_parent(warden)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.close(null)
        work(warden)
        status = 0
    finally:
        # Whatever a library wants to do at exit, it may want to do outside the walls.
        os._exit(status)


def _watch(child: int, without: Collection[str]) -> int:
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(sys.stdin.fileno(), select.POLLIN)
    deadline = float("inf")
    verdict = None
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            verdict = TIMED_OUT
            break
        ready = [fd for fd, _ in poll.poll(None if left == float("inf") else left * 1000)]
        if ended in ready:
            break
        if sys.stdin.fileno() in ready:
            line = os.read(sys.stdin.fileno(), 64)
            if not line and "end of input" in without:
                poll.unregister(sys.stdin.fileno())
                continue
            if not line:
                break
            deadline = time.monotonic() + float(line)
    signal.pidfd_send_signal(ended, signal.SIGKILL)
    code = _bury(child)
    return verdict if verdict is not None else code if code >= 0 else 128 - code


def _bury(child: int) -> int:
    """Collect ``child`` and all that it left; tell their peak memory; return the child's exit code."""
    _, status, used = os.wait4(child, 0)
    peak = used.ru_maxrss
    until = time.monotonic() + _BURIAL_SECONDS
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < until:
            pid, _, used = os.wait4(-1, os.WNOHANG)
            peak = max(peak, used.ru_maxrss) if pid else peak
            if not pid:
                time.sleep(0.0005)
    with contextlib.suppress(BrokenPipeError):
        os.write(1, b"%d\n" % (peak * 1024))
    return os.waitstatus_to_exitcode(status)
