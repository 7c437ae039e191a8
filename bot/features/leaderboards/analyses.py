"""What a member asks about a model of theirs, beyond its score.

Four analyses need no run: the desk draws them from stored predictions. Three run the model again,
as rows of the same line. Either is one private message, which its member may share.
"""

from datetime import timedelta
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.leaderboards import (
    answers,
    claims,
    doubts,
    endings,
    ladder,
    line,
    live,
    report_pages,
    wishes,
)
from bot.features.leaderboards.kinds import TITLES, Analysis
from bot.features.leaderboards.models import WAITING, Benchmark, Purpose, State, Submission
from bot.kit import outbox
from bot.kit.command import Refusal, Upload
from bot.kit.errands import Answered, errands_on_the_way
from bot.kit.message import Place
from bot.kit.work import Context, Work
from runner.contract import Artifact, Declared, Limits, Outcome
from runner.errands import AnalysisErrand, Made

RUN = (Purpose.SALIENCY, Purpose.ROBUSTNESS, Purpose.QUANTIZE)
PER_DAY = 10  #: runs for analyses that a member may ask for in a day


def dev_of(submission: Submission) -> Artifact:
    """A submission's predictions on dev.

    Raises:
        Refusal: It has none: it was not scored, or before predictions were kept.
    """
    found = ladder.artifact_of(submission, "predictions-dev.npy")
    if found is None or submission.state not in {State.SCORED, State.WITHDRAWN}:
        raise Refusal(
            f"There is nothing to analyse of submission {submission.id}.",
            code="E_STATE",
            expected="a scored submission to a benchmark with a dev split",
            got=str(submission.state),
            fix="Type /model status to see yours; submit it again if it is an old one.",
            field="submission",
        )
    return found


async def private_place(ctx: Context) -> Place:
    """Where only the member who asks reads it."""
    place = await ctx.services.people.direct(ctx.session, ctx.member.id)
    return place or ctx.place.model_copy(update={"private_to": ctx.account.handle})


async def errand_for(
    work: Work, submission: Submission, kind: Analysis, *, other: Submission | None = None
) -> AnalysisErrand:
    """What the desk is asked of a scored submission."""
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    return AnalysisErrand(
        task=benchmark.task,  # pydantic checks it
        dataset=benchmark.dataset_key or "",
        analysis=kind,
        title=benchmark.title,
        submission=submission.id,
        metric=benchmark.metric,
        dev=dev_of(submission).sha256,
        other=dev_of(other).sha256 if other else None,
        other_name=other.id if other else "",
    )


async def ask(
    ctx: Context,
    submission: Submission,
    kind: Analysis,
    *,
    place: Place,
    other: Submission | None = None,
) -> str:
    """Have one drawn that needs no run; the message at *place* will show it. Returns its key."""
    errand = await errand_for(ctx, submission, kind, other=other)
    key = await wishes.ask(ctx, errand, key=f"analysis:{submission.id}")
    values = {"errand": errand, "heading": TITLES[kind], "made": None, "failure": None}
    await ctx.post(place, "analysed.md.j2", values | {"shared": False}, key=key, pending=True)
    return key


@answers.to("analysis")
async def take(work: Work, rest: str, answered: Answered) -> None:
    """Show it where it was asked."""
    key = f"analysis:{rest}"
    place = await outbox.place_of(work.session, key)
    if place is None or answered.errand is None:
        return
    values = {
        "errand": answered.errand,
        "heading": TITLES[answered.errand.analysis],
        "made": answered.answer,
        "failure": answered.failure,
        "shared": place.private_to is None and not place.channel.startswith("@"),
    }
    failed = answered.failure is not None
    await work.post(place, "analysed.md.j2", values, key=key, failed=failed)


async def finished(session: AsyncSession, origin: Submission, kind: Analysis) -> Submission | None:
    """The last run of that analysis that waits, runs or is done."""
    found: Submission | None = await session.scalar(
        select(Submission)
        .where(
            Submission.origin_id == origin.id,
            Submission.purpose == kind,
            Submission.state.in_((*WAITING, State.SCORED)),
        )
        .order_by(Submission.position.desc())
        .limit(1)
    )
    return found


def refuse_unfit(kind: Analysis, *, task: str, format: str) -> None:
    """Refuse at once what a runner would refuse after the wait. Raises Refusal (E_ANALYSIS)."""
    if kind == "saliency" and task != "classification":
        raise Refusal(
            "Saliency is for classification: boxes and masks already say where they look.",
            code="E_ANALYSIS",
            expected="a submission to a classification benchmark",
            got=task,
            fix="Try /analysis errors or /analysis robustness.",
            field="submission",
        )
    if kind == "quantize" and format != "onnx":
        raise Refusal(
            "Only ONNX files are quantised here.",
            code="E_ANALYSIS",
            expected="a submission that is an ONNX file",
            got=format,
            fix="Export the model to ONNX, submit that, and quantise it.",
            field="submission",
        )


async def run(
    ctx: Context, origin: Submission, kind: Analysis, options: dict[str, str]
) -> Submission:
    """Put the model in the line again for an analysis.

    Raises:
        Refusal: It cannot be analysed, or the day's runs are used up.
    """
    dev_of(origin)
    benchmark = await ctx.session.get_one(Benchmark, origin.benchmark_id)
    refuse_unfit(kind, task=benchmark.task, format=origin.format)
    await line.take_turn(ctx.session, ctx.member.id)
    earlier = await finished(ctx.session, origin, kind)
    if earlier is not None and earlier.options == options:
        return earlier
    midnight = line.day_start(ctx.now, ctx.member.timezone)
    today = await ctx.session.scalar(
        select(func.count()).where(
            Submission.member_id == ctx.member.id,
            Submission.purpose.in_(RUN),
            Submission.accepted_at >= midnight,
            Submission.state != State.CANCELLED,
        )
    )
    if (today or 0) >= PER_DAY:
        raise Refusal(
            "Those were all the analysing runs of a day.",
            code="E_QUOTA",
            expected=f"at most {PER_DAY} a day",
            got=str(today),
            fix=f"Your next day begins at {midnight + timedelta(days=1):%H:%M}. Confusion, errors, slices and diff need no run and have no daily limit.",
        )
    file = Upload(name=origin.file_name, sha256=origin.sha256, size=origin.size)
    submission = await line.enter(
        ctx,
        benchmark,
        file,
        member_id=ctx.member.id,
        purpose=Purpose(kind),
        origin=origin,
        options=options,
        place=await private_place(ctx),
    )
    await live.show(ctx, submission)
    return submission


async def draw(work: Work, submission: Submission, outcome: Outcome) -> None:
    """A runner did its part of an analysis: have the desk draw it."""
    submission.state = State.SCORING
    submission.claim = outcome.model_copy(update={"token": ""}).model_dump(mode="json")
    await work.session.flush()
    await ask_again(work, submission)
    await live.show(work, submission)
    await line.dispatch_next(work, submission)


async def ask_again(work: Work, submission: Submission) -> None:
    """Ask the desk for what a run waits for, unless it is asked."""
    key = f"draw:{submission.job}"
    if submission.claim is None or key in await errands_on_the_way(work.session):
        return
    claim = Outcome.model_validate(submission.claim)
    origin = await work.session.get_one(Submission, submission.origin_id)
    errand = await errand_for(work, origin, cast("Any", submission.purpose))
    outputs = (*claim.predictions, *claim.artifacts)
    benchmark = await work.session.get_one(Benchmark, submission.benchmark_id)
    asked = errand.model_copy(
        update={
            "outputs": outputs,
            "speed": claim.speed,
            "declared": Declared.model_validate(origin.declared),
            "limits": Limits.model_validate(benchmark.limits),
        }
    )
    await work.ask(asked, key=key, urgent=True)


@answers.to("draw")
async def take_drawn(work: Work, job: str, answered: Answered) -> None:
    """End an analysing run with what the desk made of it."""
    id_, _, attempt = job.rpartition(":")
    submission = await work.session.get(Submission, id_, with_for_update=True)
    if submission is None or submission.state != State.SCORING:
        return
    if submission.attempt != int(attempt):
        return
    if not isinstance(answered.answer, Made):
        await claims.refuse(work, submission, doubts.of_answer(answered.failure))
        return
    submission.report, submission.claim = submission.claim, None
    submission.page = answered.answer.model_dump(mode="json")
    submission.state, submission.finished_at, submission.done = State.SCORED, work.now, 1.0
    await work.session.flush()
    await endings.announce(work, submission)
    await live.show(work, submission)
    origin = await work.session.get_one(Submission, submission.origin_id)
    await report_pages.ask(work, origin, previous=await ladder.best_of(work.session, origin))
