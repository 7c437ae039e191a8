"""What runs inside a cell: builds its own walls, takes one job, works, says how it went.

Everything before ``deny_all_but_arithmetic`` is ours and sees nothing of a stranger; everything
after it is as good as the model's own.
"""

import array
import importlib
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runner.failures import Refusal
from runner.plain_text import cleaned
from runner.sandbox import bubblewrap, cgroups, confine, seccomp, warden
from runner.sandbox.orders import Orders
from runner.sandbox.purposes import PURPOSES, SCRATCH, Purpose

_MOST_DESCRIPTORS = 16


@dataclass(frozen=True)
class Job:
    """What the parent wants, with descriptors in the order in which it sent them."""

    words: dict[str, Any]
    descriptors: tuple[int, ...]


class Status:
    """The pipe to the parent: JSON lines, and never a long one."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, **words: Any) -> None:
        os.write(self._descriptor, json.dumps(words).encode() + b"\n")


#: what Python runs, as a warden and again inside of bubblewrap; arguments: root, role, Orders
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from runner.sandbox.child import main; main(*sys.argv[1:])"
)


def main(root: str, role: str, words: str) -> None:
    """Be the warden (and fork its child), or the process ``inside`` of bubblewrap."""
    orders = Orders.from_json(words)
    if role == "inside":
        sys.path += [path for path in orders.paths if path not in sys.path]
        status = 1
        try:
            _tell_what_broke(_live, os.getppid(), orders)
            status = 0
        finally:
            os._exit(status)
    warden.guard(
        orders.parent,
        (orders.control, orders.status),
        lambda ppid: _tell_what_broke(_begin, ppid, orders, root),
        orders.without,
    )


def _begin(ppid: int, orders: Orders, root: str) -> None:
    if orders.cgroup:
        cgroups.join(orders.cgroup)
    # Nothing is the way without walls but its own name: whatever else is said ends here.
    match orders.walls:
        case "full":
            bubblewrap.enter(orders, START, root, ppid)
        case "reduced":
            _live(ppid, orders)
        case "none":
            _live_unwalled(ppid, orders)
        case _:
            raise ValueError(f"no walls are called {orders.walls!r}")


def _live(ppid: int, orders: Orders) -> None:
    """Live behind all walls; whichever cannot be built ends the process."""
    purpose = PURPOSES[orders.purpose]
    if purpose.scratch and orders.walls != "full":
        raise PermissionError("this purpose writes files and needs tier full")
    pages = os.open("/proc/self/statm", os.O_RDONLY)
    if orders.has("hidden"):
        confine.hide_from_others()
    say = Status(orders.status)
    abi = 0
    if orders.has("landlock"):
        scratch = (SCRATCH,) if purpose.scratch else ()
        abi = confine.wall_off_files(orders.readable, scratch, orders.without)
    start = _entry(purpose)()
    if orders.has("environment"):
        os.environ.clear()
    say.say(ready={})
    job = _receive(orders.control)
    os.close(orders.control)
    work = start(job, say)
    limits = job.words["limits"]
    in_use = int(os.read(pages, 64).split()[0]) * os.sysconf("SC_PAGE_SIZE")
    os.close(pages)
    confine.limit(
        cpu_seconds=limits["cpu_seconds"],
        memory=limits["memory"],
        address_space=in_use,
        file_size=purpose.scratch,
        namespaced=orders.walls == "full",
        without=orders.without,
    )
    if orders.has("nobody"):
        confine.become_nobody()
    if orders.has("death"):
        confine.die_with_parent(ppid)
    if orders.has("seccomp"):
        seccomp.deny_all_but_arithmetic(
            executable_memory=purpose.executable_memory,
            files=purpose.scratch > 0,
            every_thread=orders.has("every thread"),
        )
    say.say(confined={"landlock": abi})
    _work(work, say)


def _live_unwalled(ppid: int, orders: Orders) -> None:
    """Do the same work with limits alone, for moderators' files on a kernel without walls."""
    del ppid
    say = Status(orders.status)
    start = _entry(PURPOSES[orders.purpose])()
    say.say(ready={})
    work = start(_receive(orders.control), say)
    say.say(confined={})
    _work(work, say)


def _tell_what_broke(live: Callable[..., None], ppid: int, orders: Orders, *more: str) -> None:
    try:
        live(ppid, orders, *more)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        words = f"{type(error).__name__} in {where.name}, line {where.lineno}: {error}"
        Status(orders.status).say(broken=cleaned(words, 400))
        raise


def _work(work: "Work", say: Status) -> None:
    try:
        work()
    except Refusal as refusal:
        say.say(failure=refusal.words())
    except MemoryError:
        say.say(failure=Refusal("E_MEMORY", got="an allocation that the limit refused").words())


Work = Callable[[], None]
Start = Callable[[Job, Status], Work]


def _entry(purpose: Purpose) -> Callable[[], Start]:
    """Return what imports and warms up; that returns what maps a job; that returns the work."""
    os.environ.update(purpose.environment)
    prepare: Callable[[], Start] = importlib.import_module(purpose.module).prepare
    return prepare


def _receive(control: int) -> Job:
    channel = socket.socket(fileno=os.dup(control))
    with channel:
        size = array.array("i").itemsize
        head, rights, _, _ = channel.recvmsg(4, socket.CMSG_SPACE(_MOST_DESCRIPTORS * size))
        if not head:  # the parent is gone, or needs no job done
            sys.exit(0)
        descriptors = array.array("i")
        for level, kind, data in rights:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(data[: len(data) - len(data) % size])
        length = int.from_bytes(head, "big")
        message = b""
        while len(message) < length:
            message += channel.recv(length - len(message))
    return Job(json.loads(message), tuple(descriptors))
