"""One evaluation, from the file to the outcome: fetch → check → predict → score → report.

Every failure is an Outcome, never an exception: theirs with words for the submitter, ours apart.
"""

import contextlib
import io
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from runner import blobs, host, scoring
from runner.contract import (
    Artifact,
    DatasetManifest,
    Evaluation,
    Failure,
    ModelFacts,
    Outcome,
    Progress,
    Speed,
    SplitScore,
    Stage,
    Tier,
    Verdict,
)
from runner.datasets.version import read_manifest, split_file
from runner.failures import CODES, Refusal
from runner.plain_text import cleaned
from runner.predictions import Claims, Predictions, predict
from runner.sandbox.cell import Cell

if TYPE_CHECKING:
    from runner.report.confusion import Picture

_MIB = 1 << 20
_RANK: dict[Tier, int] = {"none": 0, "reduced": 1, "full": 2}
log = logging.getLogger(__name__)

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class _Result:
    scores: tuple[SplitScore, ...]
    verdict: Verdict | None
    predictions: tuple[Artifact, ...]
    speed: Speed
    model: ModelFacts
    artifacts: tuple[Artifact, ...]


class Evaluator:
    """Evaluates one model after another, keeping the next cell warm while nobody waits for it."""

    def __init__(self, tier: Tier, *, allow_none: bool = False, spare: Cell | None = None) -> None:
        """``tier`` is what the probes proved; ``allow_none`` runs models without walls all the same.

        ``spare`` is a cell that was started before the tier was known, to save its start-up time.
        """
        self.tier = tier
        self._allow_none = allow_none
        self._spare = spare
        if tier == "none":
            self.close()

    def prepare(self) -> None:
        """Start the next cell, whose imports take longer than most models."""
        if self._spare is None:
            self._spare = Cell(walls=self.tier != "none")

    def close(self) -> None:
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def evaluate(self, evaluation: Evaluation, report: Report) -> Outcome:
        """Return the outcome of ``evaluation``; ``report`` hears its progress. Never raises."""
        begun = time.monotonic()
        result: _Result | None = None
        failure: Failure | None = None
        try:
            result = self._result(evaluation, report)
        except Refusal as refusal:
            failure = failure_of(refusal)
        except Exception as error:
            log.exception("evaluation broke")
            failure = failure_of(Refusal("E_RUNNER_BUG", got=type(error).__name__))
        return Outcome(
            submission=evaluation.submission,
            attempt=evaluation.attempt,
            token=evaluation.token,
            runner=host.runner_name(),
            tier=self.tier,
            failure=failure,
            scores=result.scores if result else (),
            verdict=result.verdict if result else None,
            predictions=result.predictions if result else (),
            speed=result.speed if result else None,
            model=result.model if result else None,
            artifacts=result.artifacts if result else (),
            versions=host.versions(),
            seconds=round(time.monotonic() - begun, 3),
        )

    def _result(self, evaluation: Evaluation, report: Report) -> _Result:
        def tell(stage: Stage, done: float = 0) -> None:
            report(
                Progress(
                    submission=evaluation.submission,
                    attempt=evaluation.attempt,
                    token=evaluation.token,
                    stage=stage,
                    done=done,
                )
            )

        tell(Stage.FETCH)
        self._refuse_weak_walls(evaluation)
        datasets, manifest = _dataset(evaluation)
        model = blobs.fetch_model(evaluation.model, most=evaluation.limits.model_mb * 1_000_000)
        tell(Stage.CHECK)
        with _drawing(evaluation) as drawing:
            predicted = self._predict(evaluation, datasets, manifest, model, tell)
            tell(Stage.SCORE, 1)
            folder = blobs.local_path(evaluation.artifacts)
            predictions = tuple(
                blobs.store(
                    folder,
                    as_npy(found),
                    name=f"predictions-{split}.npy",
                    media_type="application/x-npy",
                )
                for split, found in zip(evaluation.splits, predicted.rows, strict=True)
            )
            scored = scoring.score(
                datasets,
                manifest,
                evaluation.splits,
                predicted.rows,
                metric=evaluation.metric,
                ladder=evaluation.ladder,
                files=folder,
            )
            tell(Stage.REPORT, 1)
            artifacts = list(scored.artifacts)
            for found in scored.scores:
                if found.split == "dev" and drawing is not None:
                    picture = drawing.result()(manifest.name, found)
                    artifacts.append(
                        blobs.store(
                            folder,
                            picture.png,
                            name="confusion.png",
                            media_type="image/png",
                            alt=picture.alt,
                        )
                    )
        return _Result(
            scores=scored.scores,
            verdict=scored.verdict,
            predictions=predictions,
            speed=_speed(predicted.claims),
            model=facts_of(predicted.claims, size=len(model)),
            artifacts=tuple(artifacts),
        )

    def _refuse_weak_walls(self, evaluation: Evaluation) -> None:
        if _RANK[self.tier] >= _RANK[evaluation.minimum_tier]:
            return
        if self.tier == "none" and self._allow_none:
            return
        raise Refusal("E_RUNNER_UNSAFE", expected=evaluation.minimum_tier, got=self.tier)

    def _predict(
        self,
        evaluation: Evaluation,
        datasets: Path,
        manifest: DatasetManifest,
        model: bytes,
        tell: Callable[[Stage, float], None],
    ) -> Predictions:
        splits = [split_file(datasets, manifest, split) for split in evaluation.splits]
        self.prepare()
        cell, self._spare = self._spare, None
        assert cell is not None
        try:
            return predict(
                cell,
                model,
                manifest,
                splits,
                limits=evaluation.limits,
                tell=lambda done: tell(Stage.PREDICT, done or 0),
                format=evaluation.format,
                declared=evaluation.declared,
            )
        finally:
            cell.close()


def _dataset(evaluation: Evaluation) -> tuple[Path, DatasetManifest]:
    if evaluation.task != "classification":
        raise Refusal("E_TASK", got=evaluation.task)
    if not evaluation.splits:
        raise Refusal("E_TASK", got="no split to score")
    try:
        datasets = blobs.local_path(evaluation.datasets)
    except ValueError as error:
        raise Refusal("E_RUNNER_DATASET", got=str(error)) from error
    manifest = read_manifest(datasets, evaluation.dataset)
    if manifest.task != evaluation.task:
        raise Refusal("E_TASK", expected=evaluation.task, got=manifest.task)
    return datasets, manifest


def as_npy(array: NDArray[Any]) -> bytes:
    """Return ``array`` as a .npy file."""
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


Draw = Callable[[str, SplitScore], "Picture"]


def _load_drawing() -> Draw:
    from runner.report.confusion import draw

    return draw


@contextlib.contextmanager
def _drawing(evaluation: Evaluation) -> Iterator[Future[Draw] | None]:
    """Import matplotlib in a thread while the model runs: it takes as long as a small one."""
    if "dev" not in evaluation.splits:
        yield None
        return
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(_load_drawing)


def failure_of(refusal: Refusal) -> Failure:
    return Failure(
        code=refusal.code,
        ours=CODES[refusal.code].ours,
        problem=refusal.problem,
        expected=refusal.expected,
        got=refusal.got,
        fix=refusal.fix,
    )


def _speed(claims: Claims) -> Speed:
    said = claims.speed
    images, limit = said.get("images_per_second", 0.0), said.get("limit_per_second", 0.0)
    return Speed(
        p50_ms=said.get("p50_ms", 0.0),
        p95_ms=said.get("p95_ms", 0.0),
        images_per_second=images,
        limit_per_second=limit,
        efficiency=images / limit if limit else 0.0,
        seconds=said.get("seconds", 0.0),
        threads=int(said.get("threads", 1)),
        hardware=host.hardware(),
    )


def facts_of(claims: Claims, *, size: int) -> ModelFacts:
    said = claims.model

    def count(name: str) -> int:
        value = said.get(name)
        return value if isinstance(value, int) and value >= 0 else 0

    return ModelFacts(
        format="onnx",
        parameters=count("parameters"),
        size=size,
        opset=count("opset"),
        input=cleaned(said.get("input", "")),
        producer=cleaned(said.get("producer", ""), 60),
    )
