"""What is kept of entrants' images, read from the desk's store."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner import opening
from runner.contract import DatasetManifest, Split
from runner.datasets.version import read_manifest
from runner.errands import Entrant
from runner.failures import Refusal
from runner.tasks.statistics import Statistics
from runner.tasks.table import task_of

if TYPE_CHECKING:
    from runner.desk import Desk

log = logging.getLogger(__name__)

_MOST_BYTES = 1 << 31  # 50,000 masks of 1,000 classes are 1.2 GB


def read(
    desk: "Desk", dataset: str, split: Split, files: Sequence[str | None]
) -> list[Statistics | None]:
    """Return what is kept of each image of ``split`` in files (sha256) of one dataset version.

    None stands for a file that is lost, or that is not of this task and of these images.
    Raises Refusal (E_RUNNER_DATASET) where there is no such dataset or split.
    """
    manifest = read_manifest(desk.datasets, dataset)
    images = images_of(manifest, split)
    return [read_one(desk.files, manifest, images, sha256) if sha256 else None for sha256 in files]


def images_of(manifest: DatasetManifest, split: Split) -> int:
    """Return how many images ``split`` has. Raises Refusal (E_RUNNER_DATASET) without it."""
    for facts in manifest.splits:
        if facts.split == split:
            return facts.images
    raise Refusal("E_RUNNER_DATASET", got=f"no split {split} in {manifest.key}")


def read_one(files: Path, manifest: DatasetManifest, images: int, sha256: str) -> Statistics | None:
    """Return what is kept of each of ``images`` images in a file of the store.

    None where it is lost or damaged, or not of this task and of these images.
    """
    try:
        path = files / sha256[:2] / sha256
        data = opening.named(path, sha256, what="what is kept of images", most=_MOST_BYTES)
        found = task_of(manifest.task).load(data)
    except Refusal as refusal:
        log.warning("statistics %s: %s", sha256[:12], refusal.got)
        return None
    return found if found.images == images else None


def refuse_none(known: Sequence[object], entrants: Sequence[Entrant]) -> None:
    """Raise Refusal (E_RUNNER_FETCH) where nothing is left to speak of."""
    if not known:
        raise Refusal(
            "E_RUNNER_FETCH",
            "What was kept of these entries' images is lost or of another form.",
            expected="statistics of every image of the split",
            got=f"none of {len(entrants)} entries",
            fix="Moderators: score them again on a new version, with /leaderboard create and rescore.",
        )
