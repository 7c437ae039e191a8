"""Which channel takes what. Knows the database, not the chat; never commits."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.channels import PURPOSES, key
from bot.community.members import set_setting, setting
from bot.kit.message import Place

OFF = "off"  #: instead of a channel: nothing is posted any more


async def chosen(session: AsyncSession, community_id: int) -> Mapping[str, Place | None]:
    """The channel of every purpose."""
    found = {}
    for purpose in PURPOSES:
        value = await setting(session, community_id, key(purpose.value))
        found[purpose.value] = Place.model_validate(value) if value else None
    return found


async def choose(
    session: AsyncSession, community_id: int, purpose: str, place: Place | None
) -> None:
    await set_setting(session, community_id, key(purpose), place.model_dump() if place else None)
