"""The command registry as Discord wants it: groups of slash commands, and entries of menus.

Limits: names of 1 to 32 small letters, digits, ``-`` and ``_``; descriptions of 100 characters; 25
actions a group, 25 options, 25 choices; 100 groups; 5 entries in each menu (Discord's reference).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import discord

from bot.kit.command import Argument, Channel, Command, Person, Quote, Role, Upload
from bot.kit.feature import Feature

_MOST = 25
_MENU_ENTRIES = 5
_DESCRIPTION, _CHOICE = 100, 100
_NAME = re.compile(r"^[-_a-z0-9]{1,32}$")
_Option = discord.AppCommandOptionType
_TYPES = {
    int: _Option.integer,
    float: _Option.number,
    bool: _Option.boolean,
    Person: _Option.user,
    Channel: _Option.channel,
    Upload: _Option.attachment,
    date: _Option.string,
    Quote: _Option.string,
}
_CHOSEN = {Person, Channel, Upload, bool}  # Discord has a list or a switch of its own for these
#: whose servers let members see a group by default; an administrator of the server may change it
_DEFAULTS = {
    Role.MODERATOR: discord.Permissions(moderate_members=True),
    Role.ADMIN: discord.Permissions(manage_guild=True),
}
_GUILD, _DIRECT = 0, 1  # where a command can be typed
_SLASH = discord.AppCommandType.chat_input.value
Json = dict[str, Any]


def payload(commands: Mapping[str, Command], features: Mapping[str, Feature]) -> list[Json]:
    """What one request registers: everything, in an order that does not depend on the files'.

    Raises:
        ValueError: Discord cannot show a command as it is declared.
    """
    groups: dict[str, list[Command]] = {}
    for command in sorted(commands.values(), key=lambda c: c.name):
        groups.setdefault(command.group, []).append(command)
    helps = {name: text for f in features.values() for name, text in f.groups.items()}
    return [
        *(_group(name, inside, helps.get(name, "")) for name, inside in groups.items()),
        *_menu(commands, Person, discord.AppCommandType.user),
        *_menu(commands, Quote, discord.AppCommandType.message),
    ]


def fingerprint(registered: list[Json]) -> str:
    """Changes when, and only when, Discord must be told anew."""
    return hashlib.sha256(json.dumps(registered, sort_keys=True).encode()).hexdigest()


def _group(name: str, commands: list[Command], help: str) -> Json:
    least = min(c.who for c in commands)
    allowed = _DEFAULTS.get(Role(least))
    if len(commands) > _MOST:
        msg = f"/{name} has {len(commands)} actions; Discord shows {_MOST}"
        raise ValueError(msg)
    return {
        "type": _SLASH,
        "name": _named(name),
        "description": _short(help or commands[0].feature.help),
        "options": [_action(command) for command in commands],
        "default_member_permissions": allowed.value if allowed else None,
        "contexts": [_GUILD, _DIRECT],
        "integration_types": [0],
    }


def _action(command: Command) -> Json:
    # A form asks for several texts better than the line does: there nothing has to be typed.
    options = [
        _option(a, required=a.required and not command.opens_form)
        for a in command.arguments.values()
    ]
    return {
        "type": _Option.subcommand.value,
        "name": _named(command.name.partition(" ")[2]),
        "description": _short(command.help),
        "options": sorted(options, key=lambda option: not option["required"]),
    }


def _option(argument: Argument, *, required: bool) -> Json:
    made: Json = {
        "type": _TYPES.get(argument.type, _Option.string).value,
        "name": _named(argument.name),
        "description": _short(argument.arg.help),
        "required": required,
    }
    if argument.type is Channel:
        made["channel_types"] = [0, 5, 10, 11, 12, 15]
    if argument.type is str:
        made["max_length"] = min(argument.arg.max_length, 6_000)
    suggests = argument.arg.complete is not None and argument.type not in _CHOSEN
    if len(argument.choices) > _MOST or suggests:
        made["autocomplete"] = True
        made.pop("max_length", None)  # suggestions may be labelled at length
    elif argument.choices:
        made.pop("max_length", None)
        made["choices"] = [
            {"name": c.label[:_CHOICE], "value": c.value[:_CHOICE]} for c in argument.choices
        ]
    return made


def _menu(
    commands: Mapping[str, Command], points_at: type, kind: discord.AppCommandType
) -> list[Json]:
    entries = [
        command
        for command in sorted(commands.values(), key=lambda c: c.name)
        if command.menu_argument is not None and command.menu_argument.type is points_at
    ]
    if len(entries) > _MENU_ENTRIES:
        msg = f"{len(entries)} entries in one menu; Discord shows {_MENU_ENTRIES}"
        raise ValueError(msg)
    return [
        {
            "type": kind.value,
            "name": command.menu[:32],
            "contexts": [_GUILD],
            "integration_types": [0],
            "default_member_permissions": None,
        }
        for command in entries
    ]


def of_menu(commands: Mapping[str, Command], name: str) -> Command | None:
    """The command that an entry of a menu stands for."""
    return next((c for c in commands.values() if c.menu and c.menu[:32] == name), None)


def _named(name: str) -> str:
    if not _NAME.match(name):
        msg = f"{name!r} is no name for Discord: 1 to 32 of a-z, 0-9, - and _"
        raise ValueError(msg)
    return name


def _short(text: str) -> str:
    text = text.strip() or "—"
    return text if len(text) <= _DESCRIPTION else text[: _DESCRIPTION - 1] + "…"
