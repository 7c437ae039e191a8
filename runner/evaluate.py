"""One evaluation, from the file to the outcome: fetch → check → predict → score.

A trusted runner (``Evaluation.datasets``) reads the labels and scores at once; any other predicts,
and its outcome is a claim until a desk has scored it. Nothing is drawn here: a verdict never waits
for a picture. Every failure is an Outcome, never an exception: theirs with words for the submitter,
ours apart.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from runner import blobs, host, probing, scoring
from runner.analyses import running
from runner.analyses.runs import Runs
from runner.codes import CODES
from runner.contract import (
    MOST,
    Artifact,
    Evaluation,
    Failure,
    ModelFacts,
    Outcome,
    Progress,
    Speed,
    Stage,
    Tier,
)
from runner.errands import Scored
from runner.failures import Refusal
from runner.formats import admission
from runner.inputs import Inputs, inputs_of
from runner.plain_text import cleaned
from runner.predictions import Claims, Predictions, as_npy, predict
from runner.sandbox.cell import Cell

_RANK: dict[Tier, int] = {"none": 0, "reduced": 1, "full": 2}
_MIB = 1 << 20
log = logging.getLogger(__name__)

Report = Callable[[Progress], None]


@dataclass(frozen=True)
class _Result:
    predictions: tuple[Artifact, ...]
    speed: Speed
    model: ModelFacts
    scored: Scored | None = None
    files: tuple[Artifact, ...] = ()  #: what else there is for the desk


class Evaluator:
    """Evaluates one model after another, keeping the next cell warm while nobody waits for it."""

    def __init__(self, tier: Tier, *, allow_none: bool = False, spare: Cell | None = None) -> None:
        """``tier`` is what the probes proved; ``allow_none`` runs models without walls all the same.

        ``spare`` is a cell that was started before the tier was known, to save its start-up time.
        """
        self.tier = tier
        self._allow_none = allow_none
        self._spare = spare
        if spare is not None and spare.walls != tier:
            self.close()

    def prepare(self) -> None:
        """Start the next cell, whose imports take longer than most models."""
        if self._spare is None:
            self._spare = Cell(walls=self.tier)

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
        scored = result.scored if result else None
        return Outcome(
            submission=evaluation.submission,
            attempt=evaluation.attempt,
            token=evaluation.token,
            runner=host.runner_name(),
            tier=self.tier,
            failure=failure,
            scores=scored.scores if scored else (),
            verdict=scored.verdict if scored else None,
            warnings=scored.warnings if scored else (),
            artifacts=scored.artifacts if scored else result.files if result else (),
            predictions=result.predictions if result else (),
            speed=result.speed if result else None,
            model=result.model if result else None,
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
        admission.refuse_unless_opened(evaluation.format, evaluation.declared, tier=self.tier)
        running.refuse_unless_possible(evaluation, tier=self.tier)
        if evaluation.datasets and evaluation.purpose == "score":  # else the desk scores
            scoring.refuse_other_version(evaluation.metric, evaluation.metric_version)
        with inputs_of(evaluation) as images:
            model = blobs.fetch_model(
                evaluation.model,
                most=evaluation.limits.model_mb * 1_000_000,
                format=evaluation.format,
            )
            tell(Stage.CHECK)
            if evaluation.purpose != "score":
                return self._analysed(evaluation, images, model, tell)
            predicted = self._predict(evaluation, images, model, tell)
            tell(Stage.SCORE, 1)
            return _Result(
                predictions=_stored(evaluation, predicted),
                scored=_scored(evaluation, images, predicted),
                files=_kept_probe(evaluation, predicted) if images.datasets is None else (),
                speed=_speed(predicted.claims),
                model=_facts(evaluation, predicted, model),
            )

    def _analysed(
        self,
        evaluation: Evaluation,
        images: Inputs,
        model: bytes,
        tell: Callable[[Stage, float], None],
    ) -> _Result:
        """Run an analysis: files for the desk, which draws and has the labels."""
        runs = Runs(
            evaluation,
            images.manifest,
            images.splits[0],
            model,
            cells=self._cell,
            tell=lambda done: tell(Stage.PREDICT, done),
        )
        files = running.run(evaluation.purpose, runs)
        assert runs.first is not None
        return _Result(
            predictions=(),
            files=tuple(
                blobs.store(evaluation.artifacts, f.data, name=f.name, media_type=f.media_type)
                for f in files
            ),
            speed=_speed(runs.first.claims),
            model=_facts(evaluation, runs.first, model),
        )

    def _refuse_weak_walls(self, evaluation: Evaluation) -> None:
        if _RANK[self.tier] >= _RANK[evaluation.minimum_tier]:
            return
        if self.tier == "none" and self._allow_none and evaluation.vouched:
            return
        raise Refusal("E_RUNNER_UNSAFE", expected=evaluation.minimum_tier, got=self.tier)

    def _predict(
        self,
        evaluation: Evaluation,
        images: Inputs,
        model: bytes,
        tell: Callable[[Stage, float], None],
    ) -> Predictions:
        cell = self._cell(admission.purpose_of(evaluation.format))
        try:
            return predict(
                cell,
                model,
                images.manifest,
                images.splits,
                limits=evaluation.limits,
                tell=lambda done: tell(Stage.PREDICT, done or 0),
                format=evaluation.format,
                declared=evaluation.declared,
                probe=evaluation.splits.index("dev") if "dev" in evaluation.splits else None,
            )
        finally:
            cell.close()

    def _cell(self, purpose: str) -> Cell:
        """Return a cell that is not used yet: the spare one where it is of that purpose."""
        if purpose != "predict":
            return Cell(purpose, walls=self.tier)
        self.prepare()
        cell, self._spare = self._spare, None
        assert cell is not None
        return cell


def _stored(evaluation: Evaluation, predicted: Predictions) -> tuple[Artifact, ...]:
    """Put the predictions where the next step finds them."""
    return tuple(
        blobs.store(
            evaluation.artifacts,
            as_npy(found),
            name=f"predictions-{split}.npy",
            media_type="application/x-npy",
        )
        for split, found in zip(evaluation.splits, predicted.rows, strict=True)
    )


def _scored(evaluation: Evaluation, images: Inputs, predicted: Predictions) -> Scored | None:
    """Return the scores, or None on a runner that must not see labels."""
    if images.datasets is None:
        return None
    scored = scoring.score(
        images.datasets,
        images.manifest,
        evaluation.splits,
        predicted.rows,
        metric=evaluation.metric,
        ladder=evaluation.ladder,
        files=blobs.local_path(evaluation.artifacts),
    )
    doubts = probing.warnings(
        images.datasets,
        images.manifest,
        evaluation.splits,
        predicted.rows,
        predicted.probes,
        said=facts_of(predicted.claims, size=0).input,
    )
    return scored.model_copy(update={"warnings": scored.warnings + doubts})


def _kept_probe(evaluation: Evaluation, predicted: Predictions) -> tuple[Artifact, ...]:
    """Keep the predictions under other contracts for the desk, which has the labels of dev."""
    if not predicted.probes:
        return ()
    data, place = probing.as_npz(predicted.probes), evaluation.artifacts
    return (blobs.store(place, data, name=probing.NAME, media_type="application/x-npz"),)


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


def _facts(evaluation: Evaluation, predicted: Predictions, model: bytes) -> ModelFacts:
    facts = facts_of(predicted.claims, size=len(model), format=admission.words_of(evaluation))
    memory = math.ceil(predicted.peak_memory / _MIB) or None
    return facts.model_copy(update={"memory_mb": memory})


def facts_of(claims: Claims, *, size: int, format: str = "onnx") -> ModelFacts:
    said = claims.model

    def count(name: str) -> int:
        value = said.get(name)
        return value if isinstance(value, int) and 0 <= value < MOST else 0

    return ModelFacts(
        format=format,
        parameters=count("parameters"),
        size=size,
        opset=count("opset"),
        flops=count("flops") or None,
        input=cleaned(said.get("input", "")),
        producer=cleaned(said.get("producer", ""), 60),
    )
