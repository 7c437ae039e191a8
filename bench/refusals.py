"""How long a large file that will not do keeps its sender waiting."""

import io
import json
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from onnx import helper

from bench.evaluation import dataset_of
from bench.figures import Figure
from tests.runner import models

SECONDS = 3.0
_BYTES = 50_000_000
_SIDE = 8


def measure() -> list[Figure]:
    taken: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        key = dataset_of(here, _SIDE, 1, 10, 100)
        file = here / "model.onnx"
        for name, (code, data) in large_files().items():
            assert len(data) >= _BYTES
            file.write_bytes(data)
            taken[name] = min(_check(file, here, key, code) for _ in range(2))
    slowest = max(taken, key=lambda name: taken[name])
    return [
        Figure(
            f"a bad file of 50 MB, from the command to its refusal, slowest of {len(taken)} kinds",
            f"{taken[slowest]:.2f} s ({slowest}); quickest {min(taken.values()):.2f} s",
            f"< {SECONDS:.0f} s",
            taken[slowest] < SECONDS,
        )
    ]


def large_files() -> dict[str, tuple[str, bytes]]:
    """What is wrong → its code and the file: each is found at another depth."""
    rows = _BYTES // 4 // 10 + 1
    weights = {"weights": np.ones((rows, 10), np.float32)}
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["y"]),
    ]

    def heavy(shape: list[int | str], **more: object) -> bytes:
        return models.model_of(nodes, shape=shape, output=["N", 10], weights=weights, **more)

    wide: list[int | str] = ["N", rows]
    spare = {**weights, "used": np.full((_SIDE * _SIDE, 10), np.nan, np.float32)}
    not_a_number = models.model_of(
        [nodes[0], helper.make_node("MatMul", ["flat", "used"], ["y"])],
        shape=["N", 1, _SIDE, _SIDE],
        output=["N", 10],
        weights=spare,
    )
    pickled = io.BytesIO()
    pickle.dump(weights["weights"], pickled)
    return {
        "a pickle": ("E_NOT_ONNX", pickled.getvalue()),
        "zeros": ("E_ONNX_BROKEN", bytes(_BYTES)),
        "cut short": ("E_ONNX_BROKEN", heavy(wide)[:-1000].ljust(_BYTES, b"\xff")),
        "another input": ("E_INPUT_SHAPE", heavy(wide)),
        "not a number": ("E_NAN", not_a_number),
    }


def _check(file: Path, here: Path, key: str, code: str) -> float:
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "runner", "check", file, "--dataset", key, "--datasets",
         here / "datasets", "--json"],
        check=False, capture_output=True,
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    found = json.loads(done.stdout)
    assert (done.returncode, found["code"]) == (1, code), found
    return seconds
