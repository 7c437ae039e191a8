"""Landlock by ctypes: from here on this thread reads the given folders and nothing else.

It binds only the calling thread and those it starts later, so it must come before any import that
starts threads. Rules are from the kernel's userspace-api/landlock documentation, ABI 1 to 7.
"""

import ctypes
import os
from collections.abc import Collection, Iterable

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG = 1
_PATH_BENEATH = 1
_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
# remove a folder or a file, make a folder or a plain file, truncate
_CHANGE = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14
_ALL_FS_ABI1 = (1 << 13) - 1
_REFER = 1 << 13
#: what a later ABI can refuse: its name here, so that a test can leave it out; since; right
_TRUNCATE = ("landlock truncate", 3, 1 << 14)
_DEVICES = ("landlock devices", 5, 1 << 15)
_NETWORK = ("landlock network", 4, 0b11)  # bind and connect by TCP
_SOCKETS, _SIGNALS = ("landlock sockets", 6, 0b01), ("landlock signals", 6, 0b10)
LATER = {name: since for name, since, _ in (_TRUNCATE, _DEVICES, _NETWORK, _SOCKETS, _SIGNALS)}
_REFER_ABI = 2
_NO_NEW_PRIVS = 38

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("fs", ctypes.c_uint64),
        ("net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def abi() -> int:
    """Return the kernel's Landlock version; 0 where there is none."""
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    except OSError:
        return 0


def restrict(
    readable: Iterable[str], writable: Iterable[str] = (), without: Collection[str] = ()
) -> int:
    """Leave this thread reading beneath ``readable``; no exec, no TCP, no signal to outside.

    Beneath ``writable`` it may also make, change and remove files and folders, and nowhere else.
    ``without`` names what a test leaves open, of ``LATER``.

    Returns the ABI in force. Raises OSError where the kernel has no Landlock. Paths that do not
    exist are passed over.
    """
    version = abi()
    if version == 0:
        raise OSError("this kernel has no Landlock")

    def refused(*kinds: tuple[str, int, int]) -> int:
        return sum(
            right for name, since, right in kinds if version >= since and name not in without
        )

    handled = _ALL_FS_ABI1 | (_REFER if version >= _REFER_ABI else 0)
    handled |= refused(_TRUNCATE, _DEVICES)
    rules = _Ruleset(handled, refused(_NETWORK), refused(_SOCKETS, _SIGNALS))
    # Older kernels refuse a structure with fields they do not know, unless these are zero.
    ruleset = _call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(24), ctypes.c_uint32(0))
    try:
        for path in readable:
            _allow(ruleset, path, _READ_FILE, _READ_DIR)
        for path in writable:
            _allow(ruleset, path, _READ_FILE | _WRITE_FILE, _READ_DIR | (_CHANGE & handled))
        if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs was refused")
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, path: str, on_file: int, on_folder: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        rights = on_file | on_folder if os.path.isdir(path) else on_file  # noqa: PTH112
        rule = _PathBeneath(rights, parent)
        _call(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
    finally:
        os.close(parent)
