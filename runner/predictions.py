"""Predicting, seen from the trusted side: what goes into a cell, and what is believed of its end."""

import contextlib
import io
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.codes import CODES
from runner.contract import MOST, DatasetManifest, Declared, Format, Limits
from runner.datasets.version import SplitFile
from runner.failures import Refusal
from runner.formats.usual import names as names_of
from runner.plain_text import cleaned
from runner.sandbox import memory
from runner.sandbox.cell import Cell, Ending
from runner.tasks.rows import Row, row_of

_MIB = 1 << 20
log = logging.getLogger(__name__)
_SIGXCPU, _SIGKILL = 24, 9
_NOTHING = Declared()
_LEAST = 1e-9  # a figure of speed that is not 0
_PROBE_IMAGES, _PROBE_BYTES = 64, 16 << 20


@dataclass
class Claims:
    """What a cell said of itself. Believed only as far as it could not matter."""

    model: dict[str, Any] = field(default_factory=dict)
    speed: dict[str, float] = field(default_factory=dict)
    failure: Refusal | None = None
    broken: str = ""
    confined: bool = False
    done: bool = False


@dataclass(frozen=True)
class Predictions:
    """Rows [n, …] for each split (``runner.tasks.rows``), copied after who made them died."""

    rows: tuple[NDArray[Any], ...]
    claims: Claims
    #: rows of the first dev images under other contracts, by name
    probes: dict[str, NDArray[Any]] = field(default_factory=dict)
    peak_memory: int = 0  #: bytes, of the predicting process, by the kernel's word; 0: not known


@dataclass(frozen=True)
class Budget:
    """The time that all ``images`` of a benchmark may take."""

    wall_seconds: float
    cpu_seconds: float
    images: int


def predict(
    cell: Cell,
    model: bytes,
    manifest: DatasetManifest,
    splits: Sequence[SplitFile],
    *,
    limits: Limits,
    tell: Callable[[float | None], None],
    format: Format = "onnx",
    declared: Declared = _NOTHING,
    sample_only: bool = False,
    probe: int | None = None,
    timed: bool = True,
    budget: Budget | None = None,
    claims: Claims | None = None,
) -> Predictions:
    """Run ``model`` over ``splits`` in ``cell``. Raises Refusal for anything but a full answer.

    ``tell`` hears the share of images done; None means that the model passed the checks. ``probe``
    is the place of dev among ``splits``: its first images are predicted under other contracts too.
    ``timed``: the limit of its speed is measured too, which takes seconds where a model is slow.
    ``budget`` is what the time is measured against that a model would take; None: these limits.
    ``claims`` is filled in while the cell speaks, for whoever must know how far a refused one came.
    """
    counts = [split.rows for split in splits]
    row = row_of(manifest)
    names = names_of(manifest.task, manifest.channels) if probe is not None else []
    few = _probed(row, counts[probe]) if probe is not None else 0
    job = {
        **_shapes(manifest, row),
        "format": format,
        "declared": declared.model_dump(),
        "splits": [{"rows": split.rows, "offset": split.offset} for split in splits],
        "model_size": len(model),
        "threads": min(2, len(os.sched_getaffinity(0))),
        "sample_only": sample_only,
        "timed": timed,
        "budget": asdict(budget or Budget(limits.wall_seconds, limits.cpu_seconds, sum(counts))),
        "probe": {"split": probe, "images": few, "names": names} if few else None,
        "limits": {"cpu_seconds": limits.cpu_seconds, "memory": limits.memory_mb * _MIB},
    }
    claims = claims or Claims()
    with contextlib.ExitStack() as stack:
        descriptors = [memory.sealed(model)]
        stack.callback(os.close, descriptors[0])
        total = sum(counts) + few * len(names)
        board, map_ = memory.board(total * row.size)
        stack.callback(os.close, board)
        rows = np.frombuffer(map_, row.dtype).reshape(total, *row.shape)
        row.blank(rows)
        for split in splits:
            descriptors.append(os.open(split.path, os.O_RDONLY | os.O_CLOEXEC))
            stack.callback(os.close, descriptors[-1])
        ending = cell.run(
            job,
            [descriptors[0], board, *descriptors[1:]],
            wall_seconds=limits.wall_seconds,
            on_line=lambda line: hear(claims, line, tell),
        )
        refuse_bad_end(ending, claims, limits)
        rows = rows.copy()
    rows, spare = np.split(rows, [sum(counts)])
    if not sample_only:
        refuse_bad_rows(rows, row, manifest)
    edges = np.cumsum(counts)[:-1].tolist()
    others = (_written(spare[place * few :][:few], row, manifest) for place in range(len(names)))
    probes = {name: found for name, found in zip(names, others, strict=True) if len(found)}
    return Predictions(tuple(np.split(rows, edges)), claims, probes, ending.peak_memory)


def _shapes(manifest: DatasetManifest, row: Row) -> dict[str, Any]:
    """Return what a cell is told of a dataset: the shape of its images and of an answer."""
    return {
        "task": manifest.task,
        "height": manifest.height,
        "width": manifest.width,
        "channels": manifest.channels,
        "classes": len(manifest.classes),
        "row": {"dtype": row.dtype, "shape": row.shape},
    }


def _probed(row: Row, images: int) -> int:
    """Return how many images to predict under other contracts: fewer where rows are large."""
    return min(images, _PROBE_IMAGES, max(8, _PROBE_BYTES // row.size))


def _written(rows: NDArray[Any], row: Row, manifest: DatasetManifest) -> NDArray[Any]:
    """Return the first rows, up to one that was not written; none at all where one cannot be."""
    holes = row.never_written(rows)
    rows = rows[: int(holes.argmax()) if holes.any() else len(rows)]
    try:
        refuse_bad_rows(rows, row, manifest)
    except Refusal:
        return rows[:0]
    return rows


def hear(claims: Claims, line: dict[str, Any], tell: Callable[[float | None], None]) -> None:
    """Take one status line. It may come from a model that took over its process: believe no type."""
    match line:
        case {"progress": float() | int() as share} if 0 <= share <= 1:
            tell(float(share))
        case {"model": dict() as facts}:
            claims.model = facts
            tell(None)
        case {"speed": dict() as speed}:
            figures = {n: v for n, v in speed.items() if isinstance(v, int | float)}
            if all(_can_be(value) for value in figures.values()):
                claims.speed = {name: float(value) for name, value in figures.items()}
            else:
                claims.failure = Refusal("E_CRASH", got="a speed that cannot be")
        case {"failure": {"code": str() as code, **words}} if (
            code in CODES and not CODES[code].ours
        ):
            said = {k: str(words.get(k, "")) for k in ("expected", "got", "fix")}
            claims.failure = Refusal(code, str(words.get("problem", "")), **said)
        case {"broken": str() as why}:
            claims.broken = cleaned(why, 400)
            log.warning("a cell broke: %s", claims.broken)
        case {"confined": _}:
            claims.confined = True
        case {"done": True}:
            claims.done = True


def _can_be(figure: float) -> bool:
    """Whether it may be a time, a rate or a count; ratios of two of them are finite then."""
    return figure == 0 or _LEAST <= figure < MOST


def refuse_bad_end(ending: Ending, claims: Claims, limits: Limits) -> None:
    """Refuse what a cell did not end well. Raises Refusal."""
    if claims.failure is not None and not ending.timed_out:
        raise claims.failure
    if not claims.confined:
        raise Refusal(
            "E_RUNNER_BUG",
            "The sandbox did not start.",
            got=claims.broken or f"status {ending.status}",
        )
    if ending.timed_out:
        limit = f"{limits.wall_seconds:g} seconds"
        raise Refusal(
            "E_TIME_WALL", expected=f"at most {limit}", got=f"still running after {limit}"
        )
    if ending.flooded:
        raise Refusal("E_CRASH", got="more status messages than any model needs")
    if ending.signal == _SIGKILL:
        # Its CPU limit ends it by SIGXCPU and its deadlines are told apart: what is left is the
        # kernel's own choice of a victim.
        raise Refusal("E_MEMORY", got="the system had to end it for want of memory")
    if ending.signal == _SIGXCPU:
        raise Refusal("E_TIME_CPU", expected=f"at most {limits.cpu_seconds:g} seconds of CPU time")
    if ending.signal or ending.status or not claims.done:
        how = f"signal {ending.signal}" if ending.signal else f"exit status {ending.status}"
        raise Refusal("E_CRASH", got=claims.broken or how)


def refuse_bad_rows(rows: NDArray[Any], row: Row, manifest: DatasetManifest) -> None:
    """Refuse what no honest model answers. Raises Refusal: E_OUTPUT_SHAPE, E_NAN."""
    if not len(rows):
        return
    unwritten = int(row.never_written(rows).sum())
    if unwritten:
        raise Refusal(
            "E_OUTPUT_SHAPE",
            "Some images were never given an answer.",
            expected=f"an answer for {len(rows)} images",
            got=f"{unwritten} without",
        )
    strange = np.zeros(len(rows), np.bool_)
    if manifest.task == "segmentation":
        strange = rows.reshape(len(rows), -1).max(axis=1) >= len(manifest.classes)
    else:
        broken = int((~np.isfinite(rows)).reshape(len(rows), -1).any(axis=1).sum())
        if broken:
            raise Refusal("E_NAN", got=f"{broken} of {len(rows)} images")
    if manifest.task == "detection":
        strange = _strange_boxes(rows, len(manifest.classes))
    if strange.any():
        raise Refusal(
            "E_OUTPUT_SHAPE",
            "Some answers name classes or boxes that cannot be.",
            expected=f"classes from 0 to {len(manifest.classes) - 1}",
            got=f"{int(strange.sum())} of {len(rows)} images",
        )


def _strange_boxes(rows: NDArray[np.float32], classes: int) -> NDArray[np.bool_]:
    """Return which images [n] have rows that are neither a box nor unused, or used after unused."""
    unused = (rows == -1).all(axis=2)
    kind = rows[..., 5]
    box = (kind >= 0) & (kind < classes) & (kind == np.floor(kind))
    box &= (rows[..., 2] >= rows[..., 0]) & (rows[..., 3] >= rows[..., 1])
    late = unused[:, :-1] & ~unused[:, 1:]
    strange: NDArray[np.bool_] = (~(box | unused)).any(axis=1) | late.any(axis=1)
    return strange


def as_npy(array: NDArray[Any]) -> bytes:
    """Return ``array`` as a .npy file."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()
