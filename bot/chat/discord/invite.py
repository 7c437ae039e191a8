"""The link that brings the bot into a server, with exactly what it needs there."""

import base64
import binascii

import discord

#: Why each: it answers and posts with pictures and files (in threads as well), reads what it posted
#: before a crash, and opens threads and events for circles and sessions. It moderates nobody.
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    attach_files=True,
    read_message_history=True,
    create_public_threads=True,
    create_private_threads=True,
    manage_threads=True,
    create_events=True,
    manage_events=True,
)
_NAMES = {"read_messages": "View Channels"}  # as Discord shows it, where discord.py says otherwise
SCOPES = ("bot", "applications.commands")


def application_of(token: str) -> int | None:
    """The id of the application that a bot's token names; None where it is no such token."""
    first, _, rest = token.strip().partition(".")
    if rest.count(".") != 1:
        return None
    try:
        text = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return int(text) if text.isdecimal() else None


def link(application: int) -> str:
    """What an administrator of a server opens to invite the bot."""
    return discord.utils.oauth_url(application, permissions=PERMISSIONS, scopes=SCOPES)


def lacking(granted: discord.Permissions) -> list[str]:
    """Names of the permissions that the bot was not given, as Discord's own settings call them."""
    return [
        _NAMES.get(name, name.replace("_", " ").title())
        for name, wanted in PERMISSIONS
        if wanted and not getattr(granted, name)
    ]
