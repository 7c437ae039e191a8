"""What is kept of entrants' images, read from the desk's store."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.contract import DatasetManifest, Split
from runner.datasets.version import read_manifest
from runner.errands import Entrant
from runner.failures import Refusal
from runner.tasks.statistics import Statistics
from runner.tasks.table import task_of

if TYPE_CHECKING:
    from runner.desk import Desk


def read(
    desk: "Desk", dataset: str, split: Split, files: Sequence[str | None]
) -> list[Statistics | None]:
    """Return what is kept of each image of ``split`` in files (sha256) of one dataset version.

    None stands for a file that is lost, or that is not of this task and of these images.
    Raises Refusal (E_RUNNER_DATASET) where there is no such dataset or split.
    """
    manifest = read_manifest(desk.datasets, dataset)
    images = images_of(manifest, split)
    return [_read(desk, manifest, images, sha256) if sha256 else None for sha256 in files]


def images_of(manifest: DatasetManifest, split: Split) -> int:
    """Return how many images ``split`` has. Raises Refusal (E_RUNNER_DATASET) without it."""
    for facts in manifest.splits:
        if facts.split == split:
            return facts.images
    raise Refusal("E_RUNNER_DATASET", got=f"no split {split} in {manifest.key}")


def _read(desk: "Desk", manifest: DatasetManifest, images: int, sha256: str) -> Statistics | None:
    try:
        found = task_of(manifest.task).load(desk.file(sha256))
    except Refusal:
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
