"""What each entry's figure is in a board's resamples.

A detector's thousand resamples take seconds, and fifty of them longer than a desk may sit on an
errand. But the same seed draws the same images for everybody: what was drawn of one entry stays true
whoever joins. So it is kept, and a new entry costs its own draw alone; a board that was cut off in
the middle goes on where it was.
"""

import contextlib
import hashlib
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.tasks import bias as biases
from runner.tasks import statistics as kept
from runner.tasks.statistics import Statistics

log = logging.getLogger(__name__)

_FORM = 1  # part of every name: raised when a metric, its bias or the drawing changes
_UNUSED = 30 * 24 * 3600  # seconds after which what nobody ranked by is forgotten


@dataclass(frozen=True)
class Drawn:
    """A figure, how much it flatters, and what it is in each resample [B]."""

    value: float
    bias: float
    resampled: NDArray[np.float64]


def draw(statistics: Statistics, metric: str, *, count: int, seed: int) -> Drawn:
    """Resample the images of one entry ``count`` times."""
    value = kept.value(statistics, metric)
    off = biases.bias(statistics, metric, value, halvings=kept.halvings(count))
    return Drawn(value, off, kept.joint([statistics], metric, count=count, seed=seed)[:, 0])


def drawn(
    folder: Path | None, sha256: str, statistics: Statistics, metric: str, *, count: int, seed: int
) -> Drawn:
    """Return what was drawn before of the ``statistics`` with that hash, or draw and keep it.

    ``folder``: where it is kept; None: nowhere.
    """
    if folder is None:
        return draw(statistics, metric, count=count, seed=seed)
    words = f"{_FORM} {sha256} {metric} {count} {seed}"
    path = folder / f"{hashlib.sha256(words.encode()).hexdigest()}.npy"
    known = _read(path, count)
    if known is None:
        known = draw(statistics, metric, count=count, seed=seed)
        _write(path, known)
    return known


def _read(path: Path, count: int) -> Drawn | None:
    try:
        numbers = np.load(path, allow_pickle=False)
        os.utime(path)
    except (OSError, ValueError, EOFError):
        return None
    if numbers.shape != (count + 2,) or numbers.dtype != np.float64:
        return None
    return Drawn(float(numbers[0]), float(numbers[1]), numbers[2:])


def _write(path: Path, known: Drawn) -> None:
    """Keep it, whole or not at all; a full disk only costs the time to draw it again."""
    partial = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            np.save(file, np.r_[known.value, known.bias, known.resampled])
        partial.replace(path)
    except OSError:
        log.warning("what was drawn cannot be kept", exc_info=True)
        with contextlib.suppress(OSError):
            partial.unlink()


def forget_unused(folder: Path) -> None:
    """Delete what no ranking has asked for in a month."""
    for path in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # another desk was first
            if path.stat().st_mtime < time.time() - _UNUSED:
                path.unlink()
