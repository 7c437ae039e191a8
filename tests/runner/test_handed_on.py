"""What ``predict`` hands to a cell: the output can be written, and nothing else."""

import fcntl
import os
from collections.abc import Sequence
from typing import Any

import pytest

from runner.contract import Limits
from runner.datasets.version import split_file
from runner.failures import Refusal
from runner.predictions import Predictions, predict
from runner.sandbox.cell import Cell, Ending
from tests.runner import models
from tests.runner.conftest import Bench, best_tier

pytestmark = pytest.mark.sandbox
LIMITS = Limits(wall_seconds=20, cpu_seconds=20, memory_mb=1024)
ON_IMAGES = (
    "change the images that it is given",
    "map the images to write",
    "open the images again to write",
)


def predicted(bench: Bench, cell: Cell) -> Predictions:
    datasets = bench.folder / "datasets"
    splits = [split_file(datasets, bench.manifest, name) for name in ("dev", "board")]
    try:
        return predict(
            cell,
            models.good_model(),
            bench.manifest,
            splits,
            limits=LIMITS,
            tell=lambda _: None,
        )
    finally:
        cell.close()


def writable(descriptor: int) -> bool:
    """Whether who holds it may change what is behind it."""
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        return False
    try:
        return not fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE
    except OSError:  # a file, which has no seals
        return True


def test_a_cell_gets_no_descriptor_that_writes_but_its_output(bench: Bench) -> None:
    handed: list[bool] = []

    class Looking(Cell):
        def run(self, job: Any, descriptors: Sequence[int], **more: Any) -> Ending:
            handed.extend(writable(descriptor) for descriptor in descriptors)
            return super().run(job, descriptors, **more)

    found = predicted(bench, Looking())

    assert [len(rows) for rows in found.rows] == [60, 80]
    assert handed == [False, True, False, False]  # model, output, dev, board


@pytest.mark.parametrize("walls", ["full", "reduced"])
def test_a_program_in_a_cell_cannot_change_the_images_that_it_was_given(
    walls, bench: Bench
) -> None:
    if walls == "full" and best_tier() != "full":
        pytest.skip("TIER FULL CANNOT BE TRIED HERE")
    heard: dict[str, bool] = {}

    class Attacking(Cell):
        """Tries its attacks on the very descriptors that a model would get."""

        def run(self, job: Any, descriptors: Sequence[int], **more: Any) -> Ending:
            model, output, *images = descriptors
            words = {"full": walls == "full", "limits": job["limits"], "attacks": ON_IMAGES}
            return super().run(words, [images[0], model, output], **more | {"on_line": hear})

    def hear(line: dict[str, Any]) -> None:
        if "probe" in line:
            heard[line["probe"]] = line["held"]

    before = [file.read_bytes() for file in sorted((bench.folder / "datasets").rglob("*.npy"))]
    with pytest.raises(Refusal):  # it never predicts
        predicted(bench, Attacking("probe", walls=walls))

    assert heard == dict.fromkeys(ON_IMAGES, True)
    after = [file.read_bytes() for file in sorted((bench.folder / "datasets").rglob("*.npy"))]
    assert before == after
    assert before
