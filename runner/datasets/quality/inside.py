"""The child that unpacks and decodes: ``python -m runner.datasets.quality.inside FOLDER < archive``.

It writes to FOLDER and nowhere else, and is never told anything but the archive.
"""

import importlib
import os
import sys
from pathlib import Path

from PIL import Image

from runner.datasets.quality import reading
from runner.failures import Refusal
from runner.sandbox import confine, landlock, seccomp
from runner.sandbox.tier import unsafe_allowed

_CPU_SECONDS, _MEMORY, _FILE = 280, 3 << 30, 2 << 30
#: what is otherwise imported when it is first needed, and cannot be found any more behind the walls
_LATE = (
    *(f"runner.datasets.{name}" for name in ("attributes", "coco", "folders", "idx", "masks", "npz")),
    *(f"encodings.{name}" for name in ("ascii", "cp437", "latin_1", "utf_8_sig", "utf_16")),
    "bz2", "gzip", "lzma", "numpy.random", "PIL.ImageCms", "PIL.MpoImagePlugin",
)  # fmt: skip


def main(folder: Path) -> None:
    """Build the walls, then read. What could not be built is an answer as well."""
    if sys.platform == "linux":
        confine.die_with_parent(os.getppid())
    for name in _LATE:
        importlib.import_module(name)
    Image.init()
    archive = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    try:
        if landlock.abi() or not unsafe_allowed():
            _wall_in(folder)
    except OSError as error:
        reading.leave(folder, {"refused": Refusal("E_RUNNER_UNSAFE", got=str(error)).words()})
        return
    reading.write_answer(folder, archive)


def _wall_in(folder: Path) -> None:
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    parent = os.getppid()
    confine.wall_off_files(writable=(str(folder),))
    confine.limit(
        cpu_seconds=_CPU_SECONDS, memory=_MEMORY, address_space=in_use, file_size=_FILE
    )  # fmt: skip
    confine.become_nobody()
    confine.die_with_parent(parent)
    seccomp.deny_all_but_arithmetic(files=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
