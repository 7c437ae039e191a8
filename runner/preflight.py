"""Looks through a model on the side that never runs one: before it waits, or is handed to a person."""

import contextlib
import functools
import os
from typing import TYPE_CHECKING

from runner import blobs
from runner.contract import DatasetManifest, Declared, Limits, Tier
from runner.datasets.version import read_manifest
from runner.errands import Looked, LookErrand
from runner.failures import Refusal
from runner.formats import sniff
from runner.predictions import Claims, hear, refuse_bad_end
from runner.sandbox import memory
from runner.sandbox.cell import Cell
from runner.sandbox.tier import prove, unsafe_allowed

if TYPE_CHECKING:
    from runner.desk import Desk

_SECONDS = 30.0  # the largest file that is taken needs two


@functools.cache
def _tier() -> Tier:
    """The walls that hold here; they are proved once, as a runner does."""
    return prove().tier


def carry_out(desk: "Desk", errand: LookErrand) -> Looked:
    """Look through a model that waits for a runner. Raises Refusal as the runner would."""
    most = errand.limits.model_mb * 1_000_000
    model = blobs.fetch_model(errand.model, most=most)
    manifest = read_manifest(desk.datasets, errand.dataset)
    refuse_hostile(model, manifest, declared=errand.declared, limits=errand.limits)
    return Looked()


def refuse_hostile(
    model: bytes, manifest: DatasetManifest, *, declared: Declared, limits: Limits
) -> None:
    """Refuse an ONNX file that no benchmark of this dataset would take, by all but running it.

    Raises Refusal: as a submission is refused, or E_RUNNER_UNSAFE where there are no walls behind
    which it could be looked through.
    """
    sniff.refuse_unless_onnx(model[: sniff.HEAD_BYTES], size=len(model), most=len(model))
    tier = _tier()
    if tier == "none" and not unsafe_allowed():
        raise Refusal("E_RUNNER_UNSAFE", got="no sandbox on the machine that hands files out")
    limits = limits.model_copy(update={"wall_seconds": _SECONDS, "cpu_seconds": _SECONDS})
    job = {
        "task": manifest.task,
        "height": manifest.height,
        "width": manifest.width,
        "channels": manifest.channels,
        "classes": len(manifest.classes),
        "declared": declared.model_dump(),
        "model_size": len(model),
        "limits": {"cpu_seconds": limits.cpu_seconds, "memory": limits.memory_mb << 20},
    }
    claims = Claims()
    with contextlib.ExitStack() as stack:
        cell = Cell("preflight", walls=tier)
        stack.callback(cell.close)
        descriptor = memory.sealed(model)
        stack.callback(os.close, descriptor)
        ending = cell.run(
            job,
            [descriptor],
            wall_seconds=limits.wall_seconds,
            on_line=lambda line: hear(claims, line, lambda _: None),
        )
        refuse_bad_end(ending, claims, limits)
