"""What a model that took over its process would try, tried by ourselves behind the same walls.

Each attack returns what it got away with, or raises OSError: that is the wall answering.
"""

import contextlib
import ctypes
import mmap
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_PTRACE_SEIZE = 0x4206
_libc = ctypes.CDLL(None, use_errno=True)
_TEN_GB = 10 << 30

Bait = dict[str, Any]


@dataclass(frozen=True)
class Attack:
    """``run`` returns what it got away with, or raises OSError. ``wall`` is what answers first."""

    run: Callable[[Bait], str]
    wall: str
    behind: str = ""  #: what stands behind that wall at tier full
    #: only namespaces hold it, and nothing of value is behind it: not tried at tier reduced
    full_only: bool = False


def _read_passwd(_: Bait) -> str:
    return _read("/etc/passwd")


def _read_labels(bait: Bait) -> str:
    return _read(bait["labels"])


def _read_parent_environment(bait: Bait) -> str:
    return _read(f"/proc/{bait['pid']}/environ")


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return f"{len(os.read(descriptor, 64))} bytes"
    finally:
        os.close(descriptor)


def _list_root(_: Bait) -> str:
    return f"{len(os.listdir('/'))} names"  # noqa: PTH208 - the bare call is the attack


def _own_environment(_: Bait) -> str:
    if not os.environ:
        raise PermissionError("empty")
    return f"{len(os.environ)} variables"


def _first_environment(_: Bait) -> str:
    # What the kernel put on the first page of the stack outlives every unsetenv.
    descriptor = os.open("/proc/self/environ", os.O_RDONLY)
    try:
        names = {part.partition(b"=")[0] for part in os.read(descriptor, 1 << 16).split(b"\0")}
    finally:
        os.close(descriptor)
    names -= {
        b"",
        b"LC_CTYPE",
        b"PWD",
    }  # Python sets the one of its own locale, bubblewrap the other
    if not names:
        raise PermissionError("empty")
    return f"{len(names)} variables"


def _read_other_submission(bait: Bait) -> str:
    return _read(bait["submission"])


def _see_the_runner(bait: Bait) -> str:
    os.stat(f"/proc/{bait['pid']}")  # noqa: PTH116 - the bare call is the attack
    return "sees it"


def _host_name(bait: Bait) -> str:
    if os.uname().nodename != bait["host"]:
        raise PermissionError("another name")
    return "knows it"


def _shared_memory(bait: Bait) -> str:
    return _raw(min(0, _libc.shmget(bait["shared"], 1, 0)))


def _write_root(_: Bait) -> str:
    os.mkdir("/written", 0o700)  # noqa: PTH102 - the bare call is the attack
    return "made a folder"


def _share_session(bait: Bait) -> str:
    # 0 is the kernel's word for a leader that is outside of this process namespace.
    if os.getsid(0) in (0, bait["session"]):
        return "shares it"
    raise PermissionError("a session of its own")


def _share_control_groups(bait: Bait) -> str:
    if os.stat("/proc/self/ns/cgroup").st_ino == bait["groups"]:  # noqa: PTH116
        return "sees the runner's"
    raise PermissionError("a namespace of its own")


def _leave_a_core(_: Bait) -> str:
    import resource

    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if most == 0:
        raise PermissionError("none")
    return "may leave one"


def _write_model(bait: Bait) -> str:
    with mmap.mmap(bait["model"], 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_WRITE):
        return "mapped it to write"


def _write_images(bait: Bait) -> str:
    return f"{os.write(bait['descriptor'], b'0')} byte"


def _grow_output(bait: Bait) -> str:
    os.lseek(bait["output"], 0, os.SEEK_END)
    return f"{os.write(bait['output'], b'more')} bytes"


def _resize_output(bait: Bait) -> str:
    os.ftruncate(bait["output"], 0)
    return "emptied it"


def _open_more(_: Bait) -> str:
    opened: list[int] = []
    try:
        while len(opened) < 1000:  # noqa: PLR2004
            opened += [os.open("/dev/null", os.O_RDONLY)]
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return f"{len(opened)} files"


def _make_room(_: Bait) -> str:
    return _raw(_libc.syscall(ctypes.c_long(425), 4, None))


def _name_of_a_file(bait: Bait) -> str:
    return os.readlink(f"/proc/self/fd/{bait['descriptor']}")  # noqa: PTH115 - the bare call


def _connect(bait: Bait) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.connect(("127.0.0.1", bait["port"]))
        return "connected"


def _fork(_: Bait) -> str:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return "forked"


def _thread(_: Bait) -> str:
    thread = threading.Thread(target=int)
    try:
        thread.start()
    except RuntimeError as error:
        raise PermissionError(str(error)) from None
    thread.join()
    return "started a thread"


def _exec(_: Bait) -> str:
    # A path that is no program: where exec is open, the answer is "not a program", and we live on.
    with contextlib.suppress(OSError):
        os.execv("/dev/null", ["/dev/null"])  # noqa: S606
    if _libc.execve(b"/proc/self/nothing", None, None) == -1:
        error = ctypes.get_errno()
        if error in (1, 38):
            raise PermissionError(error, os.strerror(error))
    return "exec is open"


def _allocate(_: Bait) -> str:
    with mmap.mmap(-1, _TEN_GB):
        return "10 GB"


def _write(bait: Bait) -> str:
    path = bait["folder"] + "/written"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    with contextlib.suppress(OSError):  # it is written by now, whether it can be removed or not
        os.unlink(path)  # noqa: PTH108
    return "wrote a file"


def _anonymous_file(_: Bait) -> str:
    os.close(os.memfd_create("x"))
    return "made one"


def _kill_parent(bait: Bait) -> str:
    os.kill(bait["pid"], 0)
    return "could"


def _kill_warden(_: Bait) -> str:
    os.kill(os.getppid(), 0)
    return "could"


def _trace_parent(bait: Bait) -> str:
    return _raw(_libc.ptrace(_PTRACE_SEIZE, bait["pid"], None, None))


def _unshare(_: Bait) -> str:
    return _raw(_libc.unshare(0x10000000))


def _raise_limit(_: Bait) -> str:
    import resource

    present = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, present)
    except ValueError as error:  # the module's word for EPERM
        raise PermissionError(str(error)) from None
    return "could"


def _executable_memory(_: Bait) -> str:
    with mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC):
        return "mapped"


def _become_root(_: Bait) -> str:
    os.setuid(0)
    return "uid 0"


def _be_root(_: Bait) -> str:
    if os.geteuid() != 0:
        raise PermissionError(f"uid {os.geteuid()}")
    return "uid 0"


def _ignore_death(_: Bait) -> str:
    return _raw(_libc.prctl(1, int(signal.SIGCONT), 0, 0, 0))


def _raw(result: int) -> str:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return "could"


_SECCOMP, _LANDLOCK = "seccomp", "Landlock"
_NO_FILE, _PIDS = "a root with nothing in it", "the process namespace"

ATTACKS: dict[str, Attack] = {
    "read /etc/passwd": Attack(_read_passwd, _LANDLOCK, _NO_FILE),
    "read the labels": Attack(_read_labels, _LANDLOCK, _NO_FILE),
    "read another submission": Attack(_read_other_submission, _LANDLOCK, _NO_FILE),
    "read the runner's environment": Attack(_read_parent_environment, _LANDLOCK, _PIDS),
    "find a variable in its own environment": Attack(_own_environment, "clearing"),
    "read the environment that it was started with": Attack(
        _first_environment, _LANDLOCK, "starting it without one"
    ),
    "list the root folder": Attack(_list_root, _LANDLOCK),
    "learn the name of an open file": Attack(_name_of_a_file, _SECCOMP),
    "write a file": Attack(_write, _LANDLOCK, "a root that cannot be written"),
    "write to the root folder": Attack(_write_root, _SECCOMP, "a root that cannot be written"),
    "make an anonymous file": Attack(_anonymous_file, _SECCOMP),
    "open a thousand files": Attack(_open_more, "RLIMIT_NOFILE"),
    "change the model that it runs": Attack(_write_model, "sealing"),
    "change the images that it is given": Attack(_write_images, "a descriptor that only reads"),
    "grow its output": Attack(_grow_output, "sealing"),
    "shrink its output": Attack(_resize_output, _SECCOMP, "sealing"),
    "connect to loopback": Attack(_connect, _SECCOMP, "the network namespace"),
    "make an io_uring": Attack(_make_room, _SECCOMP),
    "find shared memory of the host": Attack(_shared_memory, _SECCOMP, "the IPC namespace"),
    # Before the first thread: a process that ever had two is refused for that reason.
    "make a new user namespace": Attack(_unshare, _SECCOMP, "a limit of none"),
    "fork": Attack(_fork, _SECCOMP, "RLIMIT_NPROC"),
    "start a thread": Attack(_thread, _SECCOMP, "RLIMIT_NPROC"),
    "start a program": Attack(_exec, _SECCOMP, _NO_FILE),
    "allocate 10 GB": Attack(_allocate, "RLIMIT_AS"),
    "map executable memory": Attack(_executable_memory, _SECCOMP),
    "signal the runner": Attack(_kill_parent, _SECCOMP, _PIDS),
    "signal what started it": Attack(_kill_warden, _SECCOMP),
    "trace the runner": Attack(_trace_parent, _SECCOMP, _PIDS),
    "see that the runner is there": Attack(_see_the_runner, _PIDS, full_only=True),
    "learn the host's name": Attack(_host_name, _SECCOMP, "the UTS namespace"),
    "join the runner's session": Attack(_share_session, _SECCOMP, "a session of its own"),
    "see the runner's control groups": Attack(
        _share_control_groups, "the control-group namespace", full_only=True
    ),
    "leave a core file": Attack(_leave_a_core, "RLIMIT_CORE"),
    "change its own limits": Attack(_raise_limit, _SECCOMP),
    "stay root": Attack(_be_root, "giving root up"),
    "become root": Attack(_become_root, _SECCOMP, "the kernel"),
    "outlive its parent": Attack(_ignore_death, _SECCOMP, _PIDS),
}


def look_up() -> None:
    """Find what the attacks call: looked up behind the walls, it would fail for the wrong reason."""
    import resource

    del resource
    for name in ("execve", "ptrace", "unshare", "prctl", "shmget", "syscall"):
        getattr(_libc, name)
