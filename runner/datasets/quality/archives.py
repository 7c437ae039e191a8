"""Unpacks an archive that a stranger sent: plain files below one folder, so many and no more.

The sizes that an archive states are never believed: bytes are counted as they come out.
"""

import lzma
import shutil
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from runner.failures import Refusal

_CHUNK = 1 << 20
_LONGEST = 200  # bytes of one name in UTF-8: file systems take 255
_DEEPEST = 12
_LINK = 0o120000
_KIND = 0o170000
#: turn the order of letters around, so that a name reads as another one
_TURNING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}
#: what readers of archives raise for bytes that make no sense to them
_BROKEN = (
    OSError, zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error,
    EOFError, RuntimeError, ValueError, OverflowError,
)  # fmt: skip
_LEFT_OUT = ("__MACOSX", "Thumbs.db", "desktop.ini")
_GIB = 1 << 30


@dataclass(frozen=True)
class Most:
    """How much may come out of an archive."""

    files: int = 60_000  #: and as many folders
    size: int = 2 * _GIB  #: bytes, of all files together


@dataclass(frozen=True)
class _Member:
    name: str
    open: IO[bytes] | None  #: None: a folder


def unpack(archive: BinaryIO, target: Path, most: Most | None = None) -> int:
    """Write what ``archive`` (zip, tar, tar.gz/bz2/xz, npz) holds below ``target``.

    Returns the number of files. Raises Refusal (E_ARCHIVE), naming the file, for what leads out of
    the folder, links, devices, passwords, names that clash, and for too much of anything.
    """
    most = most or Most()
    target.mkdir()
    count, left = 0, most.size
    folders = {target}
    try:
        for member in _members(archive, target):
            place = _place(target, member.name)
            if place is None:
                continue
            _folder(place.parent if member.open else place, member.name, folders)
            count += member.open is not None
            if max(count, len(folders)) > most.files:
                raise Refusal(
                    "E_ARCHIVE", "There are too many files or folders in the archive.",
                    expected=f"at most {most.files:,} of each", got=f"more, at {member.name}",
                    fix="Send a sample: a few thousand images show all that is to be seen.",
                )  # fmt: skip
            if member.open is not None:
                left -= _write(member, place, left, most)
    except _BROKEN as error:
        raise Refusal(
            "E_ARCHIVE", got=f"{type(error).__name__}: {error}",
            fix="It may have been cut off on the way: test it with `unzip -t` or `tar -t`, send it again.",
        ) from error  # fmt: skip
    if not count:
        raise Refusal("E_ARCHIVE", "There is no file in the archive.", got="an empty archive")
    return count


def _members(archive: BinaryIO, target: Path) -> Iterator[_Member]:
    head = archive.read(6)
    archive.seek(0)
    if head.startswith(b"PK"):
        yield from _zipped(archive, target)
    elif head.startswith(b"\x93NUMPY"):
        raise Refusal("E_ARCHIVE", "A single .npy file says no labels.", got="a .npy file")
    else:
        with _as_tar(archive, head) as tar:
            yield from _tarred(tar)


def _as_tar(archive: BinaryIO, head: bytes) -> tarfile.TarFile:
    try:
        return tarfile.open(fileobj=archive, mode="r:*")
    except tarfile.ReadError as error:
        raise Refusal("E_ARCHIVE", got=f"neither zip nor tar: {head.hex(' ')}") from error


def _zipped(archive: BinaryIO, target: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as opened:
        infos = opened.infolist()
        names = [info.filename for info in infos]
        if names and all(name.endswith(".npy") and "/" not in name for name in names):
            # An npz is a zip of arrays: numpy opens it whole.
            archive.seek(0)
            yield _Member(f"{target.name}.npz", archive)
            return
        for info in infos:
            if info.flag_bits & 1:
                raise Refusal(
                    "E_ARCHIVE", f"{info.filename} has a password.", got="an encrypted file",
                    fix="Pack it again without a password: the report is private anyway.",
                )  # fmt: skip
            if info.external_attr >> 16 & _KIND == _LINK:
                raise _no_plain_file(info.filename, "a link")
            if info.is_dir():
                yield _Member(info.filename, None)
                continue
            with opened.open(info) as file:
                yield _Member(info.filename, file)


def _tarred(tar: tarfile.TarFile) -> Iterator[_Member]:
    for info in tar:
        if info.isdir():
            yield _Member(info.name, None)
        elif info.isreg():
            yield _Member(info.name, tar.extractfile(info))
        else:
            kind = "a link" if info.issym() or info.islnk() else "a device or pipe"
            raise _no_plain_file(info.name, kind)


def _no_plain_file(name: str, kind: str) -> Refusal:
    return Refusal(
        "E_ARCHIVE", f"{name} is {kind}.", expected="plain files and folders", got=kind,
        fix="Pack the files themselves: `zip -r` follows links, `tar -h` too.",
    )  # fmt: skip


def _place(target: Path, name: str) -> Path | None:
    """Return where ``name`` goes; None for what systems put in beside the files."""
    # Some Windows programs write their own separators, which elsewhere would be letters.
    path = PurePosixPath(name.replace("\\", "/"))
    parts = [part for part in path.parts if part != "."]
    windows_drive = bool(parts) and len(parts[0]) == 2 and parts[0][1] == ":"  # noqa: PLR2004 - C:
    if path.is_absolute() or ".." in parts or windows_drive:
        raise Refusal(
            "E_ARCHIVE", f"{name} leads out of the archive.", expected="names within one folder",
            got="an absolute path or '..'", fix="Pack the folder from the inside, with relative names.",
        )  # fmt: skip
    if not parts or any(part.startswith(".") or part in _LEFT_OUT for part in parts):
        return None
    if any(_is_hidden(letter) for letter in name):
        raise Refusal(
            "E_ARCHIVE", f"The name {name[:60]!a} holds characters that cannot be shown.",
            expected="names in UTF-8, without control characters and marks that turn the text",
            got=f"{name[:60]!a}", fix="Rename it, and pack the folder again.",
        )  # fmt: skip
    longest = max(len(part.encode(errors="surrogateescape")) for part in parts)
    if longest > _LONGEST or len(parts) > _DEEPEST:
        raise Refusal(
            "E_ARCHIVE", f"{name[:60]}… is too long or too deep a name.",
            expected=f"names of at most {_LONGEST} bytes, at most {_DEEPEST} folders deep",
            got=f"{longest} bytes, {len(parts)} deep", fix="Rename it.",
        )  # fmt: skip
    return target.joinpath(*parts)


def _is_hidden(letter: str) -> bool:
    # A surrogate stands for a byte that is no UTF-8.
    return unicodedata.category(letter) in ("Cc", "Cs") or ord(letter) in _TURNING


def _folder(place: Path, name: str, made: set[Path]) -> None:
    """Make a folder, and note in ``made`` what is there by now."""
    if place in made:
        return
    _folder(place.parent, name, made)
    made.add(place)
    try:
        place.mkdir(exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _clash(name) from None


def _clash(name: str) -> Refusal:
    return Refusal(
        "E_ARCHIVE", f"{name} is there twice.", expected="one file of a name", got="two",
        fix="Rename one of them.",
    )  # fmt: skip


def _write(member: _Member, place: Path, left: int, most: Most) -> int:
    assert member.open is not None
    try:
        out = place.open("xb")
    except FileExistsError:
        raise _clash(member.name) from None
    size = 0
    with out:
        while chunk := member.open.read(_CHUNK):
            size += len(chunk)
            if size > left:
                raise Refusal(
                    "E_ARCHIVE", "The archive holds more than can be looked through at once.",
                    expected=f"at most {most.size / _GIB:.3g} GiB unpacked",
                    got=f"more; it was stopped at {member.name}",
                    fix="Send a sample: a few thousand images show all that is to be seen.",
                )  # fmt: skip
            out.write(chunk)
    return size


def remove(folder: Path) -> None:
    """Delete what was unpacked."""
    shutil.rmtree(folder, ignore_errors=True)
