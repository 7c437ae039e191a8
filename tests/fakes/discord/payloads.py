"""How Discord writes its things as JSON."""

from . import permissions
from .world import HAS_THREAD, KINDS, stamp


def user(user):
    """Give an account as it stands in every payload."""
    return {
        "id": str(user.id),
        "username": user.name if user.bot else user.name.lower().replace(" ", "_"),
        "global_name": None if user.bot else user.name,
        "discriminator": "0000" if user.bot else "0",
        "avatar": None,
        "bot": user.bot,
        "public_flags": 0,
    }


def member(member, *, with_user=True, channel=None):
    """Give a member; with what they may do in *channel*, as interactions have it."""
    payload = {
        "nick": member.nick,
        "avatar": None,
        "roles": [str(role.id) for role in member.roles],
        "joined_at": stamp(member.joined_at),
        "premium_since": None,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }
    if with_user:
        payload["user"] = user(member.user)
    if channel is not None:
        payload["permissions"] = str(permissions.permissions_of(member, channel))
    return payload


def role(role):
    return {
        "id": str(role.id),
        "name": role.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": role.guild.roles.index(role) if role in role.guild.roles else 0,
        "permissions": str(role.permissions),
        "managed": role.managed,
        "mentionable": False,
        "flags": 0,
    }


def channel(channel, *, viewer=None):
    """Give a channel, a thread or direct messages; *viewer* adds their membership of a thread."""
    last = channel.said[-1].id if channel.said else None
    payload = {"id": str(channel.id), "type": KINDS[channel.kind], "flags": 0}
    payload["last_message_id"] = str(last) if last else None
    if channel.kind == "dm":
        return payload | {"recipients": [user(channel.with_user)]}
    payload |= {"guild_id": str(channel.guild.id), "name": channel.name}
    if channel.is_thread:
        return payload | _thread(channel, viewer)
    roles = {r.id for r in channel.guild.roles}
    payload |= {
        "position": channel.guild.channels.index(channel) if not channel.deleted else 0,
        "parent_id": None,
        "nsfw": False,
        "topic": channel.topic,
        "rate_limit_per_user": 0,
        "permission_overwrites": [
            {"id": str(i), "type": 0 if i in roles else 1, "allow": str(a), "deny": str(d)}
            for i, (a, d) in channel.overwrites.items()
        ],
    }
    if channel.kind in ("voice", "stage"):
        payload |= {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
    if channel.kind == "forum":
        payload |= {
            "available_tags": [],
            "default_reaction_emoji": None,
            "default_sort_order": None,
            "default_forum_layout": 0,
        }
    return payload


def _thread(thread, viewer):
    payload = {
        "parent_id": str(thread.parent.id),
        "owner_id": str(thread.owner_id),
        "message_count": len(thread.said),
        "total_message_sent": len(thread.messages),
        "member_count": len(thread.thread_members),
        "rate_limit_per_user": 0,
        "thread_metadata": {
            "archived": thread.archived,
            "auto_archive_duration": thread.archive_after,
            "archive_timestamp": stamp(thread.changed_at),
            "locked": thread.locked,
            "create_timestamp": stamp(thread.changed_at),
        },
    }
    if thread.kind == "private_thread":
        payload["thread_metadata"]["invitable"] = True
    if viewer in thread.thread_members:
        payload["member"] = thread_member(thread, viewer)
    return payload


def thread_member(thread, user_id):
    return {
        "id": str(thread.id),
        "user_id": str(user_id),
        "join_timestamp": stamp(thread.thread_members[user_id]),
        "flags": 0,
    }


def attachment(attachment):
    payload = {
        "id": str(attachment.id),
        "filename": attachment.name,
        "size": len(attachment.content),
        "url": attachment.url,
        "proxy_url": attachment.url,
        "content_type": attachment.mimetype,
    }
    if attachment.description is not None:
        payload["description"] = attachment.description
    return payload


def as_message(message, *, nonce=False):
    """Give a message as answers, histories and events do."""
    from_interaction = message.interaction is not None
    payload = {
        "id": str(message.id),
        "type": 0,
        "channel_id": str(message.channel.id),
        "author": user(message.author),
        "content": message.content,
        "timestamp": stamp(message.at),
        "edited_timestamp": stamp(message.edited_at),
        "tts": False,
        "mention_everyone": "everyone" in message.pings,
        "mentions": [],
        "mention_roles": [],
        "attachments": [attachment(a) for a in message.attachments],
        "embeds": message.embeds,
        "components": message.components,
        "pinned": False,
        "flags": message.flags | (HAS_THREAD if message.thread else 0),
    }
    if nonce and message.nonce is not None:
        payload["nonce"] = message.nonce
    if message.thread is not None:
        payload["thread"] = channel(message.thread)
    if from_interaction:
        deed = message.interaction
        payload["type"] = 20 if deed.kind == "command" else 0
        payload |= {"application_id": str(deed.app_id), "webhook_id": str(deed.app_id)}
        payload["interaction_metadata"] = {
            "id": str(deed.id),
            "type": deed.type,
            "user": user(deed.user),
            "authorizing_integration_owners": deed.payload["authorizing_integration_owners"],
        }
    if message.reference is not None:
        payload["type"] = 19
        payload["message_reference"] = {
            "type": 0,
            "message_id": str(message.reference.id),
            "channel_id": str(message.reference.channel.id),
        }
    return payload


def event_message(message):
    """Give a message as MESSAGE_CREATE has it: with the server, and who said it there."""
    payload = as_message(message, nonce=True)
    guild = message.channel.guild
    if guild is not None:
        payload["guild_id"] = str(guild.id)
        author = guild.members.get(message.author.id)
        if author is not None:
            payload["member"] = member(author, with_user=False)
    return payload


def scheduled(event):
    """Give a scheduled event."""
    defaults = {
        "channel_id": None,
        "description": None,
        "scheduled_end_time": None,
        "entity_metadata": None,
        "image": None,
    }
    return {
        **defaults,
        **{k: v for k, v in event.fields.items() if k != "image"},
        "id": str(event.id),
        "guild_id": str(event.guild.id),
        "creator_id": str(event.creator_id) if event.creator_id else None,
        "entity_id": None,
        "status": event.status,
        "user_count": event.user_count,
        "recurrence_rule": event.fields.get("recurrence_rule"),
    }


def guild(guild, *, as_event=False):
    """Give a server; GUILD_CREATE has its channels, threads and events as well.

    Without the presences intent Discord names of a server's members the bot alone.
    """
    payload = {
        "id": str(guild.id),
        "name": guild.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "owner_id": str(guild.owner.id) if guild.owner else "0",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 1,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": [role(r) for r in guild.roles],
        "emojis": [],
        "features": [],
        "mfa_level": 0,
        "application_id": None,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": guild.tier,
        "preferred_locale": guild.locale,
        "public_updates_channel_id": None,
        "nsfw_level": 0,
        "stickers": [],
        "premium_progress_bar_enabled": False,
        "safety_alerts_channel_id": None,
    }
    if not as_event:
        return payload
    return payload | {
        "joined_at": stamp(guild.bot.joined_at),
        "large": len(guild.members) > 250,
        "unavailable": False,
        "member_count": len(guild.members),
        "voice_states": [],
        "members": [member(guild.bot)],
        "channels": [
            channel(c) for c in guild.channels if not c.is_thread and permissions.sees(guild.bot, c)
        ],
        "threads": [
            channel(c, viewer=guild.bot.id) for c in guild.threads if permissions.sees(guild.bot, c)
        ],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [scheduled(e) for e in guild.events],
        "soundboard_sounds": [],
    }
