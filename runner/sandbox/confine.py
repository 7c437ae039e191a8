"""The walls around a predicting process, in the order in which they must go up.

``wall_off_files`` → imports → ``limit`` → ``become_nobody`` → ``deny_all_but_arithmetic``. Only then
may a process look at a byte that a stranger sent. A wall that cannot be built is an OSError, never
a weaker sandbox.
"""

import ctypes
import math
import os
import resource
import signal
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

from runner.sandbox import landlock

_PDEATHSIG, _DUMPABLE = 1, 4
_NOBODY = 65534
_FILES = 64
# All processes of uid nobody on this host count together, so this leaves room for other runners.
_PROCESSES = 256
# glibc reserves 64 MiB of address space for each thread's heap, whether it is used or not.
_ADDRESS_SLACK = 512 << 20

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when ``parent`` dies; exit at once if it already has.

    Must be asked again after every change of uid, which clears it.
    """
    if _libc.prctl(_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the parent-death signal was refused")
    if os.getppid() != parent:
        os._exit(1)


def hide_from_others() -> None:
    """Forbid processes of the same user to trace this one or to read its memory."""
    _libc.prctl(_DUMPABLE, 0, 0, 0, 0)


def readable_paths() -> tuple[str, ...]:
    """Return what imports need: the interpreter's libraries, ours, the system's; no home, no /etc."""
    ours = Path(__file__).resolve().parent.parent
    keys = ("stdlib", "platstdlib", "purelib", "platlib")
    python = {sysconfig.get_path(key) for key in keys} | {sysconfig.get_config_var("LIBDIR") or ""}
    base = Path(sys.base_prefix)
    python |= {str(base / "lib"), str(base / "lib64")}
    system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache")
    hardware = ("/sys/devices/system/cpu", "/proc/cpuinfo", "/dev/null", "/dev/urandom")
    return (str(ours), *sorted(path for path in python if path), *system, *hardware)


def wall_off_files(
    readable: Sequence[str] = (), writable: Sequence[str] = (), without: Sequence[str] = ()
) -> int:
    """Leave only ``readable`` (else ``readable_paths``) to read. Returns the Landlock ABI."""
    return landlock.restrict(readable or readable_paths(), writable, without)


def limit(
    *,
    cpu_seconds: float,
    memory: int,
    address_space: int,
    file_size: int = 0,
    without: Sequence[str] = (),
    namespaced: bool = False,
) -> None:
    """Lower the kernel's limits: ``memory`` bytes beyond the ``address_space`` already in use.

    No file may grow beyond ``file_size`` bytes. ``namespaced``: this user namespace counts its own
    processes, so that their number can be bounded whoever the user is. ``without`` names limits
    that a test leaves away.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = math.ceil(used.ru_utime + used.ru_stime + cpu_seconds)
    total = address_space + memory + _ADDRESS_SLACK
    limits = {
        "cpu": (resource.RLIMIT_CPU, cpu, cpu + 1),
        "address space": (resource.RLIMIT_AS, total, total),
        "file size": (resource.RLIMIT_FSIZE, file_size, file_size),
        "core": (resource.RLIMIT_CORE, 0, 0),
        "open files": (resource.RLIMIT_NOFILE, _FILES, _FILES),
    }
    # Without a namespace, a person's own uid may have thousands of threads; nobody has few.
    if namespaced or os.geteuid() == 0:
        limits["processes"] = (resource.RLIMIT_NPROC, _PROCESSES, _PROCESSES)
    for name, values in limits.items():
        if name not in without:
            _lower(*values)


def _lower(kind: int, soft: int, hard: int) -> None:
    present = resource.getrlimit(kind)[1]
    if present != resource.RLIM_INFINITY:
        hard = min(hard, present)
    resource.setrlimit(kind, (min(soft, hard), hard))


def become_nobody() -> None:
    """Give up root. Does nothing for an ordinary user, who has nothing to give up."""
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
