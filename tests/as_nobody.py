"""``python -m tests.as_nobody …``: Python with these arguments, as the user nobody.

Where the interpreter or the checkout lies in a folder that nobody may not enter, such as root's
home, it is bound to the same place in a mount namespace of this process's own.
"""

import os
import sys
from pathlib import Path

from runner.sandbox import bubblewrap, confine

ROOT = Path(__file__).resolve().parents[1]


def closed(path):
    """The highest folder on the way to *path* that others may not enter, or None."""
    way = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001]
    return way[0] if way else None


def open_up(paths):
    """Make *paths* reachable for everybody, for this process and those it becomes."""
    shut = {path: door for path in paths if (door := closed(path))}
    if not shut:
        return
    if bubblewrap._libc.unshare(bubblewrap._NEW_MOUNTS) != 0:
        raise OSError("another user cannot reach Python here, and mounts are not to be had")
    bubblewrap._mount("none", "/", "", bubblewrap._RECURSIVE | bubblewrap._PRIVATE)
    held = {path: os.open(path, os.O_PATH) for path in shut}
    for door in sorted(set(shut.values())):
        bubblewrap._mount("tmpfs", str(door), "tmpfs", 0, "mode=755,size=1m")
    for path, descriptor in held.items():
        path.mkdir(parents=True)
        how = bubblewrap._BIND | bubblewrap._RECURSIVE
        bubblewrap._mount(f"/proc/self/fd/{descriptor}", str(path), "", how)
        os.close(descriptor)


def main():
    places = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT}
    places = {p for p in places if not any(o in p.parents for o in places)}
    open_up(sorted(places))
    confine.become_nobody()
    os.environ |= {"HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])


if __name__ == "__main__":
    main()
