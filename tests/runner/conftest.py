import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.contract import Blob, DatasetManifest, Evaluation, Outcome, Task
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from runner.datasets.truth import Boxes
from runner.evaluate import Evaluator
from runner.sandbox import cases
from runner.sandbox.tier import prove


def best_tier() -> str:
    """The tier that this machine has to reach: asked of bubblewrap itself, not of our probes."""
    return "full" if cases.why_no_namespaces() is None else "reduced"


METRICS = {"classification": "accuracy", "detection": "ap", "segmentation": "miou"}


class Bench:
    """A small dataset on disk, and evaluations of models on it."""

    def __init__(
        self,
        folder: Path,
        *,
        h: int = 8,
        w: int = 8,
        c: int = 1,
        classes: int = 10,
        task: Task = "classification",
    ) -> None:
        self.folder = folder
        self.task = task
        self.classes = classes
        rng = np.random.default_rng(7)
        self.arrays = {
            split: (
                rng.integers(0, 256, (rows, h, w, c), dtype=np.uint8),
                truth_of(task, rows, classes, h, w),
            )
            for split, rows in (("train", 20), ("dev", 60), ("board", 80))
        }
        names = None if task == "classification" else tuple("abcdefghijklmnopqrst"[:classes])
        self.manifest: DatasetManifest = add_dataset(
            Card("Toy", task, "CC0", "made up", {}),
            {name: Source(*arrays, names) for name, arrays in self.arrays.items()},
            datasets=folder / "datasets",
            artifacts=folder / "artifacts",
        )

    def evaluation(self, model: bytes, **given: Any) -> Evaluation:
        digest = hashlib.sha256(model).hexdigest()
        path = self.folder / f"{digest}.bin"
        path.write_bytes(model)
        words = {
            "submission": "7",
            "attempt": 1,
            "token": "token",
            "task": self.task,
            "metric": METRICS[self.task],
            "model": Blob(sha256=digest, size=len(model), url=path.as_uri()),
            "dataset": self.manifest.key,
            "datasets": (self.folder / "datasets").as_uri(),
            "splits": ("board",),
            "artifacts": (self.folder / "artifacts").as_uri(),
            "limits": {"wall_seconds": 20, "cpu_seconds": 20, "memory_mb": 1024},
        }
        return Evaluation.model_validate(words | given)


def truth_of(task: Task, rows: int, classes: int, h: int, w: int) -> Any:
    """Each class in turn: as a label, as one box, as a mask of it alone."""
    kind = np.arange(rows, dtype=np.int64) % classes
    if task == "classification":
        return kind
    if task == "segmentation":
        return np.tile(kind.astype(np.uint8)[:, None, None], (1, h, w))
    return Boxes(
        image=np.arange(rows),
        box=np.tile([1.0, 1.0, 3.0, 4.0], (rows, 1)),
        category=kind,
        area=np.full(rows, 12.0),
        crowd=np.zeros(rows, np.bool_),
        size=np.tile([h, w], (rows, 1)),
        scale=np.ones((rows, 2)),
        pad=np.zeros((rows, 2)),
    )


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def evaluator() -> Iterator[Evaluator]:
    made = Evaluator(prove().tier)
    yield made
    made.close()


class Served:
    """A serve process to talk to."""

    def __init__(self, **given: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "runner", "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **given,
        )
        self.hello = self.line()["hello"]
        self.progress: list[dict[str, Any]] = []

    def line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, "serve ended"
        return json.loads(text)

    def send(self, evaluation: Evaluation) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(evaluation.model_dump_json() + "\n")
        self.process.stdin.flush()

    def evaluate(self, evaluation: Evaluation) -> Outcome:
        self.send(evaluation)
        while True:
            said = self.line()
            if "outcome" in said:
                return Outcome.model_validate(said["outcome"])
            self.progress.append(said["progress"])

    def close(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        status = self.process.wait(10)
        self.process.stdout.close()
        return status


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    made = Served()
    yield made
    assert made.close() == 0
