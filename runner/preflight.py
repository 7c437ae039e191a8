"""Looks through a model that is handed on to a person, on the side that never runs one."""

import contextlib
import os

from runner.contract import DatasetManifest, Declared, Limits
from runner.failures import Refusal
from runner.formats import sniff
from runner.predictions import Claims, hear, refuse_bad_end
from runner.sandbox import memory
from runner.sandbox.cell import Cell
from runner.sandbox.tier import prove, unsafe_allowed

_SECONDS = 30.0  # the largest file that is taken needs two


def refuse_hostile(
    model: bytes, manifest: DatasetManifest, *, declared: Declared, limits: Limits
) -> None:
    """Refuse an ONNX file that no benchmark of this dataset would take, by all but running it.

    Raises Refusal: as a submission is refused, or E_RUNNER_UNSAFE where there are no walls behind
    which it could be looked through.
    """
    sniff.refuse_unless_onnx(model[: sniff.HEAD_BYTES], size=len(model), most=len(model))
    tier = prove().tier
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
