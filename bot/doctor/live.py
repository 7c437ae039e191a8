"""``bookwiz doctor --live``: tries the bot at the services that the settings name."""

import re
from collections.abc import AsyncIterator, Sequence

import click

from bot.chat.finding import Finding
from bot.config import Settings
from bot.features import discover
from bot.kit.db import Database
from bot.kit.message import Message, Text

_DISCORD_ID = re.compile(r"\d{15,20}")
_SLACK_ID = re.compile(r"[UW][A-Z0-9]{2,20}")
_HELLO = (
    "**Bookwiz can write to you.** This came from `bookwiz doctor --live`; nothing else happened."
)


def recipients(handles: Sequence[str]) -> dict[str, str]:
    """Whom to write to on which platform.

    Raises:
        click.ClickException: One of them is no id, or a platform has two.
    """
    found: dict[str, str] = {}
    for handle in handles:
        platform = (
            "discord" if _DISCORD_ID.fullmatch(handle)
            else "slack" if _SLACK_ID.fullmatch(handle)
            else None
        )  # fmt: skip
        if platform is None or platform in found:
            raise click.ClickException(
                f"--to takes the id of one account a platform, not {handle!r}: Discord's are digits,"
                " Slack's begin with U or W. Without --to I say where to find yours."
            )
        found[platform] = handle
    return found


async def tried(settings: Settings, handles: Sequence[str]) -> AsyncIterator[Finding]:
    """What came of trying each platform that is on."""
    to = recipients(handles)
    hello = Message(blocks=(Text(markdown=_HELLO),))
    on = {"discord": settings.discord.token is not None, "slack": settings.slack.on}
    if not any(on.values()):
        yield Finding(
            False,
            "neither Discord nor Slack is on: there is nothing to try",
            "docs/self-hosting.md",
        )
    for platform, handle in to.items():
        if not on[platform]:
            yield Finding(
                False, f"--to {handle} is of {platform.title()}, which is off", "set it up"
            )
    if on["discord"]:
        from bot.chat.discord import live as discord

        async for finding in discord.live(
            settings.discord, discover(), hello, to=to.get("discord", "")
        ):
            yield finding
    if on["slack"]:
        from bot.chat.slack import live as slack

        database = Database(settings.database)
        try:
            to_slack = to.get("slack", "")
            async for finding in slack.live(settings.slack, database, hello, to=to_slack):
                yield finding
        finally:
            await database.close()
