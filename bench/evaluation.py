"""How near an evaluation comes to what the machine can do with that model."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from math import comb
from pathlib import Path
from statistics import median

import numpy as np

from bench.figures import Figure
from runner.contract import Blob, Evaluation, Limits, Outcome
from tests.runner import models

GATE = 0.95
_SEED = 7
_PLAIN_RUNS = 3


def measure() -> list[Figure]:
    small, large = models.small_cnn_model(), models.resnet18_model()
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        return [
            *_beside(here, "digits-sized CNN", (200_000, 8, 8, 1), 10, small, jobs=15),
            *_beside(here, "ResNet-18-sized", (320, 224, 224, 3), 1000, large, jobs=6),
        ]


def _beside(
    here: Path,
    what: str,
    shape: tuple[int, int, int, int],
    classes: int,
    model: bytes,
    *,
    jobs: int,
) -> list[Figure]:
    """Evaluate ``jobs`` times, and run what a member would write between the first of them."""
    images, side, _, channels = shape
    dataset = dataset_of(here, side, channels, classes, images)
    script = here / "plain.py"
    script.write_text(_PLAIN)
    speeds, plain = [], []
    for number in range(jobs):
        speeds.append(_evaluate(here, dataset, model).speed)
        if number >= _PLAIN_RUNS:
            continue
        words = [sys.executable, script, here / "model.onnx", here / f"{side}.npz"]
        plain.append(float(subprocess.run(words, check=True, capture_output=True).stdout))
    reached = sorted(s.efficiency for s in speeds)
    typical, (low, high) = median(reached), _about_the_median(reached)
    rate = median(s.images_per_second for s in speeds)
    return [
        Figure(
            f"efficiency, {what}, {images:,} images of {side}×{side}, median of {jobs} jobs",
            f"{typical:.3f} (95 % interval {low:.3f} to {high:.3f}; {rate:,.0f} images/s)",
            f"≥ {GATE:.2f}",
            typical >= GATE,
        ),
        Figure(
            "the same images one by one through ONNX Runtime, as a first script does",
            f"{median(plain):,.0f} images/s, {median(plain) / rate:.0%} of that",
            "",
            None,
        ),
    ]


#: one image at a time, all else as it comes; prints images per second
_PLAIN = """
import sys, time
import numpy as np
import onnxruntime as ort

session = ort.InferenceSession(sys.argv[1])
images = np.load(sys.argv[2])["images"][:20_000]
begun = time.perf_counter()
found = []
for image in images:
    batch = image.astype(np.float32).transpose(2, 0, 1)[None]
    found.append(session.run(None, {"x": batch})[0].argmax())
print(len(images) / (time.perf_counter() - begun))
"""


def _about_the_median(values: Sequence[float]) -> tuple[float, float]:
    """Return the values of ascending ``values`` that hold the true median 95 times in 100.

    A median lies beyond the k-th of n as often as a coin falls heads at most k - 1 times of n.
    """
    many, out = len(values), 0
    while 2 * sum(comb(many, k) for k in range(out + 1)) <= 0.05 * 2**many:
        out += 1
    return values[max(out - 1, 0)], values[many - max(out, 1)]


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
