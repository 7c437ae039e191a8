"""The outer walls of tier ``full``: namespaces in which there is nothing but what imports need.

Bubblewrap makes them. It is started by an ordinary user in any case: root gives itself up first,
because uid 0 on the host would stay uid 0 behind a namespace's mask (it could still write
/proc/sys, and RLIMIT_NPROC would not bind it). What nobody may not reach on the host, such as an
interpreter in root's home, is bound to a place of this process's own first.
"""

import contextlib
import ctypes
import dataclasses
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Sequence

from runner.sandbox import confine
from runner.sandbox.orders import Orders
from runner.sandbox.purposes import PURPOSES, SCRATCH

_NEW_MOUNTS = 0x20000
_BIND, _RECURSIVE, _PRIVATE, _NO_SUID, _NO_DEVICES = 0x1000, 0x4000, 1 << 18, 2, 4
_STAGE = "/tmp"  # noqa: S108 - a tmpfs in a mount namespace that only this process has
# Not by PATH, which belongs to whoever started the runner.
_FOLDERS = "/usr/bin:/bin:/usr/local/bin"
#: what a namespace is called here, and the flag that makes it
NAMESPACES = {
    "net": "--unshare-net",
    "pid": "--unshare-pid",
    "ipc": "--unshare-ipc",
    "uts": "--unshare-uts",
    "cgroup namespace": "--unshare-cgroup-try",
}
HOST_NAME = "cell"

_libc = ctypes.CDLL(None, use_errno=True)


def program() -> str | None:
    """Return where bubblewrap is, or None."""
    return shutil.which("bwrap", path=_FOLDERS)


def flags(orders: Orders) -> list[str]:
    """Return everything but the files: each guard by its name, so that a test can leave it out."""
    given = ["--unshare-user", "--cap-drop", "ALL"]
    given += [flag for name, flag in NAMESPACES.items() if orders.has(name)]
    given += ["--hostname", HOST_NAME] if orders.has("uts") else []
    for guard in ("--die-with-parent", "--disable-userns", "--new-session", "--clearenv"):
        given += [guard] if orders.has(guard) else []
    return given


def files(binds: Iterable[tuple[str, str]], orders: Orders) -> list[str]:
    """Return what there is to see: ``binds`` (from, to) read-only, and a root that cannot be written."""
    given: list[str] = []
    if not orders.has("few files"):
        given += ["--ro-bind", "/etc", "/etc"]
    bind = "--ro-bind" if orders.has("--ro-bind") else "--bind"
    for source, target in binds:
        given += [bind, source, target]
    given += ["--proc", "/proc"]
    for device in ("/dev/null", "/dev/urandom"):
        given += ["--dev-bind", device, device]
    scratch = PURPOSES[orders.purpose].scratch
    if scratch:
        given += ["--perms", "0700", "--size", str(scratch), "--tmpfs", SCRATCH]
    # Last: bubblewrap's own root is a tmpfs without a size that its user could fill.
    given += ["--remount-ro", "/"] if orders.has("--remount-ro") else []
    return given


def enter(orders: Orders, start: str, root: str, warden: int) -> None:
    """Become bubblewrap, and it Python inside, with ``start`` to run. Returns only as an OSError."""
    wrapper = program()
    if wrapper is None:
        raise FileNotFoundError("bwrap")
    python = os.path.realpath(sys.executable)
    readable = confine.readable_paths()
    binds = [(path, path) for path in _roots((*readable, python))]
    orders = dataclasses.replace(orders, paths=tuple(sys.path), readable=readable)
    if os.geteuid() == 0:
        binds = _stage(binds)
        confine.become_nobody()
        confine.die_with_parent(warden)
    inside = [python, "-I", "-B", "-S", "-X", "utf8", "-c", start, root, "inside", orders.to_json()]
    command = [wrapper, *flags(orders), *files(binds, orders), "--chdir", "/", "--", *inside]
    os.execve(wrapper, command, dict(os.environ) if not orders.has("empty environment") else {})  # noqa: S606 - there is no shell to have


def _roots(paths: Iterable[str]) -> list[str]:
    """Return those that exist and lie beneath no other, without /proc and /dev, which are made."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        inner = path.startswith(("/proc/", "/dev/")) or any(
            path.startswith(parent.rstrip("/") + "/") for parent in kept
        )
        if not inner and os.path.exists(path):  # noqa: PTH110 - pathlib is slower to import
            kept.append(path)
    return kept


def _stage(binds: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Bind every source below a folder that anybody may enter, in a mount namespace of our own.

    A container's root may not mount; then nobody has to be able to reach the sources themselves.
    """
    if _libc.unshare(_NEW_MOUNTS) != 0:
        return list(binds)
    _mount("none", "/", "", _RECURSIVE | _PRIVATE)
    opened = [os.open(source, os.O_PATH | os.O_CLOEXEC) for source, _ in binds]
    _mount("tmpfs", _STAGE, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=1m")
    staged = []
    for number, (descriptor, (_, target)) in enumerate(zip(opened, binds, strict=True)):
        place = f"{_STAGE}/{number}"
        # The path may lie beneath the stage by now; what was opened before is what it was.
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.mkdir(place)  # noqa: PTH102
        else:
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        _mount(f"/proc/self/fd/{descriptor}", place, "", _BIND | _RECURSIVE)
        staged.append((place, target))
        with contextlib.suppress(OSError):
            os.close(descriptor)
    return staged


def _mount(source: str, target: str, kind: str, how: int, options: str = "") -> None:
    words = [word.encode() or None for word in (source, target, kind)]
    if _libc.mount(*words, ctypes.c_ulong(how), options.encode() or None) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"mount {target}: {os.strerror(error)}")
