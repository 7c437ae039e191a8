"""A control group around a cell, where this process was given some to divide.

It holds what rlimits cannot: the memory of all processes together, pages of shared memory included,
and their number whatever else this user runs. Only control groups of version 2, and only where they
were delegated to us: a group is made beside our own, whose parent must be ours to write (systemd:
``Delegate=yes`` with ``DelegateSubgroup=runner``). Nothing that is not ours is moved or set; taking
processes out of a group that somebody else watches would hide them from its owner.
Formats are from the kernel's admin-guide/cgroup-v2 documentation.
"""

import contextlib
import itertools
import os
import time
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_WANTED = {"memory", "pids"}
_numbers = itertools.count()


class Group:
    """The group of one cell."""

    def __init__(self, parent: Path) -> None:
        """Make it below ``parent``. Raises OSError where that is refused."""
        self.folder = parent / f"bookwiz-{os.getpid()}-{next(_numbers)}"
        self.folder.mkdir()

    def limit(self, *, memory: int, processes: int) -> None:
        """Bound all processes of the group together. Raises OSError."""
        (self.folder / "memory.max").write_text(str(memory))
        with contextlib.suppress(OSError):  # a kernel without swap lacks the file
            (self.folder / "memory.swap.max").write_text("0")
        (self.folder / "pids.max").write_text(str(processes))

    def remove(self) -> None:
        """Kill whatever is still in it and remove it; one that stays is empty and costs nothing."""
        with contextlib.suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1")
        for _ in range(50):
            try:
                self.folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.002)  # its last process is still being buried
            else:
                return


def join(folder: str) -> None:
    """Move this process into ``folder``. Raises OSError."""
    Path(folder, "cgroup.procs").write_text("0")


def delegated(text: str | None = None, root: Path = _ROOT) -> Path | None:
    """Return the folder to make groups in, or None. ``text`` stands for /proc/self/cgroup."""
    try:
        lines = (Path("/proc/self/cgroup").read_text() if text is None else text).splitlines()
        mine = next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")
        if not mine:  # no such hierarchy, or we sit in its root, beside which there is nothing
            return None
        parent = (root / mine).parent
        control = parent / "cgroup.subtree_control"
        if not set((parent / "cgroup.controllers").read_text().split()) >= _WANTED:
            return None
        if not os.access(parent, os.W_OK):
            return None
        if not set(control.read_text().split()) >= _WANTED:
            control.write_text("+memory +pids")
    except OSError:
        return None
    return parent


def try_out() -> tuple[bool, str]:
    """Make a group, limit it and remove it; return whether that worked and a sentence."""
    parent = delegated()
    if parent is None:
        return False, "no control group (version 2) was delegated to this runner"
    try:
        group = Group(parent)
        try:
            group.limit(memory=1 << 30, processes=64)
        finally:
            group.remove()
    except OSError as error:
        return False, str(error.strerror or error)
    return True, "memory and number of processes are bounded for all of a cell together"
