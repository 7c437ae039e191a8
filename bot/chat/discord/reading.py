"""What an interaction says: who is there, what was chosen, what somebody points at."""

from collections.abc import Sequence
from typing import Any

import discord

from bot.chat.discord.answering import Interaction
from bot.kit.command import Channel, Command, Quote
from bot.kit.work import Standing

_Option = discord.AppCommandOptionType
_LONGEST_QUOTE = 4_000
Json = dict[str, Any]


def standing(interaction: Interaction) -> Standing:
    """Where somebody speaks, and what they are there."""
    if interaction.guild_id is None:
        return Standing(space="")
    guild, somebody = interaction.guild, interaction.user
    roles = somebody.roles if isinstance(somebody, discord.Member) else ()
    return Standing(
        space=str(interaction.guild_id),
        space_name=(guild.name or "") if guild is not None else "",
        roles=frozenset(str(role.id) for role in roles if not role.is_default()),
        administers=interaction.permissions.administrator,
    )


def chosen(data: Json) -> tuple[str, list[Json]]:
    """The command's name, and the options below it."""
    names, options = [data["name"]], data.get("options", [])
    while options and options[0]["type"] in {
        _Option.subcommand.value,
        _Option.subcommand_group.value,
    }:
        names.append(options[0]["name"])
        options = options[0].get("options", [])
    return " ".join(names), options


def values_of(options: Sequence[Json], resolved: Json) -> tuple[Json, dict[str, Json]]:
    """What was typed, and the attachment of each option that takes one."""
    values: Json = {}
    files: dict[str, Json] = {}
    for option in options:
        name, value = option["name"], option.get("value")
        match option["type"]:
            case _Option.attachment.value:
                files[name] = resolved["attachments"][value]
            case _Option.user.value:
                values[name] = f"@{value}"
            case _Option.channel.value:
                known = resolved.get("channels", {}).get(value, {})
                values[name] = Channel(id=str(value), name=known.get("name", ""))
            case _:
                values[name] = str(value)
    return values, files


def pointed(command: Command | None, data: Json, interaction: Interaction) -> Json:
    """The message or the person that a menu was opened on, as the command's argument."""
    if command is None or command.menu_argument is None:
        return {}
    target = data["target_id"]
    if data["type"] == discord.AppCommandType.user.value:
        return {command.menu_argument.name: f"@{target}"}
    said = data["resolved"]["messages"][target]
    where = f"{interaction.guild_id or '@me'}/{interaction.channel_id}/{target}"
    quote = Quote(
        text=str(said.get("content", ""))[:_LONGEST_QUOTE],
        author=str(said.get("author", {}).get("id", "")),
        link=f"https://discord.com/channels/{where}",
    )
    return {command.menu_argument.name: quote}
