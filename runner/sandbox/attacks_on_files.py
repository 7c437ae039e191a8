"""What a model could try with files, and with the memory that it shares with the runner.

Each returns what it got away with, or raises OSError: that is the wall answering.
"""

import contextlib
import fcntl
import mmap
import os
from typing import Any

_NO_NEW_WRITERS = 0x10  # F_SEAL_FUTURE_WRITE
_ENTROPY = 0x80045200  # RNDGETENTCNT

Bait = dict[str, Any]


def read_passwd(_: Bait) -> str:
    return _read("/etc/passwd")


def read_labels(bait: Bait) -> str:
    return _read(bait["labels"])


def read_parent_environment(bait: Bait) -> str:
    return _read(f"/proc/{bait['pid']}/environ")


def _read(path: str) -> str:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return f"{len(os.read(descriptor, 64))} bytes"
    finally:
        os.close(descriptor)


def list_root(_: Bait) -> str:
    return f"{len(os.listdir('/'))} names"  # noqa: PTH208 - the bare call is the attack


def first_environment(_: Bait) -> str:
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


def read_other_submission(bait: Bait) -> str:
    return _read(bait["submission"])


def write_root(_: Bait) -> str:
    os.mkdir("/written", 0o700)  # noqa: PTH102 - the bare call is the attack
    return "made a folder"


def write_model(bait: Bait) -> str:
    with mmap.mmap(bait["model"], 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_WRITE):
        return "mapped it to write"


def write_images(bait: Bait) -> str:
    return f"{os.write(bait['descriptor'], b'0')} byte"


def map_images(bait: Bait) -> str:
    with mmap.mmap(bait["descriptor"], 0, flags=mmap.MAP_SHARED, prot=mmap.PROT_WRITE):
        return "mapped them to write"


def open_images_again(bait: Bait) -> str:
    # A link to the file itself: what the descriptor may not do, a new one might.
    os.close(os.open(f"/proc/self/fd/{bait['descriptor']}", os.O_RDWR))
    return "opened them"


def grow_model(bait: Bait) -> str:
    os.ftruncate(bait["model"], 1 << 20)
    return "made it larger"


def shrink_model(bait: Bait) -> str:
    os.ftruncate(bait["model"], 0)
    return "emptied it"


def empty_a_file(bait: Bait) -> str:
    os.truncate(bait["submission"], 0)
    return "emptied it"


def mounted_to_write(_: Bait) -> str:
    for path in (__file__, os.__file__):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            raise PermissionError("mounted to be read")
    return "they are"


def grow_output(bait: Bait) -> str:
    os.lseek(bait["output"], 0, os.SEEK_END)
    return f"{os.write(bait['output'], b'more')} bytes"


def resize_output(bait: Bait) -> str:
    os.ftruncate(bait["output"], 0)
    return "emptied it"


def seal_output(bait: Bait) -> str:
    # A writer that was there before may go on, so the kernel refuses this only for another seal.
    fcntl.fcntl(bait["output"], fcntl.F_ADD_SEALS, _NO_NEW_WRITERS)
    return "sealed it"


def command_a_device(_: Bait) -> str:
    descriptor = os.open("/dev/urandom", os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _ENTROPY, bytes(4))
    finally:
        os.close(descriptor)
    return "it answered"


def open_more(_: Bait) -> str:
    opened: list[int] = []
    try:
        while len(opened) < 1000:  # noqa: PLR2004
            opened += [os.open("/dev/null", os.O_RDONLY)]
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return f"{len(opened)} files"


def name_of_a_file(bait: Bait) -> str:
    return os.readlink(f"/proc/self/fd/{bait['descriptor']}")  # noqa: PTH115 - the bare call


def write(bait: Bait) -> str:
    path = bait["folder"] + "/written"
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    with contextlib.suppress(OSError):  # it is written by now, whether it can be removed or not
        os.unlink(path)  # noqa: PTH108
    return "wrote a file"


def anonymous_file(_: Bait) -> str:
    os.close(os.memfd_create("x"))
    return "made one"
