"""Baselines: models that moderators enter for comparison. Each is nobody's: no quota, no Ladder, no team."""

import re

from sqlalchemy import select

from bot.community import audit
from bot.features.leaderboards.models import WAITING, Benchmark, Purpose, State, Submission
from bot.kit.command import Refusal, Role
from bot.kit.work import Context

_NAME = re.compile(r"^[\w][\w .+-]{0,58}[\w+]$|^\w$")


async def named(ctx: Context, benchmark: Benchmark, name: str) -> str:
    """The name that a baseline is to bear there; empty where a member hands in a model of theirs.

    Raises:
        Refusal: Whoever asks is no moderator, the name will not do, or is on the board already.
    """
    name = name.strip()
    if not name:
        return ""
    ctx.require(Role.MODERATOR, "Entering a baseline")
    if not _NAME.match(name):
        raise Refusal(
            "That name will not do for a baseline.",
            code="E_NAME",
            expected="1 to 60 letters, digits, spaces and . _ + -, such as small CNN",
            got=name,
            field="baseline",
        )
    taken = await ctx.session.scalar(
        select(Submission.id).where(
            Submission.benchmark_id == benchmark.id,
            Submission.baseline == name,
            Submission.purpose == Purpose.SCORE,
            Submission.state.in_((*WAITING, State.SCORED)),
        )
    )
    if taken is not None:
        raise Refusal(
            f"{benchmark.title} has a baseline called {name} already.",
            code="E_TAKEN",
            expected="a name that is free",
            got=f"{name}, which is {taken}",
            fix=f"Choose another name, or take that one off: /model withdraw {taken}",
            field="baseline",
        )
    return name


async def record(ctx: Context, submission: Submission, done: str) -> None:
    """Note which moderator did that to a baseline, since the board names none. Nothing of members'."""
    if submission.baseline:
        benchmark = await ctx.session.get_one(Benchmark, submission.benchmark_id)
        await audit.record(
            ctx,
            f"baseline.{done}",
            subject=f"baseline {submission.baseline} on {benchmark.label}",
            reason=f"submission {submission.id}",
        )
