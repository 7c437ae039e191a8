"""Datasets that mean harm, before the child that unpacks and decodes them, and what it may do."""

import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.datasets.eda import written
from runner.datasets.quality import reading
from runner.datasets.quality.reading import from_archive
from runner.failures import Refusal
from tests.runner import messy
from tests.runner.test_archive_attacks import ATTACKS, zipped

child = pytest.mark.sandbox
PICTURE = messy.encoded(messy.scene(1, 16))


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose head promises so many pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    pixels = zlib.compress(bytes(1 << 20))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def looked_at() -> set[Path]:
    """Folders of this process: others look at datasets at the same time."""
    return set(Path(tempfile.gettempdir()).glob(f"bookwiz-look-{os.getpid()}-*"))


def refused(tmp_path: Path, files: dict[str, bytes] | bytes, **given: float) -> Refusal:
    """What is said of an archive; nothing of it is left."""
    path = tmp_path / "a.zip"
    path.write_bytes(files) if isinstance(files, bytes) else messy.zipped(path, files)
    before = looked_at()
    with pytest.raises(Refusal) as said:
        from_archive(path, "a", **given)
    assert not looked_at() - before
    return said.value


@child
def test_pictures_that_lie_of_their_size_or_end_early_are_named_and_left_out(
    tmp_path: Path,
) -> None:
    files = {f"cat/{n}.png": messy.encoded(messy.scene(n, 16)) for n in range(3)}
    files |= {f"dog/{n}.png": messy.encoded(messy.scene(n + 9, 16)) for n in range(3)}
    files["cat/bomb.png"] = huge_png(50_000, 50_000)
    files["cat/large.png"] = huge_png(9_000, 9_000)
    files["cat/cut.png"] = PICTURE[: len(PICTURE) // 2]
    files["cat/script.png"] = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(x) run\n"
    files["cat/vector.png"] = b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc'/>"
    before = looked_at()
    [part] = from_archive(messy.zipped(tmp_path / "a.zip", files), "a").parts
    assert not looked_at() - before
    assert len(part) == 6
    told = {name.partition(" ")[0]: name for name in part.unreadable}
    assert set(told) == {
        "cat/bomb.png",
        "cat/large.png",
        "cat/cut.png",
        "cat/script.png",
        "cat/vector.png",
    }
    assert "too large" in told["cat/bomb.png"]
    assert "9000x9000" in told["cat/large.png"]
    assert "truncated" in told["cat/cut.png"]


def coco(**said: Any) -> dict[str, bytes]:
    whole = {
        "images": [{"id": 1, "file_name": "1.png", "height": 16, "width": 16}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5]}],
        "categories": [{"id": 1, "name": "ball"}],
    } | said
    return {"train/1.png": PICTURE, "train/_annotations.coco.json": json.dumps(whole).encode()}


def boxed(*box: Any, **more: Any) -> dict[str, bytes]:
    return coco(annotations=[{"id": 1, "image_id": 1, "category_id": 1, "bbox": list(box), **more}])


BIG = 10**400
COCO: dict[str, tuple[dict[str, bytes], str]] = {
    "no images": (coco(images=[]), "none is there"),
    "no categories": (coco(categories=[]), "no category"),
    "infinite ids": (coco(images=[{"id": float("inf"), "file_name": "1.png"}]), "not COCO"),
    "an id that is none": (coco(images=[{"id": float("nan"), "file_name": "1.png"}]), "not COCO"),
    "ids twice": (coco(images=[{"id": 1, "file_name": "1.png"}] * 2), "the same id"),
    "a way out": (coco(images=[{"id": 1, "file_name": "../../../etc/passwd"}]), "leads out"),
    "an absolute path": (coco(images=[{"id": 1, "file_name": "/etc/passwd"}]), "leads out"),
    "a zero in a name": (coco(images=[{"id": 1, "file_name": "1\0.png"}]), "no file_name"),
    "half a letter": (coco(images=[{"id": 1, "file_name": "\ud800.png"}]), "no file_name"),
    "a long name": (coco(images=[{"id": 1, "file_name": "x" * 10_000}]), ""),
    "a list for an id": (coco(annotations=[{"image_id": [1], "bbox": [1, 1, 2, 2]}]), "belongs to"),
    "itself": (coco(annotations={"image_id": {"image_id": {}}}), "belongs to"),
    "no such class": (boxed(1, 1, 2, 2, category_id=9), "an annotation is not"),
    "a box that is none": (boxed(float("nan"), 1, 2, 2), "infinite or none"),
    "an infinite box": (boxed(1, 1, float("inf"), 2), "infinite or none"),
    "a box past all numbers": (boxed(BIG, 1, 2, 2), "an annotation is not"),
    "a box of eight": (boxed(*range(1, 9)), "an annotation is not"),
    "a box of words": (boxed("a", "b", "c", "d"), "an annotation is not"),
    "nested without end": (
        {"train/1.png": PICTURE, "train/a.json": b'{"images": "annotations" "categories"' + b"[" * 99_999},
        "not COCO",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", COCO)
def test_absurd_annotations_are_refused_with_their_file_and_what_was_expected(
    attack: str, tmp_path: Path
) -> None:
    files, words = COCO[attack]
    answer = answered(tmp_path, lambda path: messy.zipped(path, files))
    assert answer["code"] == "E_DATASET_FORM", answer
    assert words in answer["got"]
    assert answer["fix"]
    if attack not in ("a way out", "an absolute path", "a long name"):
        assert ".json" in answer["got"] or "no file_name" in answer["got"]


def answered(tmp_path: Path, make: Callable[[Path], Path]) -> dict[str, Any]:
    """What the child answers, without a child: its walls are tried apart."""
    place = tmp_path / "place"
    place.mkdir()
    with make(tmp_path / "a.zip").open("rb") as archive:
        reading.write_answer(place, archive)
    return json.loads((place / reading.ANSWER).read_bytes())["refused"]


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def headed(shape: str, kind: str = "|u1") -> bytes:
    head = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode()


IMAGES = np.zeros((2, 8, 8), np.uint8)
ARRAYS: dict[str, tuple[bytes, str]] = {
    "pickled labels": (npz(images=IMAGES, labels=np.array([{}, {}], object)), "allow_pickle"),
    "pickled images": (npz(images=np.array([{}], object), labels=np.zeros(1, int)), "allow_pickle"),
    "pickled classes": (
        npz(images=IMAGES, labels=np.zeros(2, int), classes=np.array([{}], object)), "allow_pickle",
    ),
    "a head that is no array": (zipped("images.npy", "labels.npy", data=b"no array"), "no array"),
    "nested": (zipped("images.npy", "labels.npy", data=headed("(" * 4000)), "cannot be read"),
    "negative": (zipped("images.npy", "labels.npy", data=headed("(-1, 8, 8)")), "cannot be read"),
    "cut": (zipped("images.npy", "labels.npy", data=headed("(9, 8, 8)")), "cannot be read"),
    "absurd boxes": (
        npz(images=IMAGES, image=np.array([2**62]), box=np.ones((1, 4)), category=np.array([0])),
        "not there",
    ),
    "masks of another size": (npz(images=IMAGES, masks=np.zeros((2, 9, 8), np.uint8)), "expected"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ARRAYS)
def test_absurd_arrays_are_refused_in_words(attack: str, tmp_path: Path) -> None:
    data, words = ARRAYS[attack]

    def make(path: Path) -> Path:
        path.write_bytes(data)
        return path

    answer = answered(tmp_path, make)
    assert answer["code"] == "E_DATASET_FORM", answer
    assert words in answer["got"]


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    files = {
        "images/1.png": PICTURE,
        "masks/1.png": messy.encoded(np.zeros((9, 16), np.uint8)),
        "images/2.png": PICTURE,
        "masks/2.png": huge_png(50_000, 50_000),
    }
    answer = answered(tmp_path, lambda path: messy.zipped(path, files))
    assert "1.png is 16x9, but its image 16x16" in answer["got"]


@child
def test_the_memory_wall_holds_an_array_that_grows(tmp_path: Path) -> None:
    grown = zipped("images.npy", "labels.npy", data=headed("(64000, 500, 500)"))
    said = refused(tmp_path, grown)
    assert said.code == "E_ARCHIVE"
    assert "memory" in said.problem


@child
def test_who_takes_too_long_is_ended_with_all_that_was_unpacked(tmp_path: Path) -> None:
    said = refused(tmp_path, messy.messy_folders(), seconds=0.02)  # no child starts so fast
    assert said.code == "E_ARCHIVE"
    assert "took too long" in said.problem


@child
@pytest.mark.parametrize("attack", ["a way out", "a link", "a password", "turned letters"])
def test_the_child_tells_what_it_refused(attack: str, tmp_path: Path) -> None:
    said = refused(tmp_path, ATTACKS[attack][0])
    assert said.code == "E_ARCHIVE"
    assert ATTACKS[attack][1] in said.problem
    assert not (tmp_path.parent / "evil.png").exists()


_TRIES = """
import json, os, socket, sys
from pathlib import Path
from runner.datasets.quality import inside
folder, outside = Path(sys.argv[1]), Path(sys.argv[2])
inside._wall_in(folder)
tries = {
    "write": lambda: (folder / "mine").write_text("x"),
    "read outside": lambda: outside.read_bytes(),
    "list outside": lambda: list(outside.parent.iterdir()),
    "write outside": lambda: (outside.parent / "new").write_text("x"),
    "read the passwords": lambda: open("/etc/passwd").read(),
    "talk": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
    "talk here": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
    "fork": os.fork,
    "start a program": lambda: os.execv("/bin/true", ["true"]),
    "link": lambda: os.symlink(outside, folder / "link"),
    "link hard": lambda: os.link(outside, folder / "link"),
    "signal": lambda: os.kill(os.getppid(), 0),
    "grow": lambda: bytearray(4 << 30),
}
held = {}
for name, attempt in tries.items():
    try:
        attempt()
        held[name] = "got through"
    except (OSError, MemoryError):
        held[name] = ""
print(json.dumps(held))
"""


@child
def test_behind_the_childs_walls_there_is_its_folder_and_nothing_else() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, outside = Path(place, "own"), Path(place, "other", "labels.npy")
        folder.mkdir()
        outside.parent.mkdir()
        outside.write_bytes(b"labels")
        for path in (Path(place), folder, outside.parent):
            path.chmod(0o777)  # the walls must refuse, and not whose file it is
        tried = [sys.executable, "-c", _TRIES, str(folder), str(outside)]
        held = json.loads(subprocess.run(tried, check=True, capture_output=True).stdout)
        assert list(outside.parent.iterdir()) == [outside]
        assert list(folder.iterdir()) == [folder / "mine"]
    assert held.pop("write") == "got through"
    assert len(held) == 12
    assert [name for name, words in held.items() if words] == []


@pytest.mark.parametrize("misspoken", ["link", "grown", "list", "deep", "code", "absurd"])
def test_a_child_that_was_taken_over_is_not_believed(misspoken: str, tmp_path: Path) -> None:
    said: Any = {"task": "classification", "resized": "", "splits": {"all": {
        "classes": None, "warnings": [], "attributes": {}, "names": [], "sizes": [],
        "unreadable": [], "total": 2}}}  # fmt: skip
    arrays = npz(images=IMAGES, labels=np.zeros(2, np.int64))
    place = tmp_path / "0.npz"
    place.write_bytes(arrays)
    if misspoken == "link":
        place.rename(tmp_path / "labels.npz")
        place.symlink_to(tmp_path / "labels.npz")
    elif misspoken == "grown":
        np.savez_compressed(place, images=IMAGES, labels=np.zeros(2, np.int64))
    elif misspoken == "absurd":
        said["splits"]["all"]["total"] = float("inf")
    elif misspoken == "code":
        said = {"refused": {"code": "E_PAY_ME"}}
    text = {"list": "[]", "deep": "[" * 99_999}.get(misspoken) or json.dumps(said)
    (tmp_path / reading.ANSWER).write_text(text)
    with pytest.raises(Refusal) as refused:
        reading._told(tmp_path, "a")
    assert refused.value.code == "E_RUNNER_BUG"


def test_class_names_that_are_half_letters_do_not_break_the_report(tmp_path: Path) -> None:
    files = coco(categories=[{"id": 1, "name": "ball\ud800\x1b[2J"}])
    place = tmp_path / "place"
    place.mkdir()
    with messy.zipped(tmp_path / "a.zip", files).open("rb") as archive:
        reading.write_answer(place, archive)
    report = written(reading._told(place, "a"))
    assert "ball??[2J" in report.page.encode().decode()
