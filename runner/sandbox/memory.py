"""Anonymous memory that two processes share and neither can grow, shrink or replace."""

import fcntl
import mmap
import os
from collections.abc import Collection
from pathlib import Path

_HUGE_PART = 1 << 30
#: what a seal is called here, so that a test can leave it out
SEALS = {
    "seal of contents": fcntl.F_SEAL_WRITE,
    "seal of growth": fcntl.F_SEAL_GROW,
    "seal of shrinking": fcntl.F_SEAL_SHRINK,
    "seal of seals": fcntl.F_SEAL_SEAL,
}


def sealed(data: bytes | memoryview, without: Collection[str] = ()) -> int:
    """Return a descriptor of memory that holds ``data`` and can never change.

    ``without`` names seals that a test leaves away.
    """
    descriptor = os.memfd_create("model", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(data).cast("B")
    while view:  # one write takes at most 2 GiB
        view = view[os.write(descriptor, view[:_HUGE_PART]) :]
    _seal(descriptor, without)
    return descriptor


def board(size: int, without: Collection[str] = ()) -> tuple[int, mmap.mmap]:
    """Return ``size`` bytes that can be written but not resized: a descriptor and our own map.

    ``without`` names seals that a test leaves away.
    """
    descriptor = os.memfd_create("scores", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    _seal(descriptor, (*without, "seal of contents"))
    return descriptor, mmap.mmap(descriptor, size)


def _seal(descriptor: int, without: Collection[str]) -> None:
    seals = sum(seal for name, seal in SEALS.items() if name not in without)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def path_of(descriptor: int) -> Path:
    """Return a path that opens ``descriptor`` again, in this process and as long as it is open."""
    return Path(f"/proc/self/fd/{descriptor}")
