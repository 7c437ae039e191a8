"""Channels: reading, making, changing and deleting them."""

from tests.fakes.discord import limits, payloads
from tests.fakes.discord.crowd import room_for
from tests.fakes.discord.refusals import Refused
from tests.fakes.discord.world import NAMES

from .declared import Route


def get(call):
    return payloads.channel(call.channel)


def list_of_guild(call):
    return [payloads.channel(c) for c in call.guild.channels if not c.is_thread]


def make(call):
    guild, body = call.guild, call.body
    call.need_in(guild, "manage_channels")
    everything = [c for c in guild.channels if not c.is_thread]
    room_for(everything, limits.CHANNELS_OF_A_GUILD, 30013, "guild channels")
    kind = NAMES.get(body.get("type", 0))
    if kind not in ("text", "voice", "category", "news", "stage", "forum"):
        raise Refused(400, 50035, "Invalid Form Body")
    return payloads.channel(call.fake.channel(guild, body["name"], kind=kind))


def change(call):
    """Rename; threads can be archived and locked as well."""
    channel, body = call.channel, call.body or {}
    mine = channel.owner_id == call.fake.bot_user.id
    if not (channel.is_thread and mine):
        call.need("manage_threads" if channel.is_thread else "manage_channels", channel)
    if "name" in body:
        channel.name = body["name"]
    if "topic" in body:
        channel.topic = body["topic"]
    if channel.is_thread:
        channel.archived = body.get("archived", channel.archived)
        channel.locked = body.get("locked", channel.locked)
        channel.archive_after = body.get("auto_archive_duration", channel.archive_after)
        channel.changed_at = call.fake.clock.now()
    call.fake.tell_of_channel("UPDATE", channel)
    return payloads.channel(channel)


def delete(call):
    channel = call.channel
    if channel.kind != "dm":
        call.need("manage_threads" if channel.is_thread else "manage_channels", channel)
        call.fake.delete_channel(channel)
    return payloads.channel(channel)


def typing(call):
    call.fake.typing.append(call.channel)


ROUTES = [
    Route("GET", "/channels/{channel}", get),
    Route("PATCH", "/channels/{channel}", change),
    Route("DELETE", "/channels/{channel}", delete),
    Route("POST", "/channels/{channel}/typing", typing),
    Route("GET", "/guilds/{guild}/channels", list_of_guild),
    Route("POST", "/guilds/{guild}/channels", make),
]
