"""Finds members, makes them known, and knows the way to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community import channels, models
from bot.kit import work
from bot.kit.clock import Clock
from bot.kit.command import Choice, Person, Role
from bot.kit.message import Place
from bot.kit.work import Context

#: asked for each command, so it is put together once
_SPEAKER = (
    select(models.Member, models.Community)
    .join(models.Account, models.Account.member_id == models.Member.id)
    .join(models.Community, models.Community.id == models.Member.community_id)
    .where(
        models.Account.platform == bindparam("platform"),
        models.Account.handle == bindparam("handle"),
    )
)


class Members:
    """The kit's ``People`` over our tables."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def account(
        self,
        session: AsyncSession,
        *,
        platform: str,
        handle: str,
        name: str,
        standing: work.Standing = work.NO_STANDING,  # noqa: ARG002 - spaces are to come
    ) -> work.Account:
        rows = await session.execute(_SPEAKER, {"platform": platform, "handle": handle})
        found = rows.one_or_none()
        if found:
            member, community = found
        else:
            community = await the_community(session)
            member = await join(
                session,
                community,
                platform=platform,
                handle=handle,
                name=name,
                now=self._clock.now(),
            )
        return work.Account(platform, handle, Known(member, community), community)

    async def named(self, session: AsyncSession, speaker: work.Account, text: str) -> Person | None:
        wanted = text.strip().removeprefix("@").lower()
        present = (
            select(models.Member)
            .join(models.Account)
            .where(
                models.Member.community_id == speaker.community.id,
                models.Member.left_at.is_(None),
            )
            .distinct()
        )
        own_platform = models.Account.platform == speaker.platform
        # In this order: nobody takes another's handle by choosing it as their name.
        for meant in (
            own_platform & (func.lower(models.Account.handle) == wanted),
            func.lower(models.Account.handle) == wanted,
            func.lower(models.Member.name) == wanted,
        ):
            people = (await session.scalars(present.where(meant).limit(2))).all()
            if people:
                return Known(people[0], speaker.community) if len(people) == 1 else None
        return None

    async def direct(self, session: AsyncSession, member_id: int) -> Place | None:
        account = await session.scalar(
            select(models.Account)
            .join(models.Member)
            .where(models.Account.member_id == member_id, models.Member.left_at.is_(None))
            .order_by(models.Account.id)
            .limit(1)
        )
        if account is None:
            return None
        return Place(
            platform=account.platform, channel=f"@{account.handle}", private_to=account.handle
        )

    async def zone(self, session: AsyncSession) -> str:
        return (
            await session.scalar(
                select(models.Community.timezone).order_by(models.Community.id).limit(1)
            )
        ) or "UTC"

    async def channel(self, session: AsyncSession, community_id: int, purpose: str) -> Place | None:
        value = await setting(session, community_id, channels.key(purpose))
        return Place.model_validate(value) if value else None


class Known:
    """A member's row with the zone filled in from the community where they chose none."""

    def __init__(self, row: models.Member, community: models.Community) -> None:
        self.row = row
        self.id, self.name, self.role = row.id, row.name, row.role
        self.timezone = row.timezone or community.timezone
        self.community_id = row.community_id


async def the_community(session: AsyncSession) -> models.Community:
    """The one community of this installation."""
    community = await session.scalar(
        select(models.Community).order_by(models.Community.id).limit(1)
    )
    if community is None:
        msg = "there is no community yet: it is made at start"
        raise LookupError(msg)
    return community


async def ensure_community(
    session: AsyncSession, *, name: str, timezone: str, now: datetime
) -> models.Community:
    """The community, made on the first start."""
    community = await session.scalar(
        select(models.Community).order_by(models.Community.id).limit(1)
    )
    if community is None:
        community = models.Community(name=name, timezone=timezone, created_at=now)
        session.add(community)
        await session.flush()
    return community


async def join(
    session: AsyncSession,
    community: models.Community,
    *,
    platform: str,
    handle: str,
    name: str,
    now: datetime,
    role: Role = Role.MEMBER,
) -> models.Member:
    """Make an account known, as a new member. The first one of a community is its admin."""
    first = (
        await session.scalar(select(models.Member.id).filter_by(community_id=community.id).limit(1))
        is None
    )
    member = models.Member(
        community_id=community.id,
        name=(name.strip() or handle)[:80],
        role=int(Role.ADMIN if first else role),
        joined_at=now,
    )
    session.add(member)
    await session.flush()
    session.add(models.Account(member_id=member.id, platform=platform, handle=handle))
    await session.flush()
    return member


async def setting(session: AsyncSession, community_id: int, key: str, default: Any = None) -> Any:
    row = await session.get(models.Setting, (community_id, key))
    return default if row is None else row.value


async def set_setting(session: AsyncSession, community_id: int, key: str, value: Any) -> None:
    row = await session.get(models.Setting, (community_id, key))
    if row is None:
        session.add(models.Setting(community_id=community_id, key=key, value=value))
    else:
        row.value = value


async def suggest_members(ctx: Context, text: str) -> list[Choice]:
    """Members whose name or handle holds *text*, for an argument that names one."""
    wanted = f"%{text.strip().removeprefix('@').lower()}%"
    rows = await ctx.session.execute(
        select(models.Account.handle, models.Member.name)
        .join(models.Member)
        .where(
            models.Member.community_id == ctx.community.id,
            models.Member.left_at.is_(None),
            func.lower(models.Account.handle).like(wanted)
            | func.lower(models.Member.name).like(wanted),
        )
        .order_by(models.Member.name)
        .limit(25)
    )
    return [Choice(f"@{handle}", name) for handle, name in rows]
