"""Who speaks, and what they may do: what was given by hand, or what they are on their platform.

A platform tells of somebody only when they speak. What it told is believed for a week, wherever
they speak meanwhile; in the space itself it is looked at anew with each command.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.community.models import Account, Community, GroupRole, Member, Space, StandingRole
from bot.community.spaces import LOCAL
from bot.kit.command import Role
from bot.kit.work import Standing

BELIEVED = timedelta(days=7)
_COARSE = timedelta(hours=1)  # what somebody is in a space is noted so often, unless it changes
_USED = timedelta(minutes=1)  # and when they spoke last, so often

SPACE_OF_ACCOUNT = and_(Space.platform == Account.platform, Space.space == Account.space)
_other = aliased(Account)
#: what a member is by their accounts' standing in any space that is admitted
_BY_STANDING = (
    select(func.max(StandingRole.role))
    .join(_other, _other.id == StandingRole.account_id)
    .join(Space, and_(Space.platform == _other.platform, Space.space == StandingRole.space))
    .where(Space.admitted_at.is_not(None), StandingRole.seen_at > bindparam("since"))
)
#: asked for each command, so it is put together once
_SPEAKER = (
    select(
        Account,
        Member,
        Community,
        Space,
        StandingRole,
        _BY_STANDING.where(_other.member_id == Member.id).correlate(Member).scalar_subquery(),
    )
    .join(Member, Member.id == Account.member_id)
    .join(Community, Community.id == Member.community_id)
    .outerjoin(
        Space,
        and_(
            Space.platform == Account.platform,
            Space.space == func.coalesce(func.nullif(bindparam("space"), ""), Account.space),
        ),
    )
    .outerjoin(
        StandingRole,
        and_(StandingRole.account_id == Account.id, StandingRole.space == bindparam("space")),
    )
    .where(Account.platform == bindparam("platform"), Account.handle == bindparam("handle"))
)


@dataclass(frozen=True)
class Speaker:
    """Somebody known who speaks."""

    account: Account
    member: Member
    community: Community
    space: Space | None  #: where they speak, or spoke last where they are alone with the bot
    here: StandingRole | None  #: what they were in this very space until now
    anywhere: Role  #: what they are by any space

    @property
    def admitted(self) -> bool:
        if self.account.platform == LOCAL:
            return True
        return self.space is not None and self.space.admitted_at is not None


async def known(
    session: AsyncSession, platform: str, handle: str, standing: Standing, *, now: datetime
) -> Speaker | None:
    """Whoever has that account."""
    asked = {"platform": platform, "handle": handle, "space": standing.space}
    rows = await session.execute(_SPEAKER, asked | {"since": now - BELIEVED})
    row = rows.one_or_none()
    if row is None:
        return None
    account, member, community, space, here, anywhere = row
    return Speaker(account, member, community, space, here, Role(anywhere or 0))


async def arrived(
    session: AsyncSession, speaker: Speaker, standing: Standing, *, now: datetime
) -> Role:
    """Note that they spoke, as what their platform says they are; gives what they may do."""
    account, member = speaker.account, speaker.member
    account.left_at = member.left_at = None
    if account.used_at is None or now - account.used_at >= _USED:
        account.used_at = now
    by_standing = speaker.anywhere
    if standing.space:
        account.space = standing.space
        if speaker.space and standing.space_name:
            speaker.space.name = standing.space_name[:100]
    if standing.space and standing.known:
        given = await _given(session, account.platform, standing)
        if await _keep(session, speaker, standing.space, given, now=now):
            by_standing = await _by_standing(session, member.id, now=now)
    return max(Role(member.role), by_standing)


async def role_of(session: AsyncSession, member_id: int, *, now: datetime) -> Role:
    """What that member may do."""
    member = await session.get_one(Member, member_id)
    return max(Role(member.role), await _by_standing(session, member_id, now=now))


async def all_by_standing(session: AsyncSession, *, now: datetime) -> dict[int, Role]:
    """The members who are more than that by their standing in a space, and what they are."""
    found = _BY_STANDING.add_columns(_other.member_id).group_by(_other.member_id)
    rows = await session.execute(found, {"since": now - BELIEVED})
    return {member_id: Role(role) for role, member_id in rows}


async def moderators(session: AsyncSession, community_id: int, *, now: datetime) -> Sequence[int]:
    """Who may do what moderators do, those who may do most first."""
    by_standing = await all_by_standing(session, now=now)
    high = [m for m, role in by_standing.items() if role >= Role.MODERATOR]
    found = select(Member.id).where(
        Member.community_id == community_id,
        Member.left_at.is_(None),
        (Member.role >= Role.MODERATOR) | Member.id.in_(high),
    )
    return (await session.scalars(found.order_by(Member.role.desc(), Member.id))).all()


async def drop_standing(session: AsyncSession, account_id: int, space: str) -> None:
    """They are nothing any more in *space*; empty: in any."""
    gone = delete(StandingRole).filter_by(account_id=account_id)
    await session.execute(gone.filter_by(space=space) if space else gone)


async def _given(session: AsyncSession, platform: str, standing: Standing) -> Role:
    """What somebody of that standing is here."""
    if standing.administers:
        return Role.ADMIN
    if not standing.roles:
        return Role.MEMBER
    given = await session.scalar(
        select(func.max(GroupRole.role)).where(
            GroupRole.platform == platform, GroupRole.group.in_(standing.roles)
        )
    )
    return Role(given or 0)


async def _keep(
    session: AsyncSession, speaker: Speaker, space: str, given: Role, *, now: datetime
) -> bool:
    """Keep what they are in this space. Whether that changed anything."""
    before = speaker.here
    if given == Role.MEMBER:
        if before is not None:
            await session.delete(before)
    elif before is None:
        kept = StandingRole(
            account_id=speaker.account.id, space=space, role=int(given), seen_at=now
        )
        session.add(kept)
    else:
        if before.role == given and now - before.seen_at < _COARSE:
            return False
        before.role, before.seen_at = int(given), now
    await session.flush()
    return before is not None or given != Role.MEMBER


async def _by_standing(session: AsyncSession, member_id: int, *, now: datetime) -> Role:
    found = _BY_STANDING.where(_other.member_id == member_id)
    return Role(await session.scalar(found, {"since": now - BELIEVED}) or 0)
