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

from runner.sandbox import attacks_on_files as files

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


def _own_environment(_: Bait) -> str:
    if not os.environ:
        raise PermissionError("empty")
    return f"{len(os.environ)} variables"


def _see_the_runner(bait: Bait) -> str:
    os.stat(f"/proc/{bait['pid']}")  # noqa: PTH116 - the bare call is the attack
    return "sees it"


def _host_name(bait: Bait) -> str:
    if os.uname().nodename != bait["host"]:
        raise PermissionError("another name")
    return "knows it"


def _shared_memory(bait: Bait) -> str:
    return _raw(min(0, _libc.shmget(bait["shared"], 1, 0)))


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


def _make_room(_: Bait) -> str:
    return _raw(_libc.syscall(ctypes.c_long(425), 4, None))


def _connect(bait: Bait) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.connect(("127.0.0.1", bait["port"]))
        return "connected"


def _reach_a_socket(bait: Bait) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect("\0" + bait["abstract"])
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
    "read /etc/passwd": Attack(files.read_passwd, _LANDLOCK, _NO_FILE),
    "read the labels": Attack(files.read_labels, _LANDLOCK, _NO_FILE),
    "read another submission": Attack(files.read_other_submission, _LANDLOCK, _NO_FILE),
    "read the runner's environment": Attack(files.read_parent_environment, _LANDLOCK, _PIDS),
    "find a variable in its own environment": Attack(_own_environment, "clearing"),
    "read the environment that it was started with": Attack(
        files.first_environment, _LANDLOCK, "starting it without one"
    ),
    "list the root folder": Attack(files.list_root, _LANDLOCK),
    "learn the name of an open file": Attack(files.name_of_a_file, _SECCOMP),
    "write a file": Attack(files.write, _LANDLOCK, "a root that cannot be written"),
    "write to the root folder": Attack(files.write_root, _SECCOMP, "a root that cannot be written"),
    "command a device": Attack(files.command_a_device, _SECCOMP),
    "make an anonymous file": Attack(files.anonymous_file, _SECCOMP),
    "open a thousand files": Attack(files.open_more, "RLIMIT_NOFILE"),
    "change the model that it runs": Attack(files.write_model, "sealing"),
    "change the images that it is given": Attack(
        files.write_images, "a descriptor that only reads"
    ),
    "map the images to write": Attack(files.map_images, "a descriptor that only reads"),
    "open the images again to write": Attack(files.open_images_again, _LANDLOCK),
    "empty another's file": Attack(files.empty_a_file, _SECCOMP, _NO_FILE),
    "find what it imports mounted to be written": Attack(
        files.mounted_to_write, _SECCOMP, "read-only mounts", full_only=True
    ),
    "grow the model that it runs": Attack(files.grow_model, _SECCOMP, "sealing"),
    "shrink the model that it runs": Attack(files.shrink_model, _SECCOMP, "sealing"),
    "grow its output": Attack(files.grow_output, "sealing"),
    "seal its output for others": Attack(files.seal_output, _SECCOMP, "sealing"),
    "shrink its output": Attack(files.resize_output, _SECCOMP, "sealing"),
    "connect to loopback": Attack(_connect, _SECCOMP, "the network namespace"),
    "reach a socket that has no file": Attack(_reach_a_socket, _SECCOMP, "the network namespace"),
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
