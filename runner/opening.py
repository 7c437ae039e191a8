"""Opens files of the store that strangers made: the one that was named, and no more of it than fits.

What is read into memory is hashed there and parsed from there, so that nothing can change between.
Sizes are compared before anything is allocated, and nothing is ever unpickled or inflated.
"""

import hashlib
import io
import math
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.failures import Refusal

HEAD = 16_384  # bytes: the longest head of a .npy that is read
_CHUNK = 1 << 20
_VERSIONS: dict[tuple[int, int], Callable[..., tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def named(path: Path, sha256: str, *, what: str, most: int, size: int | None = None) -> bytearray:
    """Return the bytes of the file at ``path``, which is ``what`` to people, and has that hash.

    ``size`` is what was said of it, where something was. Raises Refusal: E_DESK_FILE where it is
    not there, E_RUNNER_FORM where it is another, or larger than ``most`` bytes.
    """
    try:
        # O_NONBLOCK: a pipe in a file's place must not be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise Refusal("E_DESK_FILE", got=f"{what}: no plain file")
            if facts.st_size > most or size not in (None, facts.st_size):
                wanted = f"at most {most} bytes" if size is None else f"{min(size, most)} bytes"
                raise Refusal("E_RUNNER_FORM", expected=wanted, got=f"{what}: {facts.st_size}")
            data = bytearray(facts.st_size)
            digest = _fill(data, file)
    except OSError as error:
        raise Refusal("E_DESK_FILE", got=f"{what}: {error.strerror}") from error
    if digest != sha256:
        raise Refusal(
            "E_RUNNER_FORM", f"{what} is not what its hash says.",
            expected=sha256[:12], got=digest[:12],
        )  # fmt: skip
    return data


def _fill(data: bytearray, file: io.RawIOBase) -> str:
    """Read into ``data``, as much as comes, and return the hash of all of it."""
    digest, view, at = hashlib.sha256(), memoryview(data), 0
    while at < len(view) and (count := file.readinto(view[at : at + _CHUNK])):
        digest.update(view[at : at + count])
        at += count
    return digest.hexdigest()


def npy_size(shape: tuple[int, ...], dtype: str) -> int:
    """Return how many bytes a .npy of that form has at most."""
    return math.prod(shape) * np.dtype(dtype).itemsize + HEAD


def npy(
    data: bytearray, *, shape: tuple[int | None, ...] | None, dtype: str | None, what: str
) -> NDArray[Any]:
    """Return the array that a .npy holds, over the same memory; ``None`` in a shape is any length.

    ``None`` for the shape or the dtype: any, but never Python's objects.

    Raises Refusal (E_RUNNER_FORM) for another form, and where its bytes are not what its head says.
    """
    file = io.BytesIO(memoryview(data)[:HEAD])
    try:
        version = np.lib.format.read_magic(file)
        found, in_columns, kind = _VERSIONS[version](file)
    except Exception as error:  # whatever Python's parser of literals raises, deep nesting included
        raise Refusal("E_RUNNER_FORM", got=f"{what}: {type(error).__name__}") from error
    fits = shape is None or (
        len(found) == len(shape)
        and all(wanted in (None, is_) for wanted, is_ in zip(shape, found, strict=True))
    )
    count = math.prod(found)
    same = dtype is None or kind == dtype
    if not fits or not same or kind.hasobject or any(length < 0 for length in found):
        raise Refusal(
            "E_RUNNER_FORM", expected=f"{dtype or 'numbers'} {_words(shape)}",
            got=f"{what}: {kind} {_words(found)}",
        )  # fmt: skip
    begin = file.tell()
    if len(data) - begin != count * kind.itemsize:
        raise Refusal(
            "E_RUNNER_FORM", expected=f"{count * kind.itemsize} bytes after the head",
            got=f"{what}: {len(data) - begin}",
        )  # fmt: skip
    array: NDArray[Any] = np.frombuffer(data, kind, count, begin)
    return array.reshape(found, order="F" if in_columns else "C")


def _words(shape: tuple[int | None, ...] | None) -> str:
    if shape is None:
        return "of any form"
    return f"[{', '.join('any' if length is None else str(length)[:20] for length in shape[:8])}]"


def npz(data: bytearray, *, most: int, what: str) -> dict[str, bytearray]:
    """Return the .npy files in an .npz by name: at most ``most``, stored as they are.

    Raises Refusal (E_RUNNER_FORM) for more, and for what would grow when it is unpacked.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            if (
                len(infos) > most
                # Members that overlap say more together than there is.
                or sum(info.file_size for info in infos) > len(data)
                or any(info.compress_type != zipfile.ZIP_STORED for info in infos)
                or len({info.filename for info in infos}) < len(infos)
            ):
                raise Refusal("E_RUNNER_FORM", got=f"{what}: more than it can hold")
            return {
                info.filename.removesuffix(".npy"): bytearray(archive.read(info)) for info in infos
            }
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise Refusal("E_RUNNER_FORM", got=f"{what}: {type(error).__name__}") from error
