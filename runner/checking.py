"""A model's fitness for a dataset without a score: everything up to four sample images."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from runner import blobs
from runner.contract import Blob, Failure, Limits, ModelFacts
from runner.datasets.version import read_manifest, split_file
from runner.evaluate import facts_of, failure_of
from runner.failures import Refusal
from runner.predictions import predict
from runner.sandbox.cell import Cell
from runner.sandbox.tier import prove, unsafe_allowed

_SECONDS = 20.0
# Public images first: what a check says of a model may be seen by whoever sent it.
_SAMPLED: Sequence[str] = ("dev", "train", "board")


def check_model(
    path: Path, key: str, *, datasets: Path
) -> tuple[Failure | None, ModelFacts | None]:
    """Return why the model at ``path`` cannot be scored, or what it is. Never raises Refusal."""
    limits = Limits(wall_seconds=_SECONDS, cpu_seconds=_SECONDS)
    tier = prove().tier
    if tier == "none" and not unsafe_allowed():
        return failure_of(Refusal("E_RUNNER_UNSAFE", got=tier)), None
    try:
        manifest = read_manifest(datasets, key)
        there = {split.split for split in manifest.splits}
        split = next(name for name in _SAMPLED if name in there)
        data = path.read_bytes()
        blob = Blob(
            sha256=hashlib.sha256(data).hexdigest(), size=len(data), url=path.resolve().as_uri()
        )
        model = blobs.fetch_model(blob, most=limits.model_mb * 1_000_000)
        cell = Cell(walls=tier != "none")
        try:
            found = predict(
                cell,
                model,
                manifest,
                [split_file(datasets, manifest, split)],
                limits=limits,
                tell=lambda _: None,
                sample_only=True,
            )
        finally:
            cell.close()
    except Refusal as refusal:
        return failure_of(refusal), None
    return None, facts_of(found.claims, size=len(data))
