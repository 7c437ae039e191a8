"""Who may do what. Knows the database, not the chat; never commits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community import speakers
from bot.community.models import GroupRole, Member
from bot.kit.command import Choice, Person, Refusal, Role

#: ``<@&42>``, ``<!subteam^S42|@mods>``, ``discord/42``, ``42``
_GROUP = re.compile(
    r"^(?:<@&|<!subteam\^|(?P<platform>[a-z]+)/)?(?P<group>[A-Z0-9]+)(?:\|[^>]*)?>?$"
)
_GROUPS = {"discord": re.compile(r"^\d{1,20}$"), "slack": re.compile(r"^S[A-Z0-9]{1,30}$")}
CHOICES = (
    Choice("member", "Member: takes part"),
    Choice("lead", "Circle lead: looks after circles"),
    Choice("moderator", "Moderator: looks after people, benchmarks and posts"),
    Choice("admin", "Admin: looks after the bot itself, and may do everything"),
)


@dataclass(frozen=True)
class Holder:
    """Somebody who is more than a member."""

    member: Member
    role: Role
    by_hand: bool  #: False: only while their platform says so


async def holders(session: AsyncSession, community_id: int, *, now: datetime) -> list[Holder]:
    """Everybody who is more than a member, those who may do most first."""
    by_standing = await speakers.all_by_standing(session, now=now)
    found = select(Member).where(
        Member.community_id == community_id,
        (Member.role > Role.MEMBER) | Member.id.in_(by_standing),
        Member.left_at.is_(None),
    )
    rows = (await session.scalars(found.order_by(Member.name))).all()
    told = [(m, by_standing.get(m.id, Role.MEMBER)) for m in rows]
    shown = [Holder(m, max(Role(m.role), r), by_hand=m.role >= r) for m, r in told]
    return sorted(shown, key=lambda holder: -holder.role)


async def give(
    session: AsyncSession, community_id: int, member: Person, role: Role, *, now: datetime
) -> Role:
    """Make *member* a *role*, and return what they were, as far as that is given by hand.

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
    by_standing = (await speakers.all_by_standing(session, now=now)).values()
    alone = [a.id for a in admins] == [member.id] and Role.ADMIN not in by_standing
    if role < Role.ADMIN and alone:
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


async def groups(session: AsyncSession, community_id: int) -> Sequence[GroupRole]:
    """The platforms' roles and groups that make somebody more than a member."""
    found = select(GroupRole).filter_by(community_id=community_id)
    return (await session.scalars(found.order_by(GroupRole.platform, GroupRole.group))).all()


def group_of(typed: str, platform: str) -> tuple[str, str]:
    """The platform and the id of a Discord role or Slack user group, as it is named or mentioned.

    Raises:
        Refusal: It is neither.
    """
    found = _GROUP.match(typed.strip())
    platform = found["platform"] or platform if found else ""
    if found is None or platform not in _GROUPS or not _GROUPS[platform].match(found["group"]):
        raise Refusal(
            "That is no Discord role and no Slack user group.",
            code="E_GROUP",
            expected="a mention such as @Moderators, or an id such as discord/4205 or slack/S42AB",
            got=typed[:60],
            fix="Type it where that role or group is: @ and its name.",
            field="group",
        )
    return platform, found["group"]


async def map_group(
    session: AsyncSession, community_id: int, platform: str, group: str, role: Role
) -> Role:
    """Let all who bear *group* be a *role*, from their next command on; gives what they were."""
    row = await session.get(GroupRole, (platform, group))
    before = Role(row.role) if row else Role.MEMBER
    if row is not None and role == Role.MEMBER:
        await session.delete(row)
    elif row is not None:
        row.role = int(role)
    elif role != Role.MEMBER:
        session.add(
            GroupRole(platform=platform, group=group, community_id=community_id, role=int(role))
        )
    await session.flush()
    return before
