"""A seccomp filter by ctypes: the few system calls that arithmetic needs, and no others.

An allow-list, not a deny-list. It could be made solid because the child is unusual: by the time
the filter comes, every import is done, every thread is started and every file is mapped, so ONNX
Runtime is left with memory, futexes and clocks. A call that a later glibc invents is refused with
EPERM instead of let through, which costs at worst a failed evaluation and a line in this table; a
deny-list would fail the other way. Numbers are from the kernel's unistd tables of each
architecture. An architecture that is not in the table is refused (OSError), as is the x32 ABI.
"""

import ctypes
import os
import platform
import struct

_SET_FILTER, _TSYNC = 1, 1
_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32_BIT = 0x40000000
_PROT_EXEC = 4
_FCNTL_SAFE = (1, 2, 3, 1030)  # get/set close-on-exec, get flags, dup with close-on-exec
_NO_NEW_PRIVS = 38

# architecture token, number of seccomp, clone3, and the allowed calls by name
_X86_64 = {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9,
    "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
    "rt_sigreturn": 15, "pread64": 17, "sched_yield": 24, "mremap": 25, "madvise": 28,
    "nanosleep": 35, "getpid": 39, "exit": 60, "fcntl": 72, "gettimeofday": 96, "getrusage": 98,
    "getuid": 102, "geteuid": 107, "sigaltstack": 131, "gettid": 186, "futex": 202,
    "sched_getaffinity": 204, "restart_syscall": 219, "clock_gettime": 228,
    "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "tgkill": 234,
    "openat": 257, "newfstatat": 262, "ppoll": 271, "set_robust_list": 273, "prlimit64": 302,
    "getcpu": 309, "getrandom": 318, "membarrier": 324, "rseq": 334,
}  # fmt: skip
_AARCH64 = {
    "fcntl": 25, "openat": 56, "close": 57, "lseek": 62, "read": 63, "write": 64, "pread64": 67,
    "ppoll": 73, "newfstatat": 79, "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98,
    "set_robust_list": 99, "nanosleep": 101, "clock_gettime": 113, "clock_getres": 114,
    "clock_nanosleep": 115, "sched_getaffinity": 123, "sched_yield": 124,
    "restart_syscall": 128, "tgkill": 131, "sigaltstack": 132, "rt_sigaction": 134,
    "rt_sigprocmask": 135, "rt_sigreturn": 139, "getrusage": 165, "getcpu": 168,
    "gettimeofday": 169, "getpid": 172, "getuid": 174, "geteuid": 175, "gettid": 178,
    "brk": 214, "munmap": 215, "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233,
    "prlimit64": 261, "getrandom": 278, "membarrier": 283, "rseq": 293,
}  # fmt: skip
# What making and reading files takes besides: for a cell with a private tmpfs. Landlock says where.
_FILES = {
    "x86_64": {
        "stat": 4, "lstat": 6, "pwrite64": 18, "readv": 19, "writev": 20, "access": 21, "dup": 32,
        "fsync": 74, "ftruncate": 77, "getcwd": 79, "rename": 82, "mkdir": 83, "rmdir": 84,
        "unlink": 87, "readlink": 89, "getdents64": 217, "mkdirat": 258, "unlinkat": 263,
        "renameat": 264, "faccessat": 269, "fallocate": 285, "renameat2": 316, "statx": 332,
        "openat2": 437, "faccessat2": 439,
    },
    "aarch64": {
        "getcwd": 17, "dup": 23, "mkdirat": 34, "unlinkat": 35, "renameat": 38, "ftruncate": 46,
        "fallocate": 47, "faccessat": 48, "getdents64": 61, "readv": 65, "writev": 66,
        "pwrite64": 68, "readlinkat": 78, "fsync": 82, "renameat2": 276, "statx": 291,
        "openat2": 437, "faccessat2": 439,
    },
}  # fmt: skip
_CLONE3 = 435  # on every architecture; ENOSYS makes glibc fall back to clone, which is refused
_TABLES = {
    "x86_64": (0xC000003E, 317, _X86_64),
    "aarch64": (0xC00000B7, 277, _AARCH64),
}

_libc = ctypes.CDLL(None, use_errno=True)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def program(
    machine: str, pid: int, *, executable_memory: bool = False, files: bool = False
) -> bytes:
    """Return the filter for ``machine`` as struct sock_filter[]. Raises OSError if it is unknown.

    ``pid`` is the process that may signal itself (abort does), and no other. ``executable_memory``
    is for libraries that write machine code; ``files`` adds what making and reading files takes.
    """
    if machine not in _TABLES:
        raise OSError(f"no table of system calls for {machine}")
    arch, _, calls = _TABLES[machine]
    if files:
        calls = calls | _FILES[machine]
    code = [
        _jump(_LOAD, _ARCH),
        _jump(_EQUAL, arch, 1, 0),
        _jump(_RETURN, _KILL),
        _jump(_LOAD, _NUMBER),
        _jump(_AT_LEAST, _X32_BIT, 0, 1),
        _jump(_RETURN, _KILL),
        _jump(_EQUAL, _CLONE3, 0, 1),
        _jump(_RETURN, _ENOSYS),
    ]
    checked = {"fcntl", "tgkill", "prlimit64"}
    for name in () if executable_memory else ("mmap", "mprotect"):
        checked.add(name)
        code += _when(calls[name], [(2, _jump(_ANY_BIT, _PROT_EXEC, 0, 1), _EPERM)], _ALLOW)
    code += _when(
        calls["fcntl"], [(1, _jump(_EQUAL, safe, 0, 1), _ALLOW) for safe in _FCNTL_SAFE], _EPERM
    )
    code += _when(calls["tgkill"], [(0, _jump(_EQUAL, pid, 0, 1), _ALLOW)], _EPERM)
    code += _only_reading_limits(calls["prlimit64"])
    for name, number in calls.items():
        if name not in checked:
            code += [_jump(_EQUAL, number, 0, 1), _jump(_RETURN, _ALLOW)]
    return b"".join([*code, _jump(_RETURN, _EPERM)])


def _jump(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _when(number: int, tests: list[tuple[int, bytes, int]], otherwise: int) -> list[bytes]:
    """Return the block for one call; a test that fails skips the verdict after it."""
    body = []
    for argument, test, verdict in tests:
        body += [_jump(_LOAD, _ARGUMENTS + 8 * argument), test, _jump(_RETURN, verdict)]
    body.append(_jump(_RETURN, otherwise))
    return [_jump(_EQUAL, number, 0, len(body)), *body]


def _only_reading_limits(number: int) -> list[bytes]:
    # prlimit64(pid, resource, new, old): `new` must be a null pointer, in both halves.
    low, high = _ARGUMENTS + 16, _ARGUMENTS + 20
    body = [
        _jump(_LOAD, low),
        _jump(_EQUAL, 0, 0, 3),
        _jump(_LOAD, high),
        _jump(_EQUAL, 0, 0, 1),
        _jump(_RETURN, _ALLOW),
        _jump(_RETURN, _EPERM),
    ]
    return [_jump(_EQUAL, number, 0, len(body)), *body]


def deny_all_but_arithmetic(
    *, executable_memory: bool = False, files: bool = False, every_thread: bool = True
) -> None:
    """Put the filter over every thread of this process. Raises OSError if that cannot be done.

    Without ``every_thread`` (for a test) it comes over the calling one and what that starts later.
    """
    machine = platform.machine()
    code = program(machine, os.getpid(), executable_memory=executable_memory, files=files)
    buffer = ctypes.create_string_buffer(code, len(code))
    filter_ = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    number = _TABLES[machine][1]
    result = _libc.syscall(
        ctypes.c_long(number), ctypes.c_uint(_SET_FILTER), ctypes.c_uint(_TSYNC * every_thread),
        ctypes.byref(filter_),
    )  # fmt: skip
    if result != 0:  # a positive answer is a thread that could not be brought in
        raise OSError(ctypes.get_errno(), "seccomp was refused")
