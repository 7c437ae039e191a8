"""What people with power did: written with the deed, never changed."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.models import Audit, Member
from bot.kit.work import Context, Work

_MEMBER = "member:"


async def record(ctx: Context, action: str, *, subject: str, reason: str = "") -> None:
    """Note that the member of this command did *action* to *subject*."""
    ctx.session.add(
        Audit(
            community_id=ctx.community.id,
            actor_id=ctx.member.id,
            action=action,
            subject=subject[:200],
            reason=reason[:500],
            at=ctx.now,
        )
    )


async def record_own(
    work: Work, community_id: int, action: str, *, subject: str, reason: str = ""
) -> None:
    """Note that the bot itself did *action*."""
    work.session.add(
        Audit(
            community_id=community_id,
            action=action,
            subject=subject[:200],
            reason=reason[:500],
            at=work.now,
        )
    )


def about(member_id: int) -> str:
    """A member as a subject. The log outlives them, so it holds no name."""
    return f"{_MEMBER}{member_id}"


async def newest(
    session: AsyncSession, community_id: int, *, limit: int, member_id: int | None = None
) -> list[tuple[Audit, str | None]]:
    """The last entries, newest first, each with the actor's name where there still is one.

    With *member_id*, only what that member did or what was done to them.
    """
    found = (
        select(Audit, Member.name)
        .outerjoin(Member, Member.id == Audit.actor_id)
        .where(Audit.community_id == community_id)
        .order_by(Audit.id.desc())
        .limit(limit)
    )
    if member_id is not None:
        found = found.where((Audit.actor_id == member_id) | (Audit.subject == about(member_id)))
    rows = await session.execute(found)
    return [(entry, name) for entry, name in rows]


async def names_of(session: AsyncSession, entries: Iterable[Audit]) -> dict[str, str]:
    """The names that the members among the subjects have today, by subject."""
    ids = {e.subject.removeprefix(_MEMBER) for e in entries if e.subject.startswith(_MEMBER)}
    found = await session.execute(
        select(Member.id, Member.name).where(Member.id.in_([int(i) for i in ids]))
    )
    return {about(id_): name for id_, name in found}
