"""``bookwiz verify``: a score computed again from the model, and compared with what is kept.

A score belongs to the model's bytes, the dataset version, the metric version and the limits it ran
under. For whoever has the data folder: nothing is written, and no quota is used.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import ValidationError
from sqlalchemy import select

from bot.config import Settings
from bot.datasets import be_current
from bot.features.leaderboards.models import RANKING, Benchmark, Score, State, Submission
from bot.kit.db import Database
from runner.contract import Blob, Declared, Evaluation, Limits, Outcome

_SAME = 1e-9  # what adding up in another order may change


@dataclass(frozen=True)
class Figure:
    """One figure, as it is kept and as it was computed now."""

    split: str
    metric: str
    kept: float
    now: float | None  #: None: it was not computed

    @property
    def same(self) -> bool:
        return self.now is not None and abs(self.kept - self.now) <= _SAME

    def words(self) -> str:
        """A line. Of hidden splits, how far it is off and no value: it may be read by who competes."""
        line = f"  {'same' if self.same else 'DIFFERENT':9}  {self.split:6}  {self.metric}"
        if self.now is None:
            return f"{line}  not computed"
        if self.split == "dev":
            return f"{line}  kept {self.kept:.6f}, now {self.now:.6f}"
        return line if self.same else f"{line}  off by {self.now - self.kept:+.6f}"


async def verify(settings: Settings, id: str) -> int:
    """Predict and score a submission again and print what is the same. Returns 1 if anything is not.

    Raises:
        click.ClickException: There is no such score, or it cannot be computed here.
    """
    database = Database(settings.database)
    try:
        await be_current(database)
        return await again(database, settings, id)
    finally:
        await database.close()


async def again(database: Database, settings: Settings, id: str) -> int:
    """Do it on a database that is open and current."""
    async with database.read() as session:
        submission = await session.get(Submission, id.strip().lower())
        if submission is None or submission.purpose not in RANKING:
            raise click.ClickException(f"There is no submission {id[:20]}.")
        if submission.state not in {State.SCORED, State.WITHDRAWN}:
            raise click.ClickException(f"Submission {id[:20]} has no score: {submission.state}.")
        benchmark = await session.get_one(Benchmark, submission.benchmark_id)
        rows = await session.scalars(select(Score).filter_by(submission_id=submission.id))
        kept = rows.all()
    click.echo(
        f"{submission.id} on {benchmark.label}: model {submission.sha256[:12]}, dataset "
        f"{benchmark.dataset_key}, {benchmark.metric} version {benchmark.metric_version}"
    )
    with tempfile.TemporaryDirectory() as folder:
        asked = _evaluation(settings, submission, benchmark, kept, Path(folder))
        outcome = await _evaluated(asked, Path(folder))
    return _say(submission, compared(kept, outcome), outcome)


def compared(kept: Sequence[Score], outcome: Outcome) -> list[Figure]:
    """Every figure that is kept beside the one of *outcome*."""
    now = {(s.split, m.name[:20]): m.value for s in outcome.scores for m in s.metrics}
    return [Figure(s.split, s.metric, s.value, now.get((s.split, s.metric))) for s in kept]


def _say(submission: Submission, figures: list[Figure], outcome: Outcome) -> int:
    for figure in figures:
        click.echo(figure.words())
    wrong = sum(not figure.same for figure in figures)
    before = {p["name"]: p["sha256"] for p in (submission.report or {}).get("predictions", ())}
    now = {p.name: p.sha256 for p in outcome.predictions}
    if before and not wrong:
        bits = "bit for bit" if before == now else "but for bits that change no figure"
        click.echo(f"Predictions are the same {bits}.")
    click.echo(
        f"{len(figures) - wrong} of {len(figures)} figures are the same"
        + (
            "."
            if not wrong
            else f"; {wrong} are not: see which runner and versions its card names."
        )
    )
    return int(wrong > 0 or not figures)


def _evaluation(
    settings: Settings,
    submission: Submission,
    benchmark: Benchmark,
    kept: Sequence[Score],
    artifacts: Path,
) -> Evaluation:
    data = settings.data.absolute()
    model = data / "files" / submission.sha256[:2] / submission.sha256
    if not model.exists():
        raise click.ClickException("The model's file is not in the store any more.")
    return Evaluation(
        submission=submission.id,
        attempt=1,
        token="verify",  # noqa: S106 - nobody waits for this outcome
        task=benchmark.task,  # pydantic checks it
        model=Blob(sha256=submission.sha256, size=submission.size, url=model.as_uri()),
        dataset=benchmark.dataset_key or "",
        datasets=(data / "datasets").as_uri(),
        splits=tuple(dict.fromkeys(s.split for s in kept)),  # pydantic checks them
        artifacts=artifacts.as_uri(),
        format=submission.format,
        declared=Declared.model_validate(submission.declared),
        metric=benchmark.metric,
        metric_version=benchmark.metric_version,
        limits=Limits.model_validate(benchmark.limits),
        minimum_tier=benchmark.minimum_tier,
        vouched=True,  # whoever types this is the host's admin
    )


async def _evaluated(asked: Evaluation, folder: Path) -> Outcome:
    """Have a runner of this machine do it, behind the same walls."""
    file = folder / "evaluation.json"
    file.write_text(asked.model_dump_json())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "runner", "evaluate", str(file),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate()
    try:
        outcome = Outcome.model_validate_json(out)
    except ValidationError as error:
        raise click.ClickException(
            "The runner gave no answer. Look with: bookwiz doctor"
        ) from error
    if outcome.failure is not None:
        failure = outcome.failure
        raise click.ClickException(
            f"It cannot be computed here: {failure.problem} ({failure.code})"
        )
    return outcome
