"""Finds members, makes them known, and knows the way to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community import channels, models, spaces, speakers
from bot.community.facts import SpaceKnocked
from bot.kit import work
from bot.kit.clock import Clock
from bot.kit.command import Choice, Person, Role
from bot.kit.message import Place
from bot.kit.work import Context


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
        standing: work.Standing = work.NO_STANDING,
        speaks: bool = True,
    ) -> work.Account:
        now = self._clock.now()
        speaker = await speakers.known(session, platform, handle, standing, now=now)
        if speaker is None:
            community = await the_community(session)
            await spaces.let_in(session, community.id, platform, standing, now=now)
            await join(session, community, platform=platform, handle=handle, name=name, now=now)
            speaker = await speakers.known(session, platform, handle, standing, now=now)
            assert speaker is not None
        elif not speaker.admitted:
            await spaces.let_in(session, speaker.community.id, platform, standing, now=now)
        if speaks:
            role = await speakers.arrived(session, speaker, standing, now=now)
        else:
            role = max(Role(speaker.member.role), speaker.anywhere)
        member = Known(speaker.member, speaker.community, role)
        return work.Account(platform, handle, member, speaker.community, standing)

    async def knocked(self, work: work.Work, *, platform: str, standing: work.Standing) -> None:
        """Remember that a space asks to be admitted; somebody was refused there."""
        community = await the_community(work.session)
        if await spaces.knock(work.session, community.id, platform, standing, now=work.now):
            await work.announce(SpaceKnocked(platform, standing.space, standing.space_name))

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
        ways = await self.ways(session, member_id)
        return ways[0] if ways else None

    async def ways(self, session: AsyncSession, member_id: int) -> list[Place]:
        """Where a message reaches that member alone: the account used last first."""
        accounts = await session.execute(
            select(models.Account.platform, models.Account.handle)
            .join(models.Member)
            .outerjoin(models.Space, speakers.SPACE_OF_ACCOUNT)
            .where(
                models.Account.member_id == member_id,
                models.Account.left_at.is_(None),
                models.Member.left_at.is_(None),
                models.Account.space.is_(None) | models.Space.admitted_at.is_not(None),
            )
            .order_by(models.Account.used_at.desc().nulls_last(), models.Account.id)
        )
        return [Place(platform=p, channel=f"@{h}", private_to=h) for p, h in accounts]

    async def left(
        self, session: AsyncSession, platform: str, handle: str, *, space: str = ""
    ) -> None:
        """An account is gone, from *space* or at all: nothing is written to it until it speaks."""
        account = await session.scalar(
            select(models.Account).filter_by(platform=platform, handle=handle).with_for_update()
        )
        if account is None or (space and account.space not in (None, space)):
            return  # they still are where they spoke last
        account.left_at = now = self._clock.now()
        await speakers.drop_standing(session, account.id, space)
        others = select(models.Account.id).filter_by(member_id=account.member_id, left_at=None)
        if await session.scalar(others.limit(1)) is None:
            member = await session.get_one(models.Member, account.member_id)
            member.left_at = now

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

    def __init__(
        self, row: models.Member, community: models.Community, role: Role | None = None
    ) -> None:
        self.row = row
        self.id, self.name = row.id, row.name
        self.role = row.role if role is None else int(role)
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
    """Make an account known, as a new member. The first one in the local chat is an admin.

    Only who hosts the bot gets there. Elsewhere the platform says who administers.
    """
    of_host = select(models.Account.id).filter_by(platform=spaces.LOCAL).limit(1)
    first = platform == spaces.LOCAL and await session.scalar(of_host) is None
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
