"""Reads a dataset that somebody brought, small enough to be looked at.

An archive from a stranger is unpacked and decoded in a child (``inside``) that has no network, sees
no file but its own folder, and is killed when it takes too long: decoders of pictures have been
broken into before. What comes back are arrays and JSON, which are checked again.
"""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO, Any, get_args

import numpy as np

from runner.codes import CODES
from runner.contract import Task
from runner.datasets.loading import Reading, load_source
from runner.datasets.npz import load_npz
from runner.datasets.quality import archives
from runner.datasets.quality.layouts import Layout, recognised, sizes_in
from runner.datasets.quality.subject import MOST, Subject, brought
from runner.datasets.resizing import Resize
from runner.datasets.source import DatasetError, Source
from runner.datasets.truth import arrays_of
from runner.failures import Refusal

SECONDS = 300  #: for unpacking and decoding together
SIDE = 128  #: pictures of several sizes, or larger ones, are looked at in this size
ANSWER = "answer.json"
_ANSWER_BYTES = 64 << 20


def read_folder(folder: Path) -> tuple[Layout, dict[str, Source], str]:
    """Return layout and splits of a folder, and in words how its pictures were resized.

    Raises DatasetError.
    """
    layout = recognised(folder)
    resize, words = _resize(layout)
    how = Reading(layout.task, resize, layout.classes, layout.attributes, most=MOST)
    return layout, {split: load_source(text, how) for split, text in layout.splits.items()}, words


def _resize(layout: Layout) -> tuple[Resize | None, str]:
    sizes = sizes_in(layout.splits)
    if not sizes or (len(sizes) == 1 and max(next(iter(sizes))) <= SIDE):
        return None, ""
    return Resize(SIDE, SIDE), f"pictures were looked at in {SIDE} × {SIDE} pixels"


def from_folder(folder: Path, name: str) -> Subject:
    """Return what lies in a folder of one's own. Raises Refusal (E_DATASET_FORM)."""
    try:
        layout, sources, words = read_folder(folder)
        return brought(name, layout.task, sources, origin="a folder", resized=words)
    except DatasetError as error:
        raise Refusal("E_DATASET_FORM", got=str(error)) from error


def from_archive(path: Path, name: str, *, seconds: float = SECONDS) -> Subject:
    """Return what an archive holds, read behind walls.

    Raises Refusal: E_ARCHIVE, E_DATASET_FORM, E_RUNNER_UNSAFE where no walls can be built.
    """
    with tempfile.TemporaryDirectory(prefix=f"bookwiz-look-{os.getpid()}-") as place:
        folder = Path(place)
        if os.geteuid() == 0:
            os.chown(folder, 65534, 65534)  # the child gives root up before it reads anything
        try:
            with path.open("rb") as archive:
                _run(folder, archive, seconds)
        except OSError as error:
            raise Refusal(
                "E_DESK_FILE", "The archive is not in our store any more.",
                expected="the archive that was attached", got=type(error).__name__,
                fix="Attach it once more. The moderators can see that it was lost.",
            ) from error  # fmt: skip
        return _told(folder, name)


def _run(folder: Path, archive: IO[bytes], seconds: float) -> None:
    keep = ("PATH", "LANG", "RUNNER_UNSAFE", "PYTHONPATH")
    child = subprocess.Popen(
        [sys.executable, "-m", "runner.datasets.quality.inside", str(folder)],
        stdin=archive,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={name: os.environ[name] for name in keep if name in os.environ}
        | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"},
    )
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        raise Refusal(
            "E_ARCHIVE", "Looking through the archive took too long.",
            expected=f"an end within {seconds:g} seconds", got="no end",
            fix="Send a sample, or smaller pictures.",
        ) from None  # fmt: skip
    finally:
        child.kill()
        child.wait()


def _told(folder: Path, name: str) -> Subject:
    said = _answer(folder)
    if "refused" in said:
        words = said["refused"]
        if words.get("code") not in CODES:
            raise Refusal("E_RUNNER_BUG", got="an unknown code")
        raise Refusal(
            words["code"],
            **{key: str(words.get(key, "")) for key in ("problem", "expected", "got", "fix")},
        )
    if said.get("task") not in get_args(Task):
        raise Refusal("E_RUNNER_BUG", got="the reader misspoke: an unknown task")
    try:
        sources = {
            split: _source(folder / f"{place}.npz", said["task"], facts)
            for place, (split, facts) in enumerate(said["splits"].items())
        }
        return brought(
            name, said["task"], sources, origin="an uploaded archive", resized=str(said["resized"])
        )
    except DatasetError as error:
        raise Refusal("E_DATASET_FORM", got=str(error)) from error
    except (
        KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, MemoryError,
        zipfile.BadZipFile,
    ) as error:  # fmt: skip
        raise Refusal("E_RUNNER_BUG", got=f"the reader misspoke: {type(error).__name__}") from error


def _answer(folder: Path) -> dict[str, Any]:
    path = folder / ANSWER
    if not path.is_file() or path.is_symlink() or path.stat().st_size > _ANSWER_BYTES:
        raise Refusal(
            "E_ARCHIVE", "The pictures needed more memory or time than they may, or broke their reader.",
            expected="pictures that decode within 3 GB and five minutes", got="the reader's end",
            fix="Send a sample, smaller pictures, or files saved anew as PNG or JPEG.",
        )  # fmt: skip
    try:
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise Refusal("E_RUNNER_BUG", got=f"the reader misspoke: {type(error).__name__}") from error
    if not isinstance(said, dict) or not isinstance(said.get("refused", {}), dict):
        raise Refusal("E_RUNNER_BUG", got="the reader misspoke: another form")
    return said


def _source(path: Path, task: Task, facts: dict[str, Any]) -> Source:
    _refuse_growing(path)
    found = load_npz(path, task)
    count = len(found.images)
    names, sizes = tuple(map(str, facts["names"])), facts["sizes"]
    if len(names) not in (0, count) or len(sizes) not in (0, count):
        raise ValueError("other counts")
    return Source(
        found.images,
        found.truth,
        tuple(map(str, facts["classes"])) if facts["classes"] is not None else None,
        tuple(map(str, facts["warnings"])),
        {str(k): tuple(map(str, v)) for k, v in facts["attributes"].items()},
        names,
        tuple((int(h), int(w)) for h, w in sizes),
        tuple(map(str, facts["unreadable"])),
        int(facts["total"]),
    )


def _refuse_growing(path: Path) -> None:
    """Refuse arrays that a child cannot have left: it stores them as they are, in plain files.

    Raises ValueError.
    """
    if path.is_symlink() or not path.is_file():
        raise ValueError("no plain file")
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
        raise ValueError("arrays that grow")
    if sum(info.file_size for info in infos) > path.stat().st_size:
        raise ValueError("more than is there")


def write_answer(folder: Path, archive: IO[bytes]) -> None:
    """Unpack and read ``archive``, and leave the answer in ``folder``: what the child does."""
    try:
        said = _read(folder, archive)
    except DatasetError as error:
        said = {"refused": Refusal("E_DATASET_FORM", got=str(error)).words()}
    except Refusal as refusal:
        said = {"refused": refusal.words()}
    except MemoryError:
        return
    leave(folder, said)


def leave(folder: Path, said: dict[str, Any]) -> None:
    """Write the answer, whole or not at all."""
    (folder / "answer.part").write_text(json.dumps(said))
    (folder / "answer.part").rename(folder / ANSWER)


def _read(folder: Path, archive: Any) -> dict[str, Any]:
    archives.unpack(archive, folder / "unpacked")
    layout, sources, words = read_folder(folder / "unpacked")
    splits = {}
    for place, (split, source) in enumerate(sources.items()):
        np.savez(
            folder / f"{place}.npz", images=source.images, allow_pickle=False,
            **arrays_of(source.truth),
        )  # fmt: skip
        splits[split] = {
            "classes": source.classes,
            "warnings": source.warnings,
            "attributes": dict(source.attributes),
            "names": source.names,
            "sizes": source.sizes,
            "unreadable": source.unreadable,
            "total": source.total or len(source.images),
        }
    return {"task": layout.task, "splits": splits, "resized": words}
