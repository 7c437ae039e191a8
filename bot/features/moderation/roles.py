"""Who may do what. Knows the database, not the chat; never commits."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.models import Member
from bot.kit.command import Choice, Person, Refusal, Role

CHOICES = (
    Choice("member", "Member: takes part"),
    Choice("lead", "Circle lead: looks after circles"),
    Choice("moderator", "Moderator: looks after people, benchmarks and posts"),
    Choice("admin", "Admin: looks after the bot itself, and may do everything"),
)


async def holders(session: AsyncSession, community_id: int) -> Sequence[Member]:
    """Everybody who is more than a member, those who may do most first."""
    found = select(Member).where(
        Member.community_id == community_id,
        Member.role > Role.MEMBER,
        Member.left_at.is_(None),
    )
    return (await session.scalars(found.order_by(Member.role.desc(), Member.name))).all()


async def give(session: AsyncSession, community_id: int, member: Person, role: Role) -> Role:
    """Make *member* a *role*, and return what they were.

    Raises:
        Refusal: They are the last admin: nobody could give that role again.
    """
    # Locked, so that two admins who step down at once cannot both see the other.
    admins = await session.scalars(
        select(Member)
        .where(
            Member.community_id == community_id,
            Member.role == Role.ADMIN,
            Member.left_at.is_(None),
        )
        .order_by(Member.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if role < Role.ADMIN and [a.id for a in admins] == [member.id]:
        raise Refusal(
            f"{member.name} is the last admin here.",
            code="E_LAST_ADMIN",
            expected="at least one admin",
            fix="Make somebody else an admin first.",
            field="role",
        )
    row = await session.get_one(Member, member.id)
    before, row.role = Role(row.role), int(role)
    return before
