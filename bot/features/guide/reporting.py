"""A member points moderators at a message that should not stand as it does."""

import hashlib
from datetime import timedelta
from typing import Annotated

from sqlalchemy import func, select

from bot.community import audit, speakers
from bot.community.models import Account, Audit, Member
from bot.features.guide.declaration import feature
from bot.kit.command import Arg, Quote, Refusal, Reply
from bot.kit.work import Context

_ACTION = "message.report"
_MOST = 5  # reports of one member
_WITHIN = timedelta(hours=1)
_MOST_TOLD = 5  # moderators, where they have no channel


@feature.command(
    "bookwiz report", "Show a message to the moderators, and to nobody else", private=True,
    menu="Report",
)  # fmt: skip
async def report(
    ctx: Context,
    message: Annotated[Quote, Arg("Its words, or a link to it", max_length=1000)],
    why: Annotated[str, Arg("What is wrong with it", max_length=300)] = "",
) -> Reply:
    await _mind_tries(ctx)
    author = await _author(ctx, message)
    subject = audit.about(author.id) if author else message.link or "a message"
    await audit.record(ctx, _ACTION, subject=subject, reason=why)
    said = hashlib.sha256(f"{message.link}{message.text}".encode()).hexdigest()[:16]
    values = {"quote": message, "author": author, "why": why, "reporter": ctx.member}
    key = f"report:{ctx.member.id}:{said}"
    place = await ctx.post_for(
        "moderators", "report.md.j2", values, community_id=ctx.community.id, key=key
    )
    told = place is not None or await _tell_each(ctx, values, key)
    if not told:
        raise Refusal(
            "No moderator can be reached by the bot.",
            fix="Write to an admin of your community yourself.",
        )
    return Reply("reported.md.j2", {"quote": message})


async def _tell_each(ctx: Context, values: dict[str, object], key: str) -> bool:
    """Tell the moderators one by one. Whether anybody could be told."""
    told = 0
    for member_id in await speakers.moderators(ctx.session, ctx.community.id, now=ctx.now):
        if told < _MOST_TOLD and await ctx.tell(
            member_id, "report.md.j2", values, key=f"{key}:{member_id}"
        ):
            told += 1
    return told > 0


async def _author(ctx: Context, message: Quote) -> Member | None:
    found = select(Member).join(Account).where(Account.platform == ctx.account.platform)
    author: Member | None = await ctx.session.scalar(found.where(Account.handle == message.author))
    return author


async def _mind_tries(ctx: Context) -> None:
    reports = await ctx.session.scalar(
        select(func.count()).where(
            Audit.actor_id == ctx.member.id, Audit.action == _ACTION, Audit.at > ctx.now - _WITHIN
        )
    )
    if (reports or 0) >= _MOST:
        raise Refusal(
            "You showed the moderators enough for now.",
            expected=f"at most {_MOST} messages an hour",
            fix="They look at what you sent. Is it urgent? Write to one of them.",
        )
