"""Images that runners of this host fetched before, by hash, within a limit.

Several runner processes share the folder. A file appears whole and verified or not at all; what one
of them reads, no other throws away.
"""

import errno
import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from runner.contract import HANDED_BACK, Blob
from runner.failures import Refusal
from runner.transfer import LinkExpired, TransferFailed, downloading

FOLDER = "BOOKWIZ_RUNNER_CACHE"
GIGABYTES = "BOOKWIZ_RUNNER_CACHE_GB"
_CHUNK = 1 << 20
_OURS = re.compile(r"[0-9a-f]{64}(\.partial)?")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Cache:
    """A folder of at most *most* bytes; the least recently used go first."""

    def __init__(self, folder: Path, *, most: int) -> None:
        self.folder, self.most = folder, most

    @classmethod
    def of_this_host(cls) -> "Cache":
        """The one that the environment names, else a folder of this user's."""
        usual = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "bookwiz-runner"
        folder = Path(os.environ.get(FOLDER) or usual)
        return cls(folder, most=int(float(os.environ.get(GIGABYTES) or 20) * 1e9))

    @contextmanager
    def files(self, blobs: tuple[Blob, ...]) -> Iterator[tuple[Path, ...]]:
        """Have *blobs* here as long as the block lasts.

        Raises:
            Refusal: E_RUNNER_FETCH where one does not come, arrives changed, or has no room.
        """
        with ExitStack() as held:
            try:
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                yield tuple(self._have(blob, held) for blob in blobs)
            except LinkExpired as error:
                raise Refusal(HANDED_BACK, got=str(error)) from None
            except TransferFailed as error:
                raise Refusal("E_RUNNER_FETCH", got=str(error)) from None

    def _have(self, blob: Blob, held: ExitStack) -> Path:
        path = self.folder / blob.sha256
        try:
            while True:
                if (file := _shared(path)) is None:
                    self._fetch(blob, path)
                    continue
                held.enter_context(file)
                now = time.time_ns()  # to the nanosecond, where the kernel itself counts ticks
                os.utime(path, ns=(now, now))
                return path
        except OSError as error:
            full = "no space is left in the runner's cache"
            words = full if error.errno in _FULL else f"the runner's cache: {error.strerror}"
            raise Refusal("E_RUNNER_FETCH", got=words) from error

    def _fetch(self, blob: Blob, path: Path) -> None:
        """Bring it, unless another process just did; take up what a dead one began."""
        partial = path.with_suffix(".partial")
        with partial.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _names(partial, file):
                return  # who held the lock is done with it; look again
            try:
                self._make_room(blob, but=partial)
                _download(blob, file)
                partial.replace(path)
            except TransferFailed:
                raise  # what has come stays, for the next attempt to go on from
            except BaseException:
                partial.unlink()
                raise

    def _make_room(self, blob: Blob, *, but: Path) -> None:
        found = [p for p in self.folder.iterdir() if _OURS.fullmatch(p.name) and p != but]
        there = {p: facts for p in found if (facts := _facts_of(p)) is not None}
        total = sum(facts.st_size for facts in there.values()) + blob.size
        for path, facts in sorted(there.items(), key=lambda item: item[1].st_mtime):
            if total > self.most and blob.size <= self.most and _discarded(path):
                total -= facts.st_size
        if total > self.most:
            raise Refusal(
                "E_RUNNER_FETCH",
                "The images do not fit into this runner's cache.",
                expected=f"{self.most / 1e9:g} GB (--cache-gb), less what is in use",
                got=f"{blob.size / 1e9:.3g} GB more",
            )


def _facts_of(path: Path) -> os.stat_result | None:
    """What there is to know of it; None where another process just renamed or threw it away."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _download(blob: Blob, file: IO[bytes]) -> None:
    """Fill *file*, going on from what it holds. Raises TransferFailed, or Refusal for another file."""
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    with downloading(blob.url, blob.size, start=file.tell()) as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    file.flush()
    os.fsync(file.fileno())
    if file.tell() != blob.size or digest.hexdigest() != blob.sha256:
        raise Refusal("E_RUNNER_FETCH", expected=blob.sha256[:12], got=digest.hexdigest()[:12])


def _shared(path: Path) -> IO[bytes] | None:
    """Open *path* so that nobody discards it meanwhile; None where it is not there."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None
    fcntl.flock(file, fcntl.LOCK_SH)
    if _names(path, file):
        return file
    file.close()
    return None


def _discarded(path: Path) -> bool:
    """Throw it away, unless somebody reads or writes it."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


def _names(path: Path, file: IO[bytes]) -> bool:
    """Whether *path* is still that open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
