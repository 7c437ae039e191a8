"""What a report may be made of: one model's predictions on dev, and what is true there.

Only ``dev`` is ever opened: of hidden splits a report knows the figures that it is given, no image
and no label.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runner.contract import DatasetManifest, Split, Task
from runner.datasets.truth import Truth, read_attributes, read_truth
from runner.datasets.version import read_manifest, split_file
from runner.failures import Refusal
from runner.scoring import read_predictions

if TYPE_CHECKING:
    from runner.desk import Desk

DEV: Split = "dev"


@dataclass(frozen=True)
class Evidence:
    """A model on dev: n images of the dataset, and what it said of each."""

    manifest: DatasetManifest
    images: NDArray[np.uint8]  #: [n, h, w, c], mapped from the file
    truth: Truth
    predictions: NDArray[Any]  #: rows [n, …] (``runner.tasks.rows``)
    attributes: dict[str, list[str]]

    @property
    def task(self) -> Task:
        return self.manifest.task

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def instead(self, predictions: NDArray[Any]) -> "Evidence":
        """Return the same images with what another model said of them."""
        return Evidence(self.manifest, self.images, self.truth, predictions, self.attributes)


def gather(desk: "Desk", dataset: str, predictions: str) -> Evidence:
    """Return the evidence on dev of the model that predicted the file ``predictions`` (sha256).

    Raises Refusal where dataset or predictions are missing or of another form.
    """
    manifest = read_manifest(desk.datasets, dataset)
    if all(split.split != DEV for split in manifest.splits):
        raise Refusal("E_RUNNER_DATASET", got=f"no dev split in {manifest.key}")
    file = split_file(desk.datasets, manifest, DEV)
    return Evidence(
        manifest,
        np.load(file.path, mmap_mode="r", allow_pickle=False),
        read_truth(desk.datasets, manifest, DEV),
        kept_predictions(desk, predictions, manifest),
        read_attributes(desk.datasets, manifest, DEV),
    )


def kept_predictions(desk: "Desk", sha256: str, manifest: DatasetManifest) -> NDArray[Any]:
    """Return predictions on dev that were scored once, and so had their form then.

    Raises Refusal (E_DESK_FILE): whatever is wrong with them now is nobody's but our store's.
    """
    try:
        return read_predictions(desk, sha256, manifest, DEV)
    except Refusal as refusal:
        raise Refusal(
            "E_DESK_FILE", expected=refusal.expected, got=refusal.got or refusal.problem
        ) from refusal
