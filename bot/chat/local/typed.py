"""From what was sent to an invocation, and what there is to type."""

from collections.abc import Mapping
from typing import Any

from bot.chat.local.archive import Somebody
from bot.chat.local.requests import Saying
from bot.kit.arguments import form_of, parse_line
from bot.kit.command import Argument, Command, Refusal, Role, Upload
from bot.kit.core import Invocation
from bot.kit.files import FileStore
from bot.kit.message import Place


def invocation_of(
    saying: Saying,
    name: str,
    place: Place,
    uploads: tuple[Upload, ...],
    commands: Mapping[str, Command],
) -> tuple[Invocation, str]:
    """The invocation, and the line to show for it.

    A form's answers are not shown, only the command: a form is where long or private words go.
    """
    who: dict[str, Any] = {
        "platform": "local",
        "handle": saying.handle,
        "name": name,
        "place": place,
    }
    values = {key: _value(value) for key, value in saying.values.items()}
    command, echo = saying.command, f"/{saying.command}"
    if not command and (values or saying.submitted):
        try:
            found, typed = parse_line(saying.text, commands)
        except Refusal:
            pass  # the core says what is wrong with the line
        else:
            command, values = found.name, {**typed, **values}
            echo = f"/{command}"
    if command:
        return (
            Invocation(
                **who,
                command=command,
                values=values,
                attachments=uploads,
                submitted=saying.submitted,
            ),
            echo,
        )
    line = saying.text.strip()
    files = "".join(f" [{upload.name}]" for upload in uploads)
    return Invocation(**who, line=line, attachments=uploads), line + files


def uploads_of(saying: Saying, store: FileStore) -> tuple[Upload, ...]:
    """The files that go with it, if they are what was uploaded."""
    for upload in (*saying.uploads, *filter(_is_upload, map(_value, saying.values.values()))):
        try:
            size = store.path(upload.sha256).stat().st_size
        except (KeyError, FileNotFoundError):
            size = -1
        if size != upload.size:
            raise Refusal(
                f"{upload.name[:100]} was not uploaded.", code="E_NO_FILE", fix="Attach it again."
            )
    return saying.uploads


def described(commands: Mapping[str, Command], somebody: Somebody | None) -> list[dict[str, Any]]:
    """The groups, their commands and what these take, as far as *somebody* may use them."""
    role = somebody.role if somebody else Role.MEMBER
    groups: dict[str, dict[str, Any]] = {}
    for command in commands.values():
        if role < command.who:
            continue
        group = groups.setdefault(
            command.group, {"name": command.group, "help": command.feature.help, "commands": []}
        )
        group["commands"].append(
            {
                "name": command.name,
                "help": command.help,
                "private": command.private,
                "form": command.opens_form,
                "arguments": [_described(command, a) for a in command.arguments.values()],
            }
        )
    return sorted(groups.values(), key=lambda group: group["name"])


def _described(command: Command, argument: Argument) -> dict[str, Any]:
    [field] = [f for f in form_of(command, {}).fields if f.name == argument.name]
    return {
        "name": argument.name,
        "help": argument.arg.help,
        "type": field.kind,
        "required": argument.required,
        "choices": [{"value": c.value, "label": c.label} for c in argument.choices],
        "completes": field.completes,
    }


def _value(value: Any) -> Any:
    """A file that was uploaded is sent as what the upload gave."""
    if isinstance(value, dict) and value.keys() == {"sha256", "name", "size"}:
        return Upload.model_validate(value)
    return value


def _is_upload(value: Any) -> bool:
    return isinstance(value, Upload)
