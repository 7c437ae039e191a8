"""What is meant beside the words of a line: the help of a bare group, and files that came along."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.kit.command import Command, Refusal, Upload


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
