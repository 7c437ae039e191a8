"""What int8 gains and costs, measured: made in one cell, predicted and timed each in another.

The runner takes no part in it: it hands the file in and bytes out, and never parses either.
"""

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.analyses.runs import MOST_BYTES, File, Images, Runs, seed_wanted
from runner.failures import Refusal
from runner.plain_text import cleaned
from runner.predictions import Claims, Predictions, as_npy, hear, refuse_bad_end
from runner.sandbox import memory

VARIANTS = ("static", "dynamic")
_CALIBRATION = 128  #: images: more changes ranges little
_ROOM = 8 << 20  # bytes that a quantised file may have beyond twice the model's own
_FLOAT, _MADE = 0.3, 0.5  # shares of the progress after each stage


@dataclass(frozen=True)
class _Made:
    """One quantised model, or why there is none."""

    name: str
    model: bytes = b""
    failure: str = ""


def run(runs: Runs) -> list[File]:
    """Return ``quantize.json``, rows on dev and the quantised files. Raises Refusal."""
    as_it_is = runs.over(runs.dev, upto=_FLOAT)
    images = _calibrating(runs)
    made = quantised(runs, images)
    runs.progress(_MADE)
    files = [File("quantize-float.npy", as_npy(as_it_is.rows[0]), "application/x-npy")]
    told = [{"name": "float", "size": len(runs.model), **_speed(as_it_is), "failure": "",
             "predictions": "quantize-float.npy", "model": ""}]  # fmt: skip
    for number, variant in enumerate(made, start=1):
        upto = _MADE + (1 - _MADE) * number / len(made)
        said, more = _measured(runs, variant, upto)
        told.append(said)
        files += more
    words = {"version": 1, "variants": told, "images": runs.dev.rows, "calibration": len(images)}
    return [File("quantize.json", json.dumps(words).encode(), "application/json"), *files]


def _calibrating(runs: Runs) -> Images:
    """Return the images by which static quantisation learns ranges: a sample of dev.

    No label is used, but the figure on these very images may flatter a little.
    """
    m = runs.manifest
    most = min(_CALIBRATION, max(1, MOST_BYTES // (m.height * m.width * m.channels)))
    places = np.random.default_rng(seed_wanted(runs.evaluation)).permutation(runs.dev.rows)[:most]
    return runs.images[np.sort(places)]


def _measured(runs: Runs, made: _Made, upto: float) -> tuple[dict[str, Any], Sequence[File]]:
    """Return what is said of a variant, and its files; a variant that fails costs no other."""
    if made.failure:
        return {"name": made.name, "failure": made.failure}, ()
    try:
        found = runs.over(runs.dev, model=made.model, upto=upto, timed=True)
    except Refusal as refusal:
        if refusal.ours:
            raise
        spoilt = f"int8 spoils its answers: {refusal.problem} {refusal.got}"
        return {"name": made.name, "failure": cleaned(spoilt, 300)}, ()
    rows, model = f"quantize-{made.name}.npy", f"model-{made.name}.onnx"
    said = {"name": made.name, "size": len(made.model), **_speed(found), "failure": "",
            "predictions": rows, "model": model}  # fmt: skip
    return said, (
        File(rows, as_npy(found.rows[0]), "application/x-npy"),
        File(model, made.model, "application/octet-stream"),
    )


def _speed(found: Predictions) -> dict[str, float]:
    names = ("p50_ms", "p95_ms", "images_per_second")
    return {name: found.claims.speed.get(name, 0.0) for name in names}


def quantised(runs: Runs, images: Images) -> list[_Made]:
    """Have the model quantised in a cell. Raises Refusal where that ends badly."""
    evaluation, m, model = runs.evaluation, runs.manifest, runs.model
    limits = evaluation.limits.model_copy(update={"wall_seconds": runs.left})
    room = 2 * len(model) + _ROOM
    job = {
        "task": m.task,
        "height": m.height,
        "width": m.width,
        "channels": m.channels,
        "classes": len(m.classes),
        "declared": evaluation.declared.model_dump(),
        "model_size": len(model),
        "images": len(images),
        "room": room,
        "limits": {"cpu_seconds": limits.cpu_seconds, "memory": limits.memory_mb << 20},
    }
    claims, said = Claims(), dict[str, dict[str, Any]]()

    def on_line(line: dict[str, Any]) -> None:
        if line.get("made") in VARIANTS:
            said[line["made"]] = line
        else:
            hear(claims, line, lambda _: None)

    with contextlib.ExitStack() as stack:
        cell = runs.cells("quantize")
        stack.callback(cell.close)
        board, map_ = memory.board(room * len(VARIANTS))
        descriptors = [
            memory.sealed(model), board, memory.sealed(np.ascontiguousarray(images).data),
        ]  # fmt: skip
        for descriptor in descriptors:
            stack.callback(os.close, descriptor)
        ending = cell.run(job, descriptors, wall_seconds=limits.wall_seconds, on_line=on_line)
        refuse_bad_end(ending, claims, limits)
        return [
            _taken(name, said.get(name, {}), map_[place * room : (place + 1) * room], room)
            for place, name in enumerate(VARIANTS)
        ]


def _taken(name: str, said: dict[str, Any], room: bytes, most: int) -> _Made:
    """Return what a dead cell left in its place on the board; its word is believed in nothing else."""
    size = said.get("size")
    if isinstance(size, int) and 0 < size <= most:
        return _Made(name, model=bytes(room[:size]))
    return _Made(name, failure=cleaned(str(said.get("failure") or "nothing came out"), 200))
