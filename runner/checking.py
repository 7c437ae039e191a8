"""A model's fitness for a benchmark without a score, in seconds: on a runner, or where it was made.

The order is that of the evaluation: first bytes → size → parse → static walk → signature → a few
images, NaN, the same answer in any batch → time. All of it but the first two happens in a cell.
"""

import hashlib
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from runner import blobs
from runner.card import BenchmarkCard
from runner.codes import EXPORT, export_advice
from runner.contract import (
    Blob,
    DatasetManifest,
    Declared,
    Failure,
    Format,
    Limits,
    ModelFacts,
    Tier,
)
from runner.datasets.version import SplitFile, read_manifest, split_file
from runner.evaluate import facts_of, failure_of
from runner.failures import Refusal
from runner.formats import admission, sniff
from runner.predictions import Budget, Claims, predict
from runner.sandbox.cell import Cell
from runner.sandbox.tier import prove, unsafe_allowed

SECONDS = 15.0
_SAMPLES = 8
_SEED = 20240501
# Public images first: what a check says of a model may be seen by whoever sent it.
_SAMPLED = ("dev", "train", "board")
# What ran into a limit here may fit on the benchmark's own machine.
_CONTAINED = {"E_TIME_WALL", "E_TIME_CPU", "E_TIME_PREDICTED", "E_TIER", "E_NO_TORCH"}

_SANDBOX: dict[Tier | None, str] = {"none": "unsandboxed", None: "not needed"}

#: contain: nothing forbids it, but only running it in the benchmark's sandbox decides
Verdict = Literal["accept", "refuse", "contain", "unknown"]


@dataclass(frozen=True)
class Checked:
    """What a check found. ``unknown``: something of ours kept it from finding anything."""

    verdict: Verdict
    tier: (
        Tier | None
    )  #: of the cell it ran in; none: it ran unsandboxed; None: it did not have to run
    seconds: float
    failure: Failure | None = None
    facts: ModelFacts | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for programs: verdict, code, problem, expected, got, fix, and what was seen."""
        failure = self.failure
        return {
            "verdict": self.verdict,
            "code": failure.code if failure else "",
            "problem": failure.problem if failure else "",
            "expected": failure.expected if failure else "",
            "got": failure.got if failure else "",
            "fix": failure.fix if failure else "",
            "sandbox": _SANDBOX.get(self.tier, self.tier),
            "seconds": round(self.seconds, 2),
            "model": self.facts.model_dump() if self.facts else None,
        }

    def words(self) -> str:
        """Return it for people."""
        lines = [self.verdict + (f" {self.failure.code}" if self.failure else "")]
        if self.failure is not None:
            lines[0] += f": {self.failure.problem}"
            parts = ("expected", "got", "fix")
            lines += [
                f"  {part}: {text}" for part in parts if (text := getattr(self.failure, part))
            ]
        if self.facts is not None:
            cost = f", {self.facts.flops / 1e6:,.1f} MFLOPs an image" if self.facts.flops else ""
            opset = f", opset {self.facts.opset}" if self.facts.opset else ""
            lines.append(f"  {self.facts.input}, {self.facts.parameters:,} parameters{opset}{cost}")
        if self.tier == "none":
            lines.append("  unsandboxed: this machine has no sandbox; check only files you trust")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Target:
    manifest: DatasetManifest
    images: SplitFile
    formats: tuple[Format, ...]
    limits: Limits
    total: int  #: images of a whole evaluation


def check_for_card(
    path: Path, card: BenchmarkCard, *, declared: Declared, seconds: float = SECONDS
) -> Checked:
    """Check a file of one's own for the benchmark of ``card``; its images are made up.

    Without a sandbox on this machine it runs all the same, and ``tier`` is none. Never raises
    Refusal.
    """
    with tempfile.TemporaryDirectory() as folder:
        images = _made_up(Path(folder), card)
        target = _Target(card.manifest(), images, card.formats, card.limits, card.images)
        return _check(path, target, declared, seconds=seconds, allow_none=True)


def check_for_dataset(
    path: Path, key: str, *, datasets: Path, declared: Declared, seconds: float = SECONDS
) -> Checked:
    """Check a file on a runner, with images of dataset ``key``. Never raises Refusal."""
    begun = time.monotonic()
    try:
        manifest = read_manifest(datasets, key)
        counts = {split.split: split.images for split in manifest.splits}
        images = split_file(datasets, manifest, next(s for s in _SAMPLED if s in counts))
    except Refusal as refusal:
        spent = time.monotonic() - begun
        return Checked("unknown", None, spent, failure_of(refusal))
    ranked = sum(count for split, count in counts.items() if split != "train")
    formats: tuple[Format, ...] = ("onnx", "safetensors")
    target = _Target(manifest, images, formats, Limits(), max(ranked, 1))
    return _check(path, target, declared, seconds=seconds, allow_none=unsafe_allowed())


def _made_up(folder: Path, card: BenchmarkCard) -> SplitFile:
    """Write a few images of the card's shape: smooth, as photographs are, and all different."""
    random = np.random.default_rng(_SEED)
    shape = (_SAMPLES, card.height, card.width, card.channels)
    down = np.linspace(0, 1, card.height)[None, :, None, None]
    across = np.linspace(0, 1, card.width)[None, None, :, None]
    ends = random.uniform(0, 255, (4, _SAMPLES, 1, 1, card.channels))
    top = ends[0] * (1 - across) + ends[1] * across
    bottom = ends[2] * (1 - across) + ends[3] * across
    smooth = top * (1 - down) + bottom * down + random.normal(0, 12, shape)
    path = folder / "images.npy"
    np.save(path, np.clip(smooth, 0, 255).astype(np.uint8))
    mapped = np.load(path, mmap_mode="r")
    assert isinstance(mapped, np.memmap)
    return SplitFile(path, mapped.offset, _SAMPLES)


def _check(
    path: Path, target: _Target, declared: Declared, *, seconds: float, allow_none: bool
) -> Checked:
    begun = time.monotonic()
    tier: Tier | None = None
    claims = Claims()
    try:
        model, kind = _read(path, target)
        tier = prove().tier
        _refuse_no_walls(tier, allow_none=allow_none)
        admission.refuse_unless_opened(kind, declared, tier=tier)
        _run(model, kind, target, declared, seconds=seconds, tier=tier, claims=claims)
    except Refusal as refusal:
        verdict = _verdict_on(refusal, ran=bool(claims.model))
        failure = failure_of(refusal)
        if failure.fix == EXPORT:
            seen = target.manifest
            advice = export_advice(seen.channels, seen.height, seen.width)
            failure = failure.model_copy(update={"fix": advice})
        return Checked(verdict, tier, time.monotonic() - begun, failure)
    facts = facts_of(claims, size=len(model))
    return Checked("accept", tier, time.monotonic() - begun, facts=facts)


def _refuse_no_walls(tier: Tier, *, allow_none: bool) -> None:
    if tier == "none" and not allow_none:
        raise Refusal("E_RUNNER_UNSAFE", got=tier)


def _run(
    model: bytes,
    kind: Format,
    target: _Target,
    declared: Declared,
    *,
    seconds: float,
    tier: Tier,
    claims: Claims,
) -> None:
    """Try the first images in a cell. Raises Refusal."""
    asked = target.limits
    limits = asked.model_copy(
        update={
            "wall_seconds": min(seconds, asked.wall_seconds),
            "cpu_seconds": min(2 * seconds, asked.cpu_seconds),
        }
    )
    cell = Cell(admission.purpose_of(kind), walls=tier)
    try:
        predict(
            cell,
            model,
            target.manifest,
            [target.images],
            limits=limits,
            tell=lambda _: None,
            format=kind,
            declared=declared,
            sample_only=True,
            budget=Budget(asked.wall_seconds, asked.cpu_seconds, target.total),
            claims=claims,
        )
    finally:
        cell.close()


def _read(path: Path, target: _Target) -> tuple[bytes, Format]:
    """Return the file and what it is by its first bytes. Raises Refusal for what cannot be taken."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(sniff.HEAD_BYTES)
        file.seek(-min(size, sniff.TAIL_BYTES), os.SEEK_END)
        tail = file.read()
    kind = sniff.format_of(head, tail) or "onnx"
    if kind not in target.formats:
        kind = "onnx"
    most = target.limits.model_mb * 1_000_000
    if kind == "onnx":
        sniff.refuse_unless_onnx(head, size=size, most=most)
    sniff.refuse_too_large(size, most=most)
    data = path.read_bytes()
    blob = Blob(
        sha256=hashlib.sha256(data).hexdigest(), size=len(data), url=path.resolve().as_uri()
    )
    return blobs.fetch_model(blob, most=most, format=kind), kind


def _verdict_on(refusal: Refusal, *, ran: bool) -> Verdict:
    if refusal.code in _CONTAINED or (refusal.code == "E_MEMORY" and ran):
        return "contain"
    return "unknown" if refusal.ours else "refuse"
