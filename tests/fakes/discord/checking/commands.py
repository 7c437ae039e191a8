"""Application commands: names, options, choices, and how many there may be."""

import re
from collections import Counter

from tests.fakes.discord import limits
from tests.fakes.discord.choosing import CHANNEL, GROUP, INTEGER, NUMBER, STRING, SUBCOMMAND

from .modals import choices

NAME = re.compile(r"^[-_'\w]{1,32}$")
COMMAND = (
    "name", "name_localizations", "description", "description_localizations", "options",
    "default_member_permissions", "dm_permission", "contexts", "integration_types", "type", "nsfw",
    "handler", "id",
)  # fmt: skip
OPTION = (
    "type", "name", "name_localizations", "description", "description_localizations", "required",
    "choices", "options", "channel_types", "min_value", "max_value", "min_length", "max_length",
    "autocomplete",
)  # fmt: skip
CHAT, MENU_OF_ACCOUNTS, MENU_OF_MESSAGES = 1, 2, 3
ONLY = {
    "choices": (STRING, INTEGER, NUMBER),
    "autocomplete": (STRING, INTEGER, NUMBER),
    "min_value": (INTEGER, NUMBER),
    "max_value": (INTEGER, NUMBER),
    "min_length": (STRING,),
    "max_length": (STRING,),
    "channel_types": (CHANNEL,),
    "options": (SUBCOMMAND, GROUP),
}


def registered(found, body, files, file_limit):
    """Check all commands of a bulk registration."""
    kinds = Counter(command.get("type", CHAT) for command in body)
    for kind, most in ((CHAT, limits.COMMANDS), (2, limits.MENUS), (3, limits.MENUS)):
        if kinds[kind] > most:
            words = f"Maximum number of application commands of type {kind} reached ({most})"
            found.add((), "APPLICATION_COMMAND_TOO_MANY", words)
    names = Counter((c.get("type", CHAT), c.get("name")) for c in body)
    for number, command in enumerate(body):
        at = (number,)
        _command(found, at, command)
        if names[command.get("type", CHAT), command.get("name")] > 1:
            words = "Application command names must be unique"
            found.add((*at, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", words)


def _command(found, at, command):
    found.fields(at, command, COMMAND, needed=("name",))
    kind, description = command.get("type", CHAT), command.get("description")
    if kind == CHAT:
        _name(found, at, command.get("name"))
        found.text((*at, "description"), description, limits.COMMAND_DESCRIPTION, least=1)
        options(found, (*at, "options"), command.get("options") or [], depth=0)
        size = _characters(command)
        if size > limits.COMMAND_CHARACTERS:
            words = f"Command exceeds maximum size ({limits.COMMAND_CHARACTERS}); it is {size}"
            found.add(at, "APPLICATION_COMMAND_TOO_LARGE", words)
        return
    found.text((*at, "name"), command.get("name"), limits.COMMAND_NAME, least=1)
    if description or command.get("options"):
        words = "Menus have neither description nor options"
        found.add(at, "APPLICATION_COMMAND_INVALID", words)


def _name(found, at, name):
    if not isinstance(name, str) or not NAME.match(name) or name != name.lower():
        words = f"String value did not match validation regex: {name!r}"
        found.add((*at, "name"), "APPLICATION_COMMAND_INVALID_NAME", words)


def _characters(node):
    """Give how many characters of names, descriptions and choices count."""
    own = sum(len(str(node.get(name) or "")) for name in ("name", "description", "value"))
    inner = [*(node.get("options") or ()), *(node.get("choices") or ())]
    return own + sum(_characters(part) for part in inner)


def options(found, at, given, *, depth):
    """Check options; subcommands stand one level deep, or two inside a group."""
    found.count(at, given, limits.COMMAND_OPTIONS)
    if len({o.get("name") for o in given}) < len(given):
        found.add(at, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", "A name comes twice")
    nested = [o.get("type") in (SUBCOMMAND, GROUP) for o in given]
    if any(nested) and not all(nested):
        words = "Sub-commands and plain options cannot be mixed"
        found.add(at, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words)
    required = [bool(o.get("required")) for o in given]
    if required != sorted(required, reverse=True):
        words = "Required options must be placed before non-required options"
        found.add(at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words)
    for number, option in enumerate(given):
        _option(found, (*at, number), option, depth)


def _option(found, at, option, depth):
    found.fields(at, option, OPTION, needed=("type", "name", "description"))
    kind = option.get("type")
    found.one_of((*at, "type"), kind, tuple(range(1, 12)))
    _name(found, at, option.get("name"))
    found.text((*at, "description"), option.get("description"), 100, least=1)
    for name, kinds in ONLY.items():
        if option.get(name) and kind not in kinds:
            found.add((*at, name), "APPLICATION_COMMAND_OPTION_INVALID", f"Not of type {kind}")
    if (kind == GROUP and depth) or (kind == SUBCOMMAND and depth > 1):
        found.add((*at, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Too deep")
        return
    if kind in (SUBCOMMAND, GROUP):
        inner = option.get("options") or []
        options(found, (*at, "options"), inner, depth=depth + 1 if kind == GROUP else 2)
        if kind == GROUP and any(o.get("type") != SUBCOMMAND for o in inner):
            words = "A group holds sub-commands"
            found.add((*at, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words)
    choices(found, (*at, "choices"), option.get("choices") or [])
    if option.get("choices") and option.get("autocomplete"):
        words = "Choices and autocomplete exclude each other"
        found.add((*at, "autocomplete"), "APPLICATION_COMMAND_OPTION_INVALID", words)
