"""Which Discord servers and Slack workspaces are the community's (docs/decisions/0034)."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.models import Community, Space
from bot.kit.command import Refusal
from bot.kit.work import NotAdmitted, Standing

LOCAL = "local"  #: the platform that has no spaces: its one space is the host itself
_WORD = {"discord": "server", "slack": "workspace"}


def word(platform: str) -> str:
    """What people call a space of that platform."""
    return _WORD.get(platform, "space")


def key(space: Space) -> str:
    """A space as somebody types it."""
    return f"{space.platform}/{space.space}"


async def let_in(
    session: AsyncSession, community_id: int, platform: str, standing: Standing, *, now: datetime
) -> None:
    """Take in whoever speaks in a space of the community, and the first space of a platform.

    Raises:
        NotAdmitted: They speak elsewhere, or alone with the bot and are not known.
    """
    if platform == LOCAL:
        return
    if not standing.space:
        raise _stranger(platform)
    # Locked, so that of two servers that speak at once one is the first.
    await session.get_one(Community, community_id, with_for_update=True)
    space = await session.get(Space, (platform, standing.space))
    if space is not None and space.admitted_at is not None:
        return
    others = select(Space.space).filter_by(platform=platform).limit(1)
    if space is None and await session.scalar(others) is None:
        session.add(_new(community_id, platform, standing, now=now, admitted_at=now))
        await session.flush()
        return
    raise _outside(platform, standing)


async def knock(
    session: AsyncSession, community_id: int, platform: str, standing: Standing, *, now: datetime
) -> bool:
    """Keep that somebody spoke in a space that is not admitted. False where that is known."""
    if await session.get(Space, (platform, standing.space)) is not None:
        return False
    session.add(_new(community_id, platform, standing, now=now))
    await session.flush()
    return True


async def all_of(session: AsyncSession, community_id: int) -> Sequence[Space]:
    """Every space that was spoken in, those that wait first."""
    found = select(Space).filter_by(community_id=community_id)
    order = (Space.admitted_at.is_not(None), Space.platform, Space.name, Space.space)
    return (await session.scalars(found.order_by(*order))).all()


async def find(session: AsyncSession, community_id: int, typed: str) -> Space:
    """The space that somebody means by its key, its id or its name.

    Raises:
        Refusal: There is none, or there are several of that name.
    """
    known = await all_of(session, community_id)
    wanted = typed.strip().lower()
    by_id = [s for s in known if wanted in (key(s).lower(), s.space.lower())]
    found = by_id or [s for s in known if wanted == s.name.lower()]
    if len(found) == 1:
        return found[0]
    raise Refusal(
        f"No server or workspace here is called {typed[:60]}.",
        code="E_SPACE",
        expected=", ".join(key(s) for s in known[:10]) or "one where somebody spoke to the bot",
        got=typed[:60],
        fix="Type /admin spaces for all of them.",
        field="space",
    )


def _new(
    community_id: int,
    platform: str,
    standing: Standing,
    *,
    now: datetime,
    admitted_at: datetime | None = None,
) -> Space:
    return Space(
        platform=platform,
        space=standing.space,
        community_id=community_id,
        name=(standing.space_name or standing.space)[:100],
        seen_at=now,
        admitted_at=admitted_at,
    )


def _outside(platform: str, standing: Standing) -> NotAdmitted:
    name = standing.space_name or f"This {word(platform)}"
    return NotAdmitted(
        f"{name[:100]} is not part of the community that this bot serves.",
        code="E_SPACE",
        expected=f"a {word(platform)} that an admin of the community admitted",
        got=f"{platform}/{standing.space}",
        fix="An admin of the community admits it, from where they are, with the line below.",
        lines=f"/admin spaces space:{platform}/{standing.space} action:admit",
    )


def _stranger(platform: str) -> NotAdmitted:
    return NotAdmitted(
        f"I know you from no {word(platform)} of the community.",
        code="E_SPACE",
        expected=f"somebody who spoke to me before, in a {word(platform)} of the community",
        got="a direct message",
        fix=f"Type /bookwiz start in the {word(platform)} once; then write to me here.",
    )
