"""The app manifest: all that Slack must know of the bot, made from the commands and the settings.

An admin pastes it at https://api.slack.com/apps; nothing else has to be clicked there but tokens.
"""

from collections.abc import Mapping
from typing import Any

from bot.chat.slack.incoming import callback_of
from bot.kit.command import Command, Quote

EVENTS_PATH, INSTALL_PATH, REDIRECT_PATH = (
    "/slack/events",
    "/slack/install",
    "/slack/oauth_redirect",
)
#: what the bot may do, and why it must
SCOPES = {
    "app_mentions:read": "in a thread there are no slash commands: there, the bot is mentioned",
    "channels:history": "whether a message whose answer was lost stands in a public channel",
    "channels:join": "to enter a public channel that a moderator chose, without being invited",
    "chat:write": "to say anything at all",
    "commands": "slash commands and shortcuts",
    "files:read": "models and datasets that members attach",
    "files:write": "pictures in results, and files to download",
    "groups:history": "the same look before saying it again, in a private channel",
    "im:history": "commands in direct messages, and the same look there",
    "im:write": "results, reminders and whatever concerns one person alone",
    "usergroups:read": "user groups that an admin gave a role",
    "users:read": "a name to call people by, and who administers the workspace",
}
#: what the bot is told of, and why it must be
EVENTS = {
    "app_home_opened": "to show the home when it is opened",
    "app_mention": "commands in threads",
    "app_uninstalled": "to stop writing there",
    "message.im": "commands in direct messages",
    "team_join": "who is new is not taken for who was unknown",
    "tokens_revoked": "to stop writing there",
    "user_change": "names and rights that changed; accounts that were closed",
}
_COMMANDS, _COMMAND, _DESCRIPTION, _HINT = 50, 32, 2_000, 1_000
_SHORTCUTS, _SHORTCUT, _WHAT_FOR, _NAME = 10, 24, 150, 35
_COLOUR = "#1f3a5f"
_ABOUT = "A community of people who learn machine learning: check-ins, models, results."
_ABOUT_LONG = (
    "Members say once a week what they did and what comes next, hand in models, and see how good"
    " these really are: scored in a sandbox on images they have not seen, with intervals instead of"
    " bare numbers, and with the analyses that tell what to try next. You host it yourself; what"
    " members write and hand in stays on your machine."
)
Json = dict[str, Any]


def manifest_for(commands: Mapping[str, Command], *, name: str, url: str = "") -> Json:
    """The manifest as Slack reads it, version 1 of its schema (2 reads it just the same).

    Args:
        commands: All that there are.
        name: What the app is called, and the bot.
        url: ``https://…`` at which Slack reaches the bot. Empty: the bot reaches Slack, by a socket.

    Raises:
        ValueError: There is more than one app may have.
    """
    called = name[:_NAME]
    shortcuts = _shortcuts(commands)
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": called,
            "description": _ABOUT,
            "long_description": _ABOUT_LONG,
            "background_color": _COLOUR,
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": called, "always_online": True},
            "slash_commands": _slash_commands(commands, url),
            **({"shortcuts": shortcuts} if shortcuts else {}),
        },
        "oauth_config": {
            **({"redirect_urls": [f"{url}{REDIRECT_PATH}"]} if url else {}),
            "scopes": {"bot": sorted(SCOPES)},
        },
        "settings": {
            "event_subscriptions": _at(url) | {"bot_events": sorted(EVENTS)},
            "interactivity": {"is_enabled": True}
            | _at(url)
            | ({"message_menu_options_url": f"{url}{EVENTS_PATH}"} if url else {}),
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }


def _at(url: str) -> Json:
    return {"request_url": f"{url}{EVENTS_PATH}"} if url else {}


def _slash_commands(commands: Mapping[str, Command], url: str) -> list[Json]:
    """One for each group: Slack knows no words below a command, so the hint shows them."""
    groups: dict[str, list[Command]] = {}
    for command in commands.values():
        groups.setdefault(command.group, []).append(command)
    _at_most(_COMMANDS, len(groups), "slash commands")
    made = []
    for group, own in sorted(groups.items()):
        _at_most(_COMMAND, len(group) + 1, f"characters of /{group}")
        feature = own[0].feature
        made.append(
            {
                "command": f"/{group}",
                "description": feature.groups.get(group, feature.help)[:_DESCRIPTION],
                "usage_hint": " | ".join(c.name.partition(" ")[2] for c in own)[:_HINT],
                "should_escape": True,  # people and channels come as ids, whatever they are called
                **({"url": f"{url}{EVENTS_PATH}"} if url else {}),
            }
        )
    return made


def _shortcuts(commands: Mapping[str, Command]) -> list[Json]:
    """Commands for the menu of each message, and outside of channels. Slack has none of people."""
    made = []
    for command in commands.values():
        pointed = command.menu_argument
        offered = {
            "global": command.shortcut,
            "message": command.menu if pointed is not None and pointed.type is Quote else "",
        }
        for kind, name in offered.items():
            if name:
                _at_most(_SHORTCUT, len(name), f"characters of the shortcut {name!r}")
                what_for = {"callback_id": callback_of(command), "description": command.help}
                made.append({"type": kind, "name": name, **what_for})
                _at_most(_WHAT_FOR, len(command.help), f"characters of the help of /{command.name}")
    _at_most(_SHORTCUTS, len(made), "shortcuts")
    return made


def _at_most(most: int, there_are: int, what: str) -> None:
    if there_are > most:
        msg = f"Slack takes {most} {what}, and there are {there_are}"
        raise ValueError(msg)
