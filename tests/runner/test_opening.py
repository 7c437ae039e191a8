"""Files that strangers made are opened only as what they were named, and never grow."""

import hashlib
import io
import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import opening
from runner.failures import Refusal

SHAPE = (4, 3)
ROWS = np.arange(12, dtype=np.float32).reshape(SHAPE)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def headed(head: str, data: bytes = b"", *, version: bytes = b"\x01\x00") -> bytes:
    """A .npy whose head says anything."""
    length = len(head).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + length + head.encode() + data


def read(data: bytes) -> np.ndarray:
    return opening.npy(bytearray(data), shape=SHAPE, dtype="float32", what="rows.npy")


def kept(folder: Path, data: bytes) -> tuple[Path, str]:
    path = folder / "file"
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


def test_the_file_that_was_named_is_read_whole(tmp_path: Path) -> None:
    data = os.urandom((1 << 21) + 7)
    path, sha256 = kept(tmp_path, data)
    assert opening.named(path, sha256, what="it", most=len(data), size=len(data)) == data
    assert opening.named(path, sha256, what="it", most=1 << 30) == data


@pytest.mark.parametrize("wrong", ["hash", "size", "too large"])
def test_a_file_that_is_another_is_no_honest_runners(tmp_path: Path, wrong: str) -> None:
    path, sha256 = kept(tmp_path, b"some bytes")
    facts = {"most": 5 if wrong == "too large" else 100, "size": 11 if wrong == "size" else 10}
    with pytest.raises(Refusal) as refused:
        opening.named(path, "0" * 64 if wrong == "hash" else sha256, what="it", **facts)
    assert refused.value.code == "E_RUNNER_FORM"


@pytest.mark.parametrize("instead", ["nothing", "a folder", "a link", "a pipe"])
def test_what_is_no_file_is_a_loss_of_our_store_and_not_waited_for(
    tmp_path: Path, instead: str
) -> None:
    there, sha256 = kept(tmp_path, b"some bytes")
    path = tmp_path / "other"
    if instead == "a folder":
        path.mkdir()
    elif instead == "a link":
        path.symlink_to(there)
    elif instead == "a pipe":
        os.mkfifo(path)
    with pytest.raises(Refusal) as refused:
        opening.named(path, sha256, what="it", most=100)
    assert refused.value.code == "E_DESK_FILE"


def test_a_large_file_is_refused_before_a_byte_of_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 33)
    tracemalloc.start()
    with pytest.raises(Refusal) as refused:
        opening.named(path, "0" * 64, what="it", most=100)
    assert refused.value.expected == "at most 100 bytes"
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


@pytest.mark.parametrize("array", [ROWS, np.asfortranarray(ROWS)], ids=["rows", "columns"])
def test_an_array_is_read_as_it_was_written(array: np.ndarray) -> None:
    found = read(npy(array))
    assert (found == ROWS).all()
    found[0] = 7  # it is ours to change


_HEAD = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 3)}"
LIES = {
    "another shape": npy(ROWS.T),
    "another type": npy(ROWS.astype(np.float64)),
    "other bytes first": npy(ROWS.astype(">f4")),
    "a pickle": npy(np.array([{}] * 12, object).reshape(SHAPE)),
    "a bare pickle": b"\x80\x04\x95\x0b",
    "structured": npy(np.zeros(SHAPE, [("a", "f4")])),
    "fewer bytes": npy(ROWS)[:-1],
    "more bytes": npy(ROWS) + b"x",
    "no end": headed(_HEAD.replace("(4, 3)", "(4, 10**18)")),
    "a huge shape": headed(_HEAD.replace("(4, 3)", "(4, 1000000000000000000)")),
    "a product past 64 bits": headed(_HEAD.replace("(4, 3)", "(4294967296, 4294967296)")),
    "negative": headed(_HEAD.replace("(4, 3)", "(-4, -3)"), bytes(48)),
    "many sides": headed(_HEAD.replace("(4, 3)", f"({'1, ' * 500})")),
    "nested": headed(_HEAD.replace("(4, 3)", "(" * 3000 + ")" * 3000)),
    "python": headed(_HEAD.replace("(4, 3)", "__import__('os').abort()")),
    "a long head": headed(_HEAD + " " * 60_000, bytes(48)),
    "a head of 4 GB": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
    "a version to come": headed(_HEAD, bytes(48), version=b"\x09\x00"),
    "nothing": b"",
    "a zip": b"PK\x03\x04" + bytes(60),
}


@pytest.mark.parametrize("lie", LIES)
def test_another_array_than_was_asked_for_is_refused_before_it_is_allocated(lie: str) -> None:
    tracemalloc.start()
    with pytest.raises(Refusal) as refused:
        read(LIES[lie])
    assert refused.value.code == "E_RUNNER_FORM"
    assert "rows.npy" in refused.value.got
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=6))
def test_damage_anywhere_is_a_refusal_or_an_array_of_that_form(
    damage: list[tuple[int, int]],
) -> None:
    for good in (npy(ROWS), zipped({"a": npy(ROWS)})):
        data = bytearray(good)
        for place, value in damage:
            data[place % len(data)] = value
        try:
            if good.startswith(b"PK"):
                members = opening.npz(data, most=3, what="a.npz")
                assert sum(map(len, members.values())) <= len(data)
            else:
                assert read(bytes(data)).shape == SHAPE
        except Refusal as refusal:
            assert refusal.code == "E_RUNNER_FORM"  # noqa: PT017 - one of two good ends


def zipped(members: dict[str, bytes], *, how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


def overlapping(count: int) -> bytes:
    """A zip whose directory names one stored member under many names."""
    one = zipped({"a": bytes(5000)})
    directory = one.index(b"PK\x01\x02")
    end = one.index(b"PK\x05\x06")
    entry = bytearray(one[directory:end])
    entries = b""
    for number in range(count):
        entry[46:47] = bytes([65 + number])
        entries += bytes(entry)
    numbers = count.to_bytes(2, "little") * 2
    sizes = len(entries).to_bytes(4, "little") + directory.to_bytes(4, "little")
    return one[:directory] + entries + b"PK\x05\x06" + bytes(4) + numbers + sizes + b"\0\0"


def test_members_are_read_as_they_are_stored() -> None:
    members = {"one": npy(ROWS), "other": npy(ROWS[:1])}
    assert opening.npz(bytearray(zipped(members)), most=2, what="a.npz") == members


BOMBS = {
    "deflated": zipped({"a": bytes(1 << 24)}, how=zipfile.ZIP_DEFLATED),
    "deflated, and no smaller": zipped({"a": os.urandom(100)}, how=zipfile.ZIP_DEFLATED),
    "many": zipped({str(number): b"" for number in range(200)}),
    "overlapping": overlapping(3),
    "no zip": b"PK\x03\x04 and no end",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_what_would_grow_is_not_unpacked(bomb: str) -> None:
    tracemalloc.start()
    with pytest.raises(Refusal) as refused:
        opening.npz(bytearray(BOMBS[bomb]), most=4, what="a.npz")
    assert refused.value.code == "E_RUNNER_FORM"
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()
