"""What is meant beside the words of a line.

The help of a bare group, files that came along, people who are named, and what is to be asked for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.kit.arguments import missing
from bot.kit.command import Command, Person, Refusal, Upload
from bot.kit.work import Context


def help_line(line: str, commands: Mapping[str, Command]) -> str:
    """*line*, or what explains the group where it names one alone: every group has help."""
    words = line.strip().removeprefix("/").split()
    groups = {c.group for c in commands.values()}
    if not words or words[0] not in groups or words[1:] not in ([], ["help"]):
        return line
    if f"{words[0]} help" in commands:
        return f"/{words[0]} help"
    return f"/bookwiz help topic:{words[0]}" if "bookwiz help" in commands else line


def attach(command: Command, values: dict[str, Any], files: Sequence[Upload]) -> None:
    """Give *files* to the arguments of *command* that take one and have none, in their order.

    Raises:
        Refusal: There are more than it takes.
    """
    waiting = list(files)
    for argument in command.arguments.values():
        taken = isinstance(values.get(argument.name), Upload)
        if argument.type is Upload and waiting and not taken:
            values[argument.name] = waiting.pop(0)
    if waiting:
        takes_any = any(a.type is Upload for a in command.arguments.values())
        raise Refusal(
            f"/{command.name} does not take {'that many files' if takes_any else 'a file'}.",
            code="E_ARGUMENT",
            expected=command.usage,
            got=", ".join(u.name for u in waiting)[:100],
        )


def opens(command: Command, values: Mapping[str, Any], *, fileless: bool) -> bool:
    """Whether a form must ask for what *values* lack; *fileless*: no file can go with a line."""
    if not command.arguments:
        return False
    if missing(command, values):
        return True
    asks = fileless and any(a.type is Upload for a in command.arguments.values())
    return not values and (command.opens_form or asks)


async def with_now(context: Context, values: Mapping[str, Any]) -> dict[str, Any]:
    """*values*, and what is set by now of those that are not given."""
    told = {a.name: a.arg.now for a in context.command.arguments.values() if a.arg.now}
    return {n: await now(context) for n, now in told.items() if n not in values} | dict(values)


async def resolved(context: Context, values: dict[str, Any]) -> dict[str, Any]:
    """*values* with the members whom they name.

    Raises:
        Refusal: Nobody is called so.
    """
    for name, value in values.items():
        if context.command.arguments[name].type is not Person or not isinstance(value, str):
            continue
        found = await context.services.people.named(context.session, context.account, value)
        if found is None:
            raise Refusal(
                f"Nobody here is called {value[:50]}.",
                code="E_MEMBER",
                expected="a member's name or handle",
                fix="Type @ and the first letters, and choose from the list.",
                field=name,
            )
        values[name] = found
    return values
