"""The page of all commands, made from what the features declare."""

from bot.features import discover
from bot.kit.command import Command, Person, Quote, Role, Upload
from bot.kit.feature import commands_of

HEAD = """# Commands

Declared once, by the features; every platform shows them in its own way. On Discord each is a typed
slash command with suggestions. On Slack `/group` takes the rest as text, and a form opens where
something is missing; in threads, where Slack has no slash commands, mention the bot. The local chat
reads lines like these.

What is **required** stands bold. *Private*: only you see the answer. A lead may what a member may, and
so on up to the admin.

"""
_WHO = {
    Role.MEMBER: "everybody",
    Role.LEAD: "circle leads",
    Role.MODERATOR: "moderators",
    Role.ADMIN: "admins",
}
_KINDS = {Upload: "a file", Person: "a member", Quote: "a message"}


def commands_page() -> str:
    features = discover()
    commands = sorted(commands_of(features).values(), key=lambda c: c.name)
    groups = {c.group: c.feature.groups.get(c.group, c.feature.help) for c in commands}
    parts = [HEAD]
    for group, help_ in groups.items():
        rows = [_row(c) for c in commands if c.group == group]
        parts.append(
            f"## /{group}\n\n{help_}.\n\n| Command | What it does | What it takes | Who |\n|---|---|---|---|\n"
        )
        parts.extend([*rows, "\n"])
    return "".join(parts).rstrip() + "\n"


def _row(command: Command) -> str:
    who = _WHO[command.who] + (", *private*" if command.private else "")
    does = command.help + "".join(
        f". {where}: *{name}*"
        for where, name in (("In the menu", command.menu), ("Shortcut", command.shortcut))
        if name
    )
    return f"| `/{command.name}` | {_cell(does)} | {_takes(command)} | {who} |\n"


def _takes(command: Command) -> str:
    told = []
    for argument in command.arguments.values():
        name = f"**{argument.name}**" if argument.required else argument.name
        choices = ", ".join(c.value for c in argument.choices)
        kind = choices or _KINDS.get(argument.type, "")
        told.append(f"{name}: {_cell(argument.arg.help)}{f' ({kind})' if kind else ''}")
    return "<br>".join(told)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
