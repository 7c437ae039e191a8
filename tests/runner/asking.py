"""Asks a desk for an analysis, as the clerk would."""

import json
from typing import Any

from runner import blobs
from runner.contract import Artifact
from runner.errands import AnalysisErrand, Made
from runner.predictions import as_npy
from runner.report import analysis
from tests.runner.report_worlds import ShapesWorld
from tests.runner.test_report_page import World


def errand_of(world: World | ShapesWorld, kind: str, dev: Artifact, **given: Any) -> AnalysisErrand:
    words = {
        "task": world.manifest.task,
        "dataset": world.manifest.key,
        "analysis": kind,
        "title": "Toys",
        "submission": "7",
        "metric": "accuracy",
        "dev": dev.sha256,
    }
    return AnalysisErrand.model_validate(words | given)


def ask(world: World | ShapesWorld, kind: str, dev: Artifact, **given: Any) -> Made:
    made = analysis.carry_out(world.desk, errand_of(world, kind, dev, **given))
    assert made.artifacts
    assert all(a.media_type == "image/png" and len(a.alt) > 10 for a in made.artifacts)
    for artifact in made.artifacts:
        data = world.desk.file(artifact.sha256).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) < 1_000_000
    return made


def output(world: World, name: str, content: Any) -> Artifact:
    data = json.dumps(content).encode() if isinstance(content, dict) else as_npy(content)
    return blobs.store(world.desk.files, data, name=name, media_type="application/octet-stream")
