"""What members may do with a submission. Never commits, never renders."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.leaderboards import claims, endings, first_look, line, live, ranks
from bot.features.leaderboards.metrics import refuse_old_version
from bot.features.leaderboards.models import (
    GIVEN,
    RANKING,
    WAITING,
    Benchmark,
    Purpose,
    State,
    Submission,
)
from bot.kit import outbox
from bot.kit.command import Choice, Refusal, Upload
from bot.kit.errands import take_back
from bot.kit.work import Context, Work
from runner import codes, failures
from runner.contract import Declared, Format
from runner.formats import architectures, sniff

_EXPORT = (
    "Export it where you trained it; what is not traced so easily is in docs/recipes/export.md:"
)
ARCHITECTURES = tuple(
    Choice(a.name, f"{a.name}: {a.words}"[:100]) for a in architectures.ARCHITECTURES.values()
)


async def same_file(
    session: AsyncSession,
    benchmark: Benchmark,
    member_id: int | None,
    sha256: str,
    *,
    declared: Declared,
) -> Submission | None:
    """The member's submission of these very bytes under the same contract: it has the same score.

    Without a member, the baseline of them. With another contract the same bytes are another model.
    """
    states = (*WAITING, State.SCORED)
    found = await session.scalars(
        select(Submission)
        .where(
            Submission.benchmark_id == benchmark.id,
            Submission.member_id == member_id,
            Submission.sha256 == sha256,
            Submission.purpose == Purpose.SCORE,
            Submission.state.in_(states),
        )
        .order_by(Submission.position.desc())
    )
    same = (row for row in found if Declared.model_validate(row.declared) == declared)
    return next(same, None)


def admit(
    path: Path, file: Upload, benchmark: Benchmark, declared: Declared, *, export: str = ""
) -> Format:
    """The format of what was handed in; refused before the queue if no runner could take it.

    The runner looks again, and deeper: this only spares the wait. *export*: lines that would make
    of a PyTorch module what this benchmark takes.
    """
    refuse_frozen(benchmark)
    with path.open("rb") as stored:
        head = stored.read(sniff.HEAD_BYTES)
        stored.seek(max(0, file.size - sniff.TAIL_BYTES))
        tail = stored.read()
    found = sniff.format_of(head, tail)
    try:
        sniff.refuse_too_large(file.size, most=benchmark.limits["model_mb"] * 1_000_000)
        if found is None:
            sniff.refuse_unless_onnx(head, size=file.size, most=file.size)
        elif found == "safetensors" and found in benchmark.formats:
            architectures.named(declared.architecture)
    except failures.Refusal as refusal:
        raise Refusal(
            refusal.problem,
            code=refusal.code,
            expected=refusal.expected,
            got=refusal.got,
            fix=_fix(refusal, export),
            field="architecture" if refusal.code == "E_ARCHITECTURE" else "file",
            lines=export if refusal.fix == codes.EXPORT else "",
        ) from None
    if found is None or found not in benchmark.formats:
        raise Refusal(
            f"This benchmark does not take {found or 'such'} files.",
            code="E_FORMAT",
            expected=", ".join(benchmark.formats),
            got=found or "something else",
            fix=_EXPORT if export else codes.EXPORT,
            field="file",
            lines=export,
        )
    return found


def _fix(refusal: failures.Refusal, export: str) -> str:
    if refusal.code == "E_TOO_LARGE":
        return f"{refusal.fix} A link takes no more (/model link): this limit is the benchmark's."
    return _EXPORT if export and refusal.fix == codes.EXPORT else refusal.fix


def refuse_frozen(benchmark: Benchmark) -> None:
    """Raise a Refusal where a benchmark takes no more models."""
    if benchmark.frozen_at is not None:
        raise Refusal(
            f"{benchmark.title} takes no more models.",
            code="E_FROZEN",
            expected="a benchmark, or a version of it, that is open",
            got=f"{benchmark.label}, frozen",
            fix="Its board stays. Type /benchmark list for those that are open.",
            field="benchmark",
        )
    refuse_old_version(benchmark.metric, benchmark.metric_version, benchmark=benchmark.name)


async def quota_left(work: Work, benchmark: Benchmark, member_id: int, zone: str) -> line.Quota:
    """What a member has left of their day on a benchmark. Raises Refusal when that is nothing."""
    midnight = line.day_start(work.now, zone)
    quota = await line.quota(work.session, benchmark, member_id, since=midnight)
    line.refuse_over(quota, benchmark, tomorrow=midnight + timedelta(days=1))
    return quota


def declared_of(*, architecture: str, preproc: str, output: str) -> Declared:
    """What the form says of a model. Raises Refusal for what is no JSON object."""
    for field, text in (("preproc", preproc), ("output", output)):
        try:
            fits = not text.strip() or isinstance(json.loads(text), dict)
        except (ValueError, RecursionError):
            fits = False
        if not fits:
            raise Refusal(
                f"{field} is not JSON.",
                code="E_PREPROC" if field == "preproc" else "E_OUTPUT_CONTRACT",
                expected='an object such as {"scale": 0.00392, "layout": "NCHW"}'
                if field == "preproc"
                else 'an object such as {"boxes": "cxcywh", "nms": false}',
                got=text[:80],
                fix="Leave it empty where the file itself says it.",
                field=field,
            )
    return Declared(architecture=architecture, preproc=preproc.strip(), output=output.strip())


async def as_card(ctx: Context, submission: Submission) -> tuple[str, dict[str, Any]]:
    """Template and values that show *submission* as it is now."""
    values = await live.values_of(ctx, submission) | {"private": submission.state == State.SCORED}
    if submission.state in {State.SCORED, State.WITHDRAWN}:
        return ("card.md.j2" if submission.purpose in RANKING else "analysis.md.j2"), values
    return ("failed_private.md.j2" if submission.state == State.FAILED else "live.md.j2"), values


async def cancel(ctx: Context, submission: Submission) -> None:
    """Stop a submission that has no end yet; its runner is told once this commits."""
    if submission.state not in WAITING:
        raise Refusal(
            f"Submission {submission.id} is {submission.state} already.",
            code="E_STATE",
            expected="one that waits or runs",
            got=submission.state,
            fix=f"See how it went: /model card {submission.id}",
        )
    if submission.state in GIVEN:
        await outbox.put_cancel(ctx.session, key=submission.job, now=ctx.now)
    await take_back(ctx.session, claims.errand_key(submission))
    await take_back(ctx.session, f"draw:{submission.job}")
    await first_look.spare(ctx, submission)
    submission.state, submission.finished_at = State.CANCELLED, ctx.now
    submission.claim = None
    await ctx.session.flush()
    await endings.announce(ctx, submission)
    await live.show(ctx, submission)
    await claims.ask_next(ctx, submission)
    await line.dispatch_next(ctx, submission)


async def withdraw(ctx: Context, submission: Submission) -> None:
    """Take a scored submission off the board. Its score stays used: else one could try for ever."""
    submission.state = State.WITHDRAWN
    await ctx.session.flush()
    benchmark = await ctx.session.get_one(Benchmark, submission.benchmark_id)
    await ranks.refresh(ctx, benchmark)
    await live.show(ctx, submission)


def refuse_unless_on_board(submission: Submission) -> None:
    """Raise a Refusal for what cannot be taken off a board."""
    if submission.state != State.SCORED or submission.purpose not in RANKING:
        raise Refusal(
            f"Submission {submission.id} is not on the board.",
            code="E_STATE",
            expected="a scored one",
            got=submission.state,
            fix="Type /model status to see yours.",
        )
