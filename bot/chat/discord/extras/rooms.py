"""Rooms of their own: public threads, and private ones for a few."""

from datetime import datetime

import discord

from bot.kit.message import Place, Room
from bot.kit.outbox import Undeliverable

_NAME = 100


async def opened(client: discord.Client, place: Place, *, since: datetime | None) -> int:
    """The thread of that name in the channel.

    Args:
        client: The bot.
        place: A channel, and the room to be opened there.
        since: When an earlier try may have opened it already; None: this is the first.
    """
    assert place.room is not None
    id_ = int(place.channel)
    channel = client.get_channel(id_) or await client.fetch_channel(id_)
    if not isinstance(channel, discord.TextChannel):
        raise Undeliverable("there are no threads in that channel")
    name = place.room.name.strip()[:_NAME] or "Thread"
    thread = await _of_earlier(channel, client.application_id, name, since) if since else None
    if thread is None:
        kind = discord.ChannelType.private_thread if place.room.people else None
        thread = await channel.create_thread(
            name=name, type=kind or discord.ChannelType.public_thread, invitable=False
        )
    await _let_in(thread, place.room)
    return thread.id


async def _of_earlier(
    channel: discord.TextChannel, bot: int | None, name: str, since: datetime
) -> discord.Thread | None:
    for thread in await channel.guild.active_threads():
        ours = thread.parent_id == channel.id and thread.owner_id == bot and thread.name == name
        if ours and thread.created_at and thread.created_at >= since:
            return thread
    return None


async def _let_in(thread: discord.Thread, room: Room) -> None:
    for handle in room.people:
        try:
            await thread.add_user(discord.Object(int(handle)))
        except discord.NotFound:  # who left does not keep the others from meeting
            continue
