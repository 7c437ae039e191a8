"""What a member may have waiting at the desk: it is one for all, and scores and boards go first."""

from sqlalchemy import func, select

from bot.features.leaderboards import line
from bot.kit.command import Refusal
from bot.kit.errands import ErrandRow
from bot.kit.work import Context
from runner.contract import Plain

MOST = 5  #: of one member, of whatever they ask for by a command


async def ask(ctx: Context, errand: Plain, *, key: str) -> str:
    """Have the desk do what the member wishes, in its turn. Returns the key, which begins with *key*.

    Raises:
        Refusal: As much as they may have waits already.
    """
    theirs = f":by-{ctx.member.id}-"
    waiting = await ctx.session.scalar(
        select(func.count()).where(ErrandRow.key.contains(theirs, autoescape=True))
    )
    if (waiting or 0) >= MOST:
        raise Refusal(
            "As much as you may ask for at once is on its way to you already.",
            code="E_WISHES",
            expected=f"at most {MOST} drawings, comparisons or checks that wait",
            got=str(waiting),
            fix="Ask again when the next one has come: each takes seconds, a dataset a minute.",
        )
    whole = f"{key}{theirs}{line.new_id()}"
    await ctx.ask(errand, key=whole)
    return whole
