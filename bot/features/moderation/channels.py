"""Which channel takes what. Knows the database, not the chat; never commits."""

import re
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.channels import PURPOSES, key
from bot.community.members import set_setting, setting
from bot.kit.command import Refusal
from bot.kit.message import Place

OFF = "off"  #: instead of a channel: nothing is posted any more
_MENTION = re.compile(r"^<#([A-Z0-9]+)(?:\|[^>]*)?>$")  # as Discord and Slack write a channel
_NAME = re.compile(r"^[\w][\w-]{0,79}$")


def parse(text: str) -> str:
    """The channel that somebody means by *text*: ``general``, ``#general`` or a platform's mention.

    Raises:
        Refusal: No channel is called so.
    """
    mention = _MENTION.match(text.strip())
    name = mention[1] if mention else text.strip().removeprefix("#")
    if not _NAME.match(name):
        raise Refusal(
            "That is not the name of a channel.",
            code="E_CHANNEL",
            expected="letters, digits, - and _, such as #general",
            got=text[:100],
            fix="Type # and choose from the list, or copy the channel's name.",
            field="channel",
        )
    return name


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
