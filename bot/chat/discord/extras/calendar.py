"""The calendar of a server: what messages announce, as scheduled events."""

import discord
import structlog

from bot.kit.message import Occasion

_log = structlog.get_logger(__name__)
_NAME, _WHERE = 100, 100
_UNKNOWN_EVENT = 10070


async def shown(client: discord.Client, channel: int, known: str, occasion: Occasion | None) -> str:
    """Let the calendar say what *occasion* says.

    A calendar that takes nothing (the bot may not, or a hundred are there) stops no message.

    Args:
        client: The bot.
        channel: Where the message stands.
        known: The event that an earlier version announced; empty: none.
        occasion: What is announced now; None: nothing.

    Returns:
        The id of the event; empty where there is none.
    """
    found = client.get_channel(channel)
    guild = getattr(found, "guild", None)
    if guild is None or (occasion is None and not known):
        return known
    try:
        if occasion is None or occasion.called_off:
            await _taken_out(guild, known)
            return ""
        if known:
            return await _changed(guild, known, occasion)
        return await _added(guild, occasion)
    except discord.HTTPException as error:
        _log.warning("discord.not_in_calendar", code=error.code, status=error.status)
        return known


async def _added(guild: discord.Guild, occasion: Occasion) -> str:
    if occasion.starts <= discord.utils.utcnow():
        return ""
    for event in await guild.fetch_scheduled_events(with_counts=False):
        ours = event.creator_id == guild.me.id if guild.me else True
        if ours and (event.name, event.start_time) == (occasion.name[:_NAME], occasion.starts):
            return str(event.id)  # of a try whose end nobody knows
    made = await guild.create_scheduled_event(
        name=occasion.name[:_NAME],
        start_time=occasion.starts,
        end_time=occasion.ends,
        location=occasion.where[:_WHERE] or "—",
        entity_type=discord.EntityType.external,
        privacy_level=discord.PrivacyLevel.guild_only,
    )
    return str(made.id)


async def _changed(guild: discord.Guild, known: str, occasion: Occasion) -> str:
    try:
        event = await guild.fetch_scheduled_event(int(known), with_counts=False)
    except discord.NotFound:  # somebody took it out
        return ""
    same = (event.name, event.start_time, event.end_time, event.location) == (
        occasion.name[:_NAME], occasion.starts, occasion.ends, occasion.where[:_WHERE] or "—",
    )  # fmt: skip
    if not same and event.status is discord.EventStatus.scheduled:
        await event.edit(
            name=occasion.name[:_NAME],
            start_time=occasion.starts,
            end_time=occasion.ends,
            location=occasion.where[:_WHERE] or "—",
        )
    return known


async def _taken_out(guild: discord.Guild, known: str) -> None:
    if known:
        try:
            event = await guild.fetch_scheduled_event(int(known), with_counts=False)
            await event.delete()
        except discord.NotFound:
            return
