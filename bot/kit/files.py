"""Uploads: streamed, capped, hashed, and kept under the name of their content."""

import asyncio
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterable, Collection
from dataclasses import dataclass
from pathlib import Path

from bot.kit.command import Refusal

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Stored:
    """A file in the store."""

    sha256: str
    size: int  #: bytes


class FileStore:
    """A folder of files named by their sha256: ``ab/ab12…``.

    A file appears under its name whole or not at all, whatever is killed when. It does not know
    who sent a file or what for; rows elsewhere do.
    """

    def __init__(self, root: Path, *, cap: int) -> None:
        self.root, self.cap = root.absolute(), cap
        self._incoming = self.root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)

    def clear_incoming(self) -> int:
        """Delete what uploads cut off by a crash left behind; to be called before the first one."""
        leftovers = list(self._incoming.iterdir())
        for leftover in leftovers:
            leftover.unlink()
        return len(leftovers)

    async def receive(
        self,
        chunks: AsyncIterable[bytes],
        *,
        announced: int | None = None,
        cap: int | None = None,
        sha256: str | None = None,
    ) -> Stored:
        """Write a stream to the store.

        Args:
            chunks: What comes.
            announced: How many bytes are said to come.
            cap: Another cap than the store's.
            sha256: What it must turn out to be.

        Raises:
            Refusal: It is larger than the cap, empty, or another file. Nothing is kept.
        """
        cap = self.cap if cap is None else cap
        if announced is not None and announced > cap:
            raise too_large(announced, cap)
        partial = self._incoming / secrets.token_hex(16)
        try:
            stored = await _write(chunks, partial, cap)
            if stored.size == 0:
                raise Refusal(
                    "The file is empty.",
                    code="E_EMPTY_FILE",
                    expected="a file with something in it",
                    got="0 bytes",
                    fix="Export or save it again and attach it anew.",
                )
            if sha256 not in {None, stored.sha256}:
                raise Refusal(
                    "Another file arrived than was announced.",
                    code="E_HASH",
                    expected=str(sha256)[:12],
                    got=stored.sha256[:12],
                    fix="Send it again.",
                )
            target = self.path(stored.sha256)
            target.parent.mkdir(exist_ok=True)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return stored

    async def adopt(self, whole: Path, sha256: str) -> Stored:
        """Take over a file of this file system, whose hash is known. Again is no harm."""
        target = self.path(sha256)
        return Stored(sha256, await asyncio.to_thread(_move, whole, target))

    async def add(self, data: bytes) -> Stored:
        async def one() -> AsyncIterable[bytes]:
            yield data

        return await self.receive(one())

    def path(self, sha256: str) -> Path:
        """Where the file is, or would be. Anything but a sha256 is a KeyError: no path gets in."""
        if not SHA256.fullmatch(sha256):
            raise KeyError(sha256)
        return self.root / sha256[:2] / sha256

    def which(self, sha256: str) -> int | None:
        """What tells the file from another of the same content that takes its place; None without."""
        try:
            return self.path(sha256).stat().st_ino
        except FileNotFoundError:
            return None

    def delete(self, sha256: str, which: int) -> None:
        """Delete the file, unless another has taken its place."""
        if self.which(sha256) == which:
            self.path(sha256).unlink()

    def older(self, moment: float, *, since: float = 0) -> set[str]:
        """Hashes of the files that came, for the last time, before *moment* and after *since*."""
        return {
            path.name
            for folder in self.root.iterdir()
            if len(folder.name) == 2  # noqa: PLR2004 - as ``path`` makes them
            for path in folder.iterdir()
            if SHA256.fullmatch(path.name) and since <= path.stat().st_mtime < moment
        }

    def delete_older(self, hashes: Collection[str], moment: float) -> int:
        """Delete those that did not come again since *moment*. Returns their bytes."""
        size = 0
        for sha256 in hashes:
            path = self.path(sha256)
            found = path.stat() if path.exists() else None
            if found is not None and found.st_mtime < moment:
                path.unlink()
                size += found.st_size
        return size

    def head(self, sha256: str, length: int) -> bytes:
        """The first *length* bytes."""
        with self.path(sha256).open("rb") as file:
            return file.read(length)


async def _write(chunks: AsyncIterable[bytes], path: Path, cap: int) -> Stored:
    """Write a stream to a new file, safely on the disk. Raises Refusal: It exceeds *cap* bytes."""
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as out:
        async for chunk in chunks:
            size += len(chunk)
            if size > cap:
                raise too_large(size, cap)
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        await asyncio.to_thread(os.fsync, out.fileno())
    return Stored(digest.hexdigest(), size)


def _move(whole: Path, target: Path) -> int:
    """Bring a file to the disk and under its name, unless that was done. Returns its size."""
    if whole.exists():
        with whole.open("rb+") as file:
            os.fsync(file.fileno())
        target.parent.mkdir(exist_ok=True)
        whole.replace(target)
    return target.stat().st_size


def too_large(got: int, cap: int) -> Refusal:
    """The refusal of a file of *got* bytes, or more, where *cap* may come."""
    return Refusal(
        "The file is too large.",
        code="E_TOO_LARGE",
        expected=f"at most {cap / 1e6:,.0f} MB",
        got=f"{got / 1e6:,.0f} MB or more",
        fix="A model that is too large for the chat goes by upload link: type /model link (of a dataset, /dataset link). Or export it without optimiser state, in half precision, or quantised.",
    )
