"""Predicting, seen from the trusted side: what goes into a cell, and what is believed of its end."""

import contextlib
import logging
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.contract import DatasetManifest, Limits
from runner.datasets.version import SplitFile
from runner.failures import CODES, Refusal
from runner.plain_text import cleaned
from runner.sandbox import memory
from runner.sandbox.cell import Cell, Ending

_MIB = 1 << 20
log = logging.getLogger(__name__)
# A NaN that arithmetic never makes: what still holds it was never written.
_UNWRITTEN = np.uint32(0x7FC0B007)
_SIGXCPU, _SIGKILL = 24, 9


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
    """Scores float32 [n, classes] for each split, copied after the process that made them died."""

    scores: tuple[NDArray[np.float32], ...]
    claims: Claims


def predict(
    cell: Cell,
    model: bytes,
    manifest: DatasetManifest,
    splits: Sequence[SplitFile],
    *,
    limits: Limits,
    tell: Callable[[float | None], None],
    sample_only: bool = False,
) -> Predictions:
    """Run ``model`` over ``splits`` in ``cell``. Raises Refusal for anything but a full answer.

    ``tell`` hears the share of images done; None means that the model passed the checks.
    """
    rows = [split.rows for split in splits]
    classes = len(manifest.classes)
    job = {
        "height": manifest.height,
        "width": manifest.width,
        "channels": manifest.channels,
        "classes": classes,
        "splits": [{"rows": split.rows, "offset": split.offset} for split in splits],
        "model_size": len(model),
        "threads": min(2, len(os.sched_getaffinity(0))),
        "sample_only": sample_only,
        "limits": {"cpu_seconds": limits.cpu_seconds, "memory": limits.memory_mb * _MIB},
    }
    claims = Claims()
    with contextlib.ExitStack() as stack:
        descriptors = [memory.sealed(model)]
        stack.callback(os.close, descriptors[0])
        board, map_ = memory.board(sum(rows) * classes * 4)
        stack.callback(os.close, board)
        np.frombuffer(map_, np.uint32)[:] = _UNWRITTEN
        for split in splits:
            descriptors.append(os.open(split.path, os.O_RDONLY | os.O_CLOEXEC))
            stack.callback(os.close, descriptors[-1])
        ending = cell.run(
            job,
            [descriptors[0], board, *descriptors[1:]],
            wall_seconds=limits.wall_seconds,
            on_line=lambda line: _hear(claims, line, tell),
        )
        _refuse_bad_end(ending, claims, limits)
        scores = np.frombuffer(bytes(map_), np.float32).reshape(sum(rows), classes)
    if not sample_only:
        _refuse_bad_scores(scores)
    edges = np.cumsum(rows)[:-1].tolist()
    return Predictions(tuple(np.split(scores, edges)), claims)


def _hear(claims: Claims, line: dict[str, Any], tell: Callable[[float | None], None]) -> None:
    """Take one status line. It may come from a model that took over its process: believe no type."""
    match line:
        case {"progress": float() | int() as share} if 0 <= share <= 1:
            tell(float(share))
        case {"model": dict() as facts}:
            claims.model = facts
            tell(None)
        case {"speed": dict() as speed}:
            claims.speed = {
                name: float(value)
                for name, value in speed.items()
                if isinstance(value, int | float) and math.isfinite(value) and value >= 0
            }
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


def _refuse_bad_end(ending: Ending, claims: Claims, limits: Limits) -> None:
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


def _refuse_bad_scores(scores: NDArray[np.float32]) -> None:
    unwritten = int((scores.view(np.uint32) == _UNWRITTEN).any(axis=1).sum())
    if unwritten:
        raise Refusal(
            "E_OUTPUT_SHAPE",
            "Some images were never given scores.",
            expected=f"scores for {len(scores)} images",
            got=f"{unwritten} without",
        )
    broken = int((~np.isfinite(scores)).any(axis=1).sum())
    if broken:
        raise Refusal("E_NAN", got=f"{broken} of {len(scores)} images")
