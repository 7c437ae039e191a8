"""Archives that mean harm: refused in words, nothing outside their folder touched, nothing left."""

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from runner.datasets.quality import archives
from runner.datasets.quality.archives import Most, unpack
from runner.failures import Refusal


def zipped(*names: str, data: bytes = b"x", **facts: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in facts.items():
                setattr(info, key, value)
            archive.writestr(info, data)
    return file.getvalue()


def renamed(there: str, instead: bytes) -> bytes:
    """A zip with a name that Python would not write."""
    assert len(there) == len(instead)
    return zipped(there).replace(there.encode(), instead)


def tarred(*infos: tarfile.TarInfo, mode: str = "w", **given: Any) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode, **given) as archive:
        for info in infos:
            archive.addfile(info, io.BytesIO(bytes(info.size)) if info.isreg() else None)
    return file.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return tarred(info)


def encrypted() -> bytes:
    data = bytearray(zipped("cat/1.png"))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def damaged() -> bytes:
    data = bytearray(zipped("cat/1.png", data=os.urandom(99)))
    data[60] ^= 255
    return bytes(data)


def zipped_xz() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("cat/1.png", os.urandom(99))
    data = bytearray(file.getvalue())
    data[50:60] = bytes(10)
    return bytes(data)


RTL, LONG = "\u202e", "x" * 10_000
ATTACKS: dict[str, tuple[bytes, str]] = {
    "a way out": (zipped("../evil.png"), "leads out"),
    "a way out inside": (zipped("cat/../../evil.png"), "leads out"),
    "an absolute path": (zipped("/tmp/evil.png"), "leads out"),
    "a backslashed way out": (renamed("a/a/evil.png", b"..\\\\evil.png"), "leads out"),
    "a drive": (zipped("C:\\evil.png"), "leads out"),
    "a tarred way out": (member("../evil.png"), "leads out"),
    "a tarred absolute path": (member("/tmp/evil.png"), "leads out"),
    "a zipped link": (
        zipped("cat/1.png", data=b"/etc/passwd", external_attr=0o120777 << 16), "is a link",
    ),
    "a link": (member("cat", tarfile.SYMTYPE, "/etc"), "is a link"),
    "a hard link": (member("cat/1.png", tarfile.LNKTYPE, "/etc/passwd"), "is a link"),
    "a device": (member("cat/1.png", tarfile.BLKTYPE), "a device or pipe"),
    "another device": (member("cat/1.png", tarfile.CHRTYPE), "a device or pipe"),
    "a pipe": (member("cat/1.png", tarfile.FIFOTYPE), "a device or pipe"),
    "a password": (encrypted(), "has a password"),
    "one name twice": (zipped("cat/1.png", "cat/2.png").replace(b"2.png", b"1.png"), "there twice"),
    "one name in two writings": (zipped("cat/1.png", "cat/./1.png"), "there twice"),
    "a file as folder": (zipped("cat", "cat/1.png"), "there twice"),
    "a folder as file": (zipped("cat/1.png", "cat"), "there twice"),
    "control characters": (zipped("cat/\x1b[2J.png"), "cannot be shown"),
    "a line's end": (zipped("cat/1\n2.png"), "cannot be shown"),
    "turned letters": (zipped(f"cat/{RTL}gnp.exe"), "cannot be shown"),
    "no UTF-8": (tarred(tarfile.TarInfo("cat/\udcff.png"), errors="surrogateescape"), "cannot be"),
    "a long name": (zipped(f"cat/{LONG}.png"), "too long or too deep"),
    "a deep name": (zipped("a/" * 200 + "1.png"), "too long or too deep"),
    "a tarred long name": (member(f"cat/{LONG}.png"), "too long or too deep"),
    "a bomb": (zipped("cat/1.png", data=bytes(1 << 21)), "more than can be looked"),
    "a tarred bomb": (member("cat/1.png", size=1 << 21), "more than can be looked"),
    "a bomb in bits": (zipped(*(f"cat/{n}.png" for n in range(9)), data=bytes(1 << 18)), "more than"),
    "many files": (zipped(*(f"cat/{n}.png" for n in range(41))), "too many files"),
    "many folders": (zipped(*(f"cat/{n}/" for n in range(41))), "too many files"),
    "many folders in between": (
        zipped(*(f"{n}/a/b/c/d/e/f/1.png" for n in range(8))), "too many files",
    ),
    "a lone array": (b"\x93NUMPY\x01\x00", "says no labels"),
    "nothing": (b"", "cannot be unpacked"),
    "an empty zip": (zipped(), "no file in the archive"),
    "only what is left out": (zipped(".hidden/1.png", "__MACOSX/1.png"), "no file in"),
    "a cut zip": (zipped("cat/1.png")[:-30], "cannot be unpacked"),
    "a damaged zip": (damaged(), "cannot be unpacked"),
    "a damaged xz": (zipped_xz(), "cannot be unpacked"),
    "a rar": (b"Rar!\x1a\x07\x01\x00", "cannot be unpacked"),
}  # fmt: skip


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_means_harm_is_refused_by_name_and_touches_nothing_outside(
    attack: str, tmp_path: Path
) -> None:
    data, words = ATTACKS[attack]
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "evil.png").write_bytes(b"mine")
    before = everything(tmp_path)
    with pytest.raises(Refusal) as refused:
        unpack(io.BytesIO(data), tmp_path / "a" / "b" / "c", Most(files=40, size=1 << 20))
    said = refused.value
    assert said.code == "E_ARCHIVE"
    assert words in said.problem
    assert said.expected
    assert said.got
    assert said.fix
    assert not {"\u202e", "\x1b", "\n", "@"} & set("".join(said.words().values()))
    archives.remove(tmp_path / "a" / "b" / "c")
    assert everything(tmp_path) == before


def test_other_peoples_names_are_kept(tmp_path: Path) -> None:
    names = ["חתול/1.png", "گربه‌ها/2.png", "猫/3.png", "👩‍🔬/4.png", "a b (c)/5.png"]
    assert unpack(io.BytesIO(zipped(*names)), tmp_path / "c") == len(names)
    assert sorted(p for p in everything(tmp_path / "c") if p.endswith("png")) == sorted(names)


def test_a_backslash_is_a_separator_and_an_archive_within_is_a_file(tmp_path: Path) -> None:
    data = renamed("cat/11.png", b"cat\\11.png")
    unpack(io.BytesIO(data), tmp_path / "c")
    assert set(everything(tmp_path / "c")) == {"cat", "cat/11.png"}
    inner = zipped("../evil.png", data=bytes(1 << 20))
    unpack(io.BytesIO(zipped("cat/inner.zip", data=inner)), tmp_path / "d")
    assert everything(tmp_path / "d")["cat/inner.zip"] == inner
