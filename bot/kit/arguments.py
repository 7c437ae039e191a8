"""From what a member typed to the values a command takes, and to the form that asks for them."""

import math
import re
import shlex
from collections.abc import Callable, Mapping
from datetime import date
from difflib import get_close_matches
from enum import Enum
from typing import Any, TypeVar

from bot.kit.command import Argument, Channel, Command, Person, Quote, Refusal, Upload
from bot.kit.message import Form, FormField

_NAMED = re.compile(r"^([a-z][a-z_]*):(.*)$", re.DOTALL)
#: what the smallest of our databases' integers holds
_INTEGERS = range(-(2**31), 2**31)
#: far enough for anybody's plans, and arithmetic in any zone stays inside what datetime holds
_YEARS = range(1900, 2200)
#: no database takes these
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_YES = {"yes", "true", "on", "1", "y"}
_NO = {"no", "false", "off", "0", "n"}
_T = TypeVar("_T")
_KINDS = {
    int: "integer",
    float: "number",
    bool: "boolean",
    date: "date",
    Upload: "file",
    Person: "member",
    Channel: "channel",
    Quote: "message",
}
_CHANNEL_MENTION = re.compile(r"^<#([A-Z0-9]+)(?:\|([^>]*))?>$")  # as Discord and Slack write one
_CHANNEL_NAME = re.compile(r"^\w[\w-]{0,79}$")


def split_line(line: str) -> list[str]:
    """Split *line* at spaces, as a shell does, but forgive an apostrophe and a lone quote."""
    if '"' not in line:
        return line.split()
    lexer = shlex.shlex(line, posix=True, punctuation_chars="")
    lexer.whitespace_split, lexer.commenters, lexer.quotes, lexer.escape = True, "", '"', ""
    try:
        return list(lexer)
    except ValueError:
        return line.split()


def parse_line(line: str, commands: Mapping[str, Command]) -> tuple[Command, dict[str, str]]:
    """Read ``/group action name:value "free words"`` into a command and its raw values.

    Values without a name go to the arguments in order; the words left over belong to the last of
    these, and a free text goes on until the next name, so that nobody needs quotes for a sentence.
    Where a command asks for several free texts, words without a name could be cut anywhere: they
    all begin the first of them, and the form asks for the rest.

    Raises:
        Refusal: There is no such command, or no such argument.
    """
    words = split_line(line.strip().removeprefix("/"))
    name = " ".join(words[:2]).lower()
    if name not in commands:
        raise unknown_command(name, commands)
    command = commands[name]
    values, free = _named_values(command, words[2:])
    _place_free_words(command, values, free)
    return command, values


def _named_values(command: Command, words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Sort *words* into named values and those without a name."""
    values: dict[str, str] = {}
    free: list[str] = []
    goes_on: str | None = None
    for word in words:
        named = _NAMED.match(word)
        if named and named[1] in command.arguments:
            values[named[1]] = named[2]
            goes_on = named[1] if command.arguments[named[1]].is_free_text else None
        elif goes_on:
            values[goes_on] += f" {word}"
        elif named and "//" not in word and (close := _meant(named[1], command)):
            raise Refusal(
                f"/{command.name} takes no {named[1]}.",
                code="E_ARGUMENT",
                expected=command.usage,
                got=word[:100],
                fix=close,
            )
        else:
            free.append(word)
    return values, free


def _meant(name: str, command: Command) -> str:
    """What a name that the command does not take was meant for; empty: it may be plain text."""
    if not command.arguments:
        return "Leave it out."
    close = get_close_matches(name, command.arguments, n=1, cutoff=0.75)
    if close:
        return f"Did you mean {close[0]}:…?"
    if any(a.is_free_text for a in command.arguments.values()):
        return ""
    return "Leave it out, or take one of those."


def _place_free_words(command: Command, values: dict[str, str], free: list[str]) -> None:
    """Give words without a name to the arguments that are open, in their order."""
    open_ones = [
        a for a in command.arguments.values() if a.name not in values and a.type is not Upload
    ]
    texts = [a for a in open_ones if a.is_free_text]
    if command.opens_form and texts and free and not any(" " in word for word in free):
        values[texts[0].name] = " ".join(free)
        return
    for position, argument in enumerate(open_ones):
        if not free:
            break
        last = position == len(open_ones) - 1
        values[argument.name] = " ".join(free) if last else free[0]
        free = [] if last else free[1:]
    if free:
        raise Refusal(
            f"/{command.name} does not know what to do with “{' '.join(free)[:100]}”.",
            code="E_ARGUMENT",
            expected=command.usage,
            got=" ".join(free)[:200],
        )


def unknown_command(name: str, commands: Mapping[str, Command]) -> Refusal:
    close = get_close_matches(name, commands, n=3, cutoff=0.5)
    hint = " or ".join(f"/{c}" for c in close) or "/bookwiz help"
    return Refusal(
        f"There is no command /{name[:100]}.",
        code="E_COMMAND",
        expected="a command that /bookwiz help lists",
        fix=f"Try {hint}.",
    )


def form_of(command: Command, given: Mapping[str, Any], problem: Refusal | None = None) -> Form:
    """The dialog that asks for what *command* takes, filled with what was *given* already."""
    return Form(
        title=command.help,
        command=command.name,
        problem=problem.problem if problem and not problem.field else "",
        fields=tuple(_field(a, given, problem) for a in command.arguments.values()),
    )


def _field(argument: Argument, given: Mapping[str, Any], problem: Refusal | None) -> FormField:
    kind = _KINDS.get(argument.type) or (
        "choice" if argument.choices else "long" if argument.arg.long else "text"
    )
    value = given.get(argument.name, "" if argument.required else argument.default)
    return FormField(
        name=argument.name,
        label=argument.arg.help,
        kind=kind,
        required=argument.required,
        value=""
        if value is None or isinstance(value, Upload)
        else str(getattr(value, "value", value)),
        max_length=argument.arg.max_length if argument.type is str else None,
        choices=tuple((c.value, c.label) for c in argument.choices),
        completes=argument.arg.complete is not None,
        problem=problem.problem if problem and problem.field == argument.name else "",
    )


def missing(command: Command, given: Mapping[str, Any]) -> list[Argument]:
    return [a for a in command.arguments.values() if a.required and _empty(given.get(a.name))]


def convert(command: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn raw values into those the command's function takes. Members stay names, resolved later.

    Raises:
        Refusal: One is missing, unknown, too long or of the wrong kind; ``field`` says which.
    """
    for name in given:
        if name not in command.arguments:
            raise Refusal(
                f"/{command.name} takes no {name[:50]}.", code="E_ARGUMENT", expected=command.usage
            )
    values = {}
    for argument in command.arguments.values():
        raw = given.get(argument.name)
        if not _empty(raw):
            values[argument.name] = _one(argument, raw)
        elif argument.required:
            raise Refusal(
                f"{argument.name.replace('_', ' ').capitalize()} is missing.",
                code="E_MISSING",
                expected=argument.arg.help,
                got="nothing",
                fix=f"Type {command.usage}",
                field=argument.name,
            )
    return values


def _empty(raw: Any) -> bool:
    return raw is None or (isinstance(raw, str) and not _UNSTORABLE.sub("", raw).strip())


def _one(argument: Argument, raw: Any) -> Any:
    if argument.type is Upload:
        if not isinstance(raw, Upload):
            raise _wrong(argument, raw, "an attached file")
        return raw
    if isinstance(raw, (Channel, Quote)):
        return raw
    text = _UNSTORABLE.sub("", str(raw)).strip()
    if len(text) > argument.arg.max_length:
        raise Refusal(
            f"{argument.name.capitalize()} is too long.",
            code="E_TOO_LONG",
            expected=f"at most {argument.arg.max_length:,} characters",
            got=f"{len(text):,} characters",
            fix="Shorten it; attach or link what is longer.",
            field=argument.name,
        )
    if argument.type is Quote:
        return Quote(text=text)
    if argument.type is Channel:
        return _channel(argument, text)
    if argument.choices:
        text = _chosen(argument, text)
    if isinstance(argument.type, type) and issubclass(argument.type, Enum):
        return next(m for m in argument.type if str(m.value) == text)
    try:
        return _plain(argument.type, text)
    except ValueError:
        expected = {
            bool: "yes or no",
            date: "a date such as 2026-11-30",
            int: "a whole number",
            float: "a number",
        }
        raise _wrong(argument, text, expected[argument.type]) from None


def _plain(kind: type, text: str) -> Any:
    """*text* as a value of *kind*; a ValueError where it is none that we can keep."""
    if kind is bool:
        return _truth(text)
    if kind is date:
        return _within(date.fromisoformat(text), lambda day: day.year in _YEARS)
    if kind is int:
        return _within(int(text), _INTEGERS.__contains__)
    if kind is float:
        return _within(float(text), math.isfinite)
    return text


def _within(value: _T, fits: Callable[[_T], bool]) -> _T:
    if fits(value):
        return value
    raise ValueError(value)


def _channel(argument: Argument, text: str) -> Channel:
    """The channel that somebody means: ``general``, ``#general`` or a platform's mention."""
    if mention := _CHANNEL_MENTION.match(text):
        return Channel(id=mention[1], name=mention[2] or "")
    name = text.removeprefix("#")
    if not _CHANNEL_NAME.match(name):
        raise Refusal(
            "That is not the name of a channel.",
            code="E_CHANNEL",
            expected="letters, digits, - and _, such as #general",
            got=text[:100],
            fix="Type # and choose from the list, or copy the channel's name.",
            field=argument.name,
        )
    return Channel(id=name, name=name)


def _chosen(argument: Argument, text: str) -> str:
    """The choice that *text* names by its value or its label, capitals aside."""
    for choice in argument.choices:
        if text.lower() in (choice.value.lower(), choice.label.lower()):
            return choice.value
    raise _wrong(argument, text, ", ".join(c.value for c in argument.choices))


def _truth(text: str) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    raise ValueError(text)


def _wrong(argument: Argument, got: Any, expected: str) -> Refusal:
    return Refusal(
        f"{argument.name.capitalize()} is not what it should be.",
        code="E_ARGUMENT",
        expected=expected,
        got=str(got)[:100],
        fix=argument.arg.help,
        field=argument.name,
    )
