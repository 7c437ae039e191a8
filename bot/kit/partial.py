"""Files that come in pieces: over a line that breaks, on more than one day, through a restart."""

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterable
from pathlib import Path
from typing import Any

from bot.kit.command import Refusal
from bot.kit.files import FileStore, Stored, too_large


class PartialFiles:
    """A folder beside the store's files, with one file for each name that has begun.

    A file's length is how far it has come: pieces are only added at its end, and its hash is
    taken as they come. It does not know whose they are. One writer at a time for each name.
    """

    def __init__(self, store: FileStore) -> None:
        self._store, self._folder = store, store.root / "partial"
        self._folder.mkdir(exist_ok=True)
        self._digests: dict[str, tuple[int, Any]] = {}  #: name → (bytes hashed, digest)

    def offset(self, name: str) -> int:
        """How many bytes are there."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return 0

    def room(self) -> int:
        """How many bytes the disk still takes."""
        return shutil.disk_usage(self._folder).free

    async def append(self, name: str, chunks: AsyncIterable[bytes], *, most: int) -> int:
        """Add what comes. Returns how many bytes are there then; what came before a cut stays.

        Raises:
            Refusal: It is more than *most* bytes. Nothing is kept.
            NotKept: The disk is full, say. Nothing is kept.
        """
        offset = self.offset(name)
        digest = await self._digest(name, offset)
        try:
            with self._path(name).open("ab", buffering=0) as out:
                try:
                    async for chunk in chunks:
                        if offset + len(chunk) > most:
                            raise too_large(offset + len(chunk), most)
                        _write(out.fileno(), chunk)
                        digest.update(chunk)
                        offset += len(chunk)
                finally:
                    self._digests[name] = (offset, digest)
        except (NotKept, Refusal):
            self.drop(name)
            raise
        return offset

    async def sha256(self, name: str) -> str:
        """The hash of all that is there."""
        return str((await self._digest(name, self.offset(name))).hexdigest())

    async def keep(self, name: str, sha256: str) -> Stored:
        """Move a whole file to the store, under its hash. Again is no harm."""
        stored = await self._store.adopt(self._path(name), sha256)
        self._digests.pop(name, None)
        return stored

    def drop(self, name: str) -> None:
        """Forget what came."""
        self._path(name).unlink(missing_ok=True)
        self._digests.pop(name, None)

    def names(self) -> set[str]:
        """Those of which something is there."""
        return {path.name for path in self._folder.iterdir()}

    async def _digest(self, name: str, offset: int) -> Any:
        """The digest of what is there; read again where this process did not see it come."""
        known, digest = self._digests.get(name, (None, None))
        if not offset:
            digest = hashlib.sha256()
        elif known != offset:
            digest = await asyncio.to_thread(_digest_of, self._path(name))
        self._digests[name] = (offset, digest)
        return digest

    def _path(self, name: str) -> Path:
        if not name.isalnum():  # no path gets in
            raise KeyError(name)
        return self._folder / name


class NotKept(Exception):  # noqa: N818 - a fact about the disk
    """The store could not take it; *error* says why. No OSError: a line that breaks is one, too."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        raise NotKept(error) from error


def _digest_of(path: Path) -> Any:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256")
