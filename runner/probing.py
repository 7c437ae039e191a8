"""Would the model do better if its pixels came otherwise, or its boxes were read otherwise?

A model that does not say how it wants its pixels, or says it wrongly, is fed wrongly and then looks
merely bad. Its runner therefore also predicts 64 dev images under the usual other contracts; here, on
the trusted side, these are compared with the labels. Dev only: its labels are public.
"""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runner import opening
from runner.contract import DatasetManifest
from runner.datasets.truth import IGNORED, Boxes, Truth, read_truth
from runner.failures import Refusal
from runner.formats.usual import READINGS, names, usual
from runner.plain_text import cleaned
from runner.tasks.rows import row_of

if TYPE_CHECKING:
    from runner.desk import Desk

NAME = "probe.npz"
_MOST_IMAGES = 64
_AT_LEAST = 8  # images; fewer say nothing
_BETTER = 0.1  # of the quality, and
_CLEARLY = 3.0  # standard errors of the paired difference
_MATCH = 0.5  # IoU

Probes = Mapping[str, NDArray[Any]]  # by name of a usual contract: rows of the first dev images


def warning(
    manifest: DatasetManifest,
    own: NDArray[Any],
    probes: Probes,
    truth: Truth,
    *,
    said: str = "",
) -> str | None:
    """Return a sentence where another contract is far better on the same images, else None.

    ``own`` are the rows [n, …] of all dev images as they were scored; a probe has the first few.
    ``said``: how the model's input is read, in words.
    """
    best: tuple[float, str, float, float, int] | None = None
    for name, rows in probes.items():
        count = min(len(rows), len(own), _MOST_IMAGES)
        if name not in names(manifest.task, manifest.channels) or count < _AT_LEAST:
            continue
        here = quality(manifest, own[:count], truth)
        there = quality(manifest, rows[:count], truth)
        gain = there - here
        error = float(gain.std(ddof=1)) / count**0.5
        if gain.mean() < _BETTER or gain.mean() < _CLEARLY * error:
            continue
        if best is None or gain.mean() > best[0]:
            best = (float(gain.mean()), name, float(there.mean()), float(here.mean()), count)
    if best is None:
        return None
    _, name, there_mean, here_mean, count = best
    what = {
        "classification": "accuracy",
        "segmentation": "mean IoU",
        "detection": "of the boxes found",
    }[manifest.task]
    if name in READINGS:
        boxes, normalised = READINGS[name]
        is_read, key = (
            "Your model's boxes are read as its declaration or the default says",
            "output",
        )
        declared = json.dumps({"boxes": boxes, "normalised": normalised})
    else:
        is_read, key = (
            f"Your model's input is read as {cleaned(said, 200) or 'declared'}",
            "preproc",
        )
        declared = usual(manifest.channels)[name].declaration()
    return (
        f"{is_read}: {here_mean:.0%} {what} on {count} dev images. Read as {name}, they come out at "
        f"{there_mean:.0%}: did you mean that? Then put {declared} into the metadata key bookwiz.{key}, "
        "or into the form's field where the file has no such key."
    )


def quality(manifest: DatasetManifest, rows: NDArray[Any], truth: Truth) -> NDArray[np.float64]:
    """Return how good each answer is, 0 to 1 [n]: a simple figure for a comparison, no metric.

    Classification: right or wrong. Segmentation: mean IoU of the classes in the image's truth.
    Detection: share of the true boxes found (IoU ≥ .5, right class) by as many best boxes.
    """
    if isinstance(truth, Boxes):
        return np.array([_found(row, truth, place) for place, row in enumerate(rows)])
    if manifest.task == "classification":
        return np.asarray(rows.argmax(axis=1) == truth[: len(rows)], np.float64)
    return np.array([_iou(row, mask) for row, mask in zip(rows, truth, strict=False)])


def _iou(row: NDArray[np.uint8], mask: NDArray[Any]) -> float:
    counts = mask != IGNORED
    present = np.unique(mask[counts])
    if not len(present):
        return 0.0
    shares = []
    for kind in present:
        said, true = (row == kind) & counts, mask == kind
        shares.append((said & true).sum() / (said | true).sum())
    return float(np.mean(shares))


def _found(row: NDArray[np.float32], truth: Boxes, place: int) -> float:
    mine = (truth.image == place) & ~truth.crowd
    if not mine.any():
        return 1.0 if (row[:, 5] < 0).all() else 0.0
    scale, pad = np.tile(truth.scale[place], 2), np.tile(truth.pad[place], 2)
    corners = truth.box[mine].copy()
    corners[:, 2:] += corners[:, :2]
    corners = corners * scale + pad
    used = row[row[:, 5] >= 0]
    best = used[np.argsort(-used[:, 4], kind="stable")][: len(corners)].astype(np.float64)
    free = np.ones(len(corners), np.bool_)
    for box in best:
        sides = np.minimum(corners[:, 2:], box[2:4]) - np.maximum(corners[:, :2], box[:2])
        shared = np.clip(sides, 0, None).prod(axis=1)
        areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1) + (box[2:4] - box[:2]).prod()
        iou = shared / np.maximum(areas - shared, 1e-9)
        fits = free & (iou >= _MATCH) & (truth.category[mine] == box[5])
        if fits.any():
            free[np.flatnonzero(fits)[iou[fits].argmax()]] = False
    return float(1 - free.mean())


def as_npz(probes: Probes) -> bytes:
    """Return the probes as a file: rows by name of their contract."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **probes)
    return file.getvalue()


def read_npz(desk: "Desk", sha256: str, manifest: DatasetManifest) -> dict[str, NDArray[Any]]:
    """Return the probes in a file that a runner made that is not trusted.

    Raises Refusal: E_DESK_FILE where it is not there, E_RUNNER_FORM for anything but rows of this
    dataset's form.
    """
    known, row = names(manifest.task, manifest.channels), row_of(manifest)
    most = len(known) * (_MOST_IMAGES * row.size + 2 * opening.HEAD)
    members = opening.npz(desk.read(sha256, what=NAME, most=most), most=len(known), what=NAME)
    found = {
        name: opening.npy(data, shape=(None, *row.shape), dtype=row.dtype, what=NAME)
        for name, data in members.items()
        if name in known
    }
    if any(len(rows) > _MOST_IMAGES for rows in found.values()):
        raise Refusal("E_RUNNER_FORM", "The probe has more images than a probe can have.")
    return found


def warnings(
    datasets: Path,
    manifest: DatasetManifest,
    splits: Sequence[str],
    predictions: Sequence[NDArray[Any]],
    probes: Probes,
    *,
    said: str = "",
) -> tuple[str, ...]:
    """Return the warning, if any, for what was predicted on ``splits``; needs the labels of dev."""
    if not probes or "dev" not in splits:
        return ()
    own = predictions[list(splits).index("dev")]
    found = warning(manifest, own, probes, read_truth(datasets, manifest, "dev"), said=said)
    return () if found is None else (found,)
