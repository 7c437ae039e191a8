"""Whether the bot can be on Discord and on Slack, from the settings alone; nobody is asked."""

from collections.abc import Iterator

from bot.chat.finding import Finding
from bot.config import DiscordSettings, Settings, SlackSettings

_GUIDE = "docs/self-hosting.md"


def chats(settings: Settings) -> Iterator[Finding]:
    yield from discord(settings.discord)
    yield from slack(settings.slack, public_url=settings.web.public_url)


def discord(settings: DiscordSettings) -> Iterator[Finding]:
    if settings.token is None:
        yield Finding(True, f"Discord: off. To be there: {_GUIDE}, or set BOOKWIZ_DISCORD__TOKEN")
        return
    from bot.chat.discord import invite

    application = invite.application_of(settings.token.get_secret_value())
    if application is None:
        yield Finding(
            False,
            "Discord: BOOKWIZ_DISCORD__TOKEN is not the token of a bot",
            "on https://discord.com/developers/applications choose your application, Bot, Reset"
            " Token, and copy the whole of it: three parts with dots between",
        )
        return
    yield Finding(True, f"Discord: application {application}")
    yield Finding(True, f"Discord: invite it with {invite.link(application)}")
    yield Finding(
        True, "Discord: the intent Server Members must be on there, under Bot; no other is needed"
    )
    yield Finding(
        True,
        "Discord: with Public Bot off there, under Bot, nobody else can add it;"
        " the first server where somebody speaks to it belongs to the community",
    )


def slack(settings: SlackSettings, *, public_url: str) -> Iterator[Finding]:
    secrets = {
        "BOOKWIZ_SLACK__BOT_TOKEN": (settings.bot_token, "xoxb-"),
        "BOOKWIZ_SLACK__APP_TOKEN": (settings.app_token, "xapp-"),
    }
    by_oauth = settings.client_id is not None
    if settings.bot_token is None and settings.app_token is None and not by_oauth:
        yield Finding(True, f"Slack: off. To be there: {_GUIDE}, and bookwiz manifest slack")
        return
    for name, (value, start) in secrets.items():
        if value is not None and not value.get_secret_value().startswith(start):
            yield Finding(
                False,
                f"Slack: {name} does not begin with {start}",
                "copy it again from https://api.slack.com/apps: "
                + (
                    "OAuth & Permissions"
                    if start == "xoxb-"
                    else "Basic Information, App-Level Tokens"
                ),
            )
    if settings.bot_token is None and not by_oauth:
        yield Finding(
            False,
            "Slack: there is no BOOKWIZ_SLACK__BOT_TOKEN",
            "install the app into your workspace (OAuth & Permissions) and copy the Bot User OAuth Token",
        )
    yield _way_in(settings, public_url)
    if by_oauth and (settings.client_secret is None or settings.signing_secret is None):
        yield Finding(
            False,
            "Slack: installing by OAuth needs BOOKWIZ_SLACK__CLIENT_SECRET and __SIGNING_SECRET",
            "both stand at https://api.slack.com/apps under Basic Information",
        )


def _way_in(settings: SlackSettings, public_url: str) -> Finding:
    """How Slack reaches the bot."""
    if settings.app_token is not None:
        return Finding(True, "Slack: by Socket Mode, which needs no public address")
    if settings.signing_secret is None:
        return Finding(
            False,
            "Slack: there is no way for Slack to reach the bot",
            "set BOOKWIZ_SLACK__APP_TOKEN (Socket Mode), or BOOKWIZ_SLACK__SIGNING_SECRET and"
            " BOOKWIZ_WEB__PUBLIC_URL (HTTP)",
        )
    return Finding(
        public_url.startswith("https://"),
        f"Slack: by HTTP at {public_url or '(no public address)'}/slack/events",
        "Slack wants https: set BOOKWIZ_WEB__PUBLIC_URL, and let your proxy pass on /slack/",
    )
