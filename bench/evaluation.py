"""How near an evaluation comes to what the machine can do with that model."""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from bench.figures import Figure
from runner.contract import Blob, Evaluation, Limits, Outcome
from tests.runner import models

GATE = 0.90
_SEED = 7


def measure() -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        for what, side, channels, classes, images, model, jobs in (
            (
                "digits-sized CNN, 20,000 images of 8×8",
                8,
                1,
                10,
                20_000,
                models.small_cnn_model(),
                9,
            ),
            (
                "ResNet-18-sized, 320 images of 224×224",
                224,
                3,
                1000,
                320,
                models.resnet18_model(),
                3,
            ),
        ):
            dataset = dataset_of(here, side, channels, classes, images)
            speeds = sorted(
                (_evaluate(here, dataset, model).speed for _ in range(jobs)),
                key=lambda s: s.efficiency,
            )
            typical = speeds[jobs // 2]
            figures.append(
                Figure(
                    f"efficiency, {what}, median of {jobs} jobs",
                    f"{typical.efficiency:.3f} ({speeds[0].efficiency:.3f} to {speeds[-1].efficiency:.3f}; "
                    f"{typical.images_per_second:,.0f} images/s)",
                    f"≥ {GATE:.2f}",
                    typical.efficiency >= GATE,
                )
            )
    return figures


def dataset_of(here: Path, side: int, channels: int, classes: int, images: int) -> str:
    """Freeze a dataset of random images; returns its key."""
    random = np.random.default_rng(_SEED)
    source = here / f"{side}.npz"
    labels = np.arange(images) % classes
    if images < classes:
        labels[-1] = classes - 1
    pictures = random.integers(0, 256, (images, side, side, channels), dtype=np.uint8)
    np.savez(
        source, images=pictures, labels=labels, classes=np.array([f"c{i}" for i in range(classes)])
    )
    added = subprocess.run(
        [
            sys.executable,
            "-m",
            "runner",
            "dataset",
            "add",
            f"bench-{side}",
            "--task",
            "classification",
            "--board",
            source,
            "--licence",
            "none",
            "--source",
            "random",
            "--datasets",
            here / "datasets",
            "--artifacts",
            here / "files",
            "--json",
        ],
        check=True,
        capture_output=True,
    )
    return json.loads(added.stdout)["key"]


def _evaluate(here: Path, dataset: str, model: bytes) -> Outcome:
    file = here / "model.onnx"
    file.write_bytes(model)
    evaluation = Evaluation(
        submission="bench",
        attempt=1,
        token="bench",
        task="classification",
        model=Blob(sha256=hashlib.sha256(model).hexdigest(), size=len(model), url=file.as_uri()),
        dataset=dataset,
        datasets=(here / "datasets").as_uri(),
        splits=("board",),
        artifacts=(here / "files").as_uri(),
        limits=Limits(wall_seconds=300, cpu_seconds=600),
    )
    asked = here / "evaluation.json"
    asked.write_text(evaluation.model_dump_json())
    done = subprocess.run(
        [sys.executable, "-m", "runner", "evaluate", asked], check=False, capture_output=True
    )
    outcome = Outcome.model_validate_json(done.stdout)
    assert outcome.failure is None, outcome.failure
    return outcome
