"""Joins a member's accounts by a code that is shown on one side and typed on the other."""

import re
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select

from bot.community import audit
from bot.community.joining import make_one, make_two
from bot.community.models import Account, Member
from bot.features.profile.models import LinkCode, LinkGuess
from bot.kit.command import Refusal
from bot.kit.work import Context

LASTS = timedelta(minutes=10)
MOST_WRONG = 5
WRONG_COUNTS = timedelta(hours=1)
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another
_LENGTH = 8


async def open_code(ctx: Context) -> str:
    """A new code of the member, in place of an open one, such as ``ABCD-EFGH``."""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    await ctx.session.execute(delete(LinkCode).filter_by(member_id=ctx.member.id))
    ctx.session.add(
        LinkCode(
            member_id=ctx.member.id,
            secret_hash=ctx.services.links.digest(code),
            platform=ctx.account.platform,
            handle=ctx.account.handle,
            expires_at=ctx.now + LASTS,
        )
    )
    await ctx.session.flush()
    return f"{code[:4]}-{code[4:]}"


async def of_code(ctx: Context, typed: str) -> LinkCode:
    """The open code that was typed.

    Raises:
        Refusal: It is none, it is the member's own, or too many were none.
    """
    await _mind_tries(ctx)
    plain = re.sub(r"[\s-]", "", typed).upper()
    found = await ctx.session.scalar(
        select(LinkCode)
        .filter_by(secret_hash=ctx.services.links.digest(plain))
        .where(LinkCode.expires_at > ctx.now)
        .with_for_update()
    )
    if found is None:
        ctx.session.add(LinkGuess(member_id=ctx.member.id, at=ctx.now))
        raise Refusal(
            "That code is not valid, or not any more.",
            code="E_CODE",
            expected="a code of the last ten minutes that was not used yet",
            got=typed[:20],
            fix="On your other account, type /profile link for a new one.",
            field="code",
            kept=True,
        )
    if found.member_id == ctx.member.id:
        raise Refusal(
            "That code is this account's own.",
            code="E_CODE",
            expected="the code, typed on the other account",
            fix="Go to your other account, and type it there.",
            field="code",
        )
    return found


async def join(ctx: Context, code: LinkCode) -> Member:
    """Make one of whoever typed the code and whoever was shown it; gives that member."""
    shown_to, typed_by = code.member_id, ctx.member.id
    await ctx.session.delete(code)
    await ctx.session.flush()
    kept = await make_one(ctx, shown_to, typed_by)
    gone_id = typed_by if kept.id == shown_to else shown_to
    await audit.record_own(
        ctx,
        kept.community_id,
        "member.join",
        subject=audit.about(kept.id),
        reason=f"{audit.about(gone_id)} is the same person, by a code of {code.platform}",
    )
    return kept


async def own_account(ctx: Context, typed: str) -> Account:
    """The member's account that is meant by ``platform/handle``, a platform or a handle.

    Raises:
        Refusal: It is none of theirs, or the only one.
    """
    found = select(Account).filter_by(member_id=ctx.member.id).order_by(Account.id)
    own = (await ctx.session.scalars(found)).all()
    wanted = typed.strip().removeprefix("@").lower()
    meant = [
        a
        for a in own
        if wanted in (f"{a.platform}/{a.handle}".lower(), a.platform, a.handle.lower())
    ]
    if len(meant) != 1 or len(own) == 1:
        raise Refusal(
            "That is the only account you have." if len(own) == 1 else "Which account is that?",
            code="E_CODE",
            expected="one of several: " + ", ".join(f"{a.platform}/{a.handle}" for a in own)[:150],
            got=typed[:60],
            fix="See /profile show for your accounts.",
            field="account",
        )
    return meant[0]


async def part(ctx: Context, account: Account) -> Member:
    """Let *account* go on as a member of its own; gives that member."""
    member = await make_two(ctx, account, name=ctx.member.name, now=ctx.now)
    await audit.record(
        ctx,
        "member.part",
        subject=audit.about(member.id),
        reason=f"an account on {account.platform} of {audit.about(ctx.member.id)}",
    )
    return member


async def _mind_tries(ctx: Context) -> None:
    old = LinkGuess.at <= ctx.now - WRONG_COUNTS
    await ctx.session.execute(delete(LinkGuess).where(old))
    tries = await ctx.session.scalar(
        select(func.count()).select_from(LinkGuess).filter_by(member_id=ctx.member.id)
    )
    if (tries or 0) >= MOST_WRONG:
        raise Refusal(
            "Too many codes were wrong.",
            code="E_TRIES",
            expected=f"at most {MOST_WRONG} wrong ones an hour",
            fix="Try again in an hour, with a new code.",
            field="code",
        )
