"""The rules of a profile. Knows the database, not the chat; never commits."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community import zones
from bot.community.models import Account, Member
from bot.kit.command import Person, Refusal
from bot.kit.render import clean

SHORTEST = 2
_RESERVED = {"bookwiz", "bot", "app", "everyone", "here", "channel"}


async def accounts_of(session: AsyncSession, member_id: int) -> Sequence[Account]:
    found = select(Account).filter_by(member_id=member_id).order_by(Account.id)
    return (await session.scalars(found)).all()


async def set_zone(session: AsyncSession, member: Person, text: str) -> str:
    """Keep the zone that *member* means by *text*, and return its name.

    Raises:
        Refusal: It is no place, or several; the nearest are named.
    """
    zone = zones.meant(text)
    row = await session.get_one(Member, member.id)
    row.timezone = zone
    return zone


async def rename(session: AsyncSession, member: Person, community_id: int, name: str) -> str:
    """Keep the name by which others see *member*, and return it as it is kept.

    Raises:
        Refusal: It is too short, or somebody else goes by it already.
    """
    name = " ".join(clean(name).split())
    if len(name) < SHORTEST:
        raise Refusal(
            "That name is too short.",
            code="E_NAME",
            expected=f"{SHORTEST} to 80 characters",
            got=name,
            field="name",
        )
    if name.casefold() in _RESERVED:
        raise Refusal(
            "That name is the bot's.",
            code="E_NAME",
            expected="a name of your own, so that nobody takes you for another",
            got=name,
            field="name",
        )
    taken = await session.scalar(
        select(Member.id)
        .join(Account)
        .where(
            Member.community_id == community_id,
            Member.id != member.id,
            (func.lower(Member.name) == name.lower())
            | (func.lower(Account.handle) == name.lower()),
        )
        .limit(1)
    )
    if taken is not None:
        raise Refusal(
            "Somebody here goes by that name already.",
            code="E_NAME",
            expected="a name of your own, so that nobody takes you for another",
            got=name,
            fix="Add an initial, or the city you live in.",
            field="name",
        )
    row = await session.get_one(Member, member.id)
    row.name = name
    return name
