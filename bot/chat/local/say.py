"""``bookwiz say``: what can be done in the page, from a shell or a script."""

import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bot.chat.local.connection import Connection, Rejected, Unreachable, find
from bot.kit.message import Form, Message

_POLL_SECONDS = 0.4
_REFUSED, _NO_USE = 1, 2


@dataclass
class Conversation:
    """One line, what came of it, and where it is followed to."""

    connection: Connection
    channel: str
    as_json: bool
    wait: bool
    timeout: float
    answers: list[dict[str, Any]] = field(default_factory=list)
    finals: list[dict[str, Any]] = field(default_factory=list)
    open_keys: list[str] = field(default_factory=list)  #: followed, and not over yet

    @property
    def latest(self) -> list[Message]:
        """The messages that stand now, newest first: those followed to, then the answers."""
        told = [final["message"] for final in reversed(self.finals)]
        told += [a["message"] for a in reversed(self.answers) if a.get("message")]
        return [Message.model_validate(body) for body in told]

    def send(self, *, press: str = "", **line: Any) -> None:
        """Say it, show the answer and, if asked to, follow what it causes.

        Where a button is to be pressed next, follow only until it is there.
        """
        answer = self.connection.post("/api/say", channel=self.channel, **line)
        self.answers.append(answer)
        if answer.get("message"):
            self._show(Message.model_validate(answer["message"]))
        if answer["refused"]:
            raise click.exceptions.Exit(_REFUSED)
        if answer.get("form"):
            self._form(Form.model_validate(answer["form"]))
            raise click.exceptions.Exit(_NO_USE)
        self.open_keys = list(dict.fromkeys([*self.open_keys, *answer["follow"]]))
        if self.wait or (press and _command(self.latest, press) is None):
            for key in tuple(self.open_keys):
                self._follow(key, press)

    def button(self, label: str) -> str:
        """The command of the button of that label on what was said last."""
        messages = self.latest or [
            Message.model_validate(posted["message"])
            for posted in reversed(
                self.connection.get("/api/messages", channel=self.channel)["messages"]
            )
        ]
        if (command := _command(messages, label)) is not None:
            return command
        labels = [button.label for message in messages for button in message.buttons()]
        there = ", ".join(dict.fromkeys(labels)) or "none"
        raise click.UsageError(f"There is no button {label!r}; there is: {there}")

    def _follow(self, key: str, press: str) -> None:
        end, told = time.monotonic() + self.timeout, ""
        while time.monotonic() < end:
            posted = self._at(key)
            if posted is not None:
                message = Message.model_validate(posted["message"])
                if _command([message], press) is not None:
                    self.finals.append(posted)
                    return
                if not posted["pending"]:
                    self.open_keys.remove(key)
                    self.finals.append(posted)
                    self._show(message)
                    if posted["failed"]:
                        self._why(key)
                        raise click.exceptions.Exit(_REFUSED)
                    return
                if (words := self._words(message)) != told:
                    click.echo(words + "\n", err=True)
                    told = words
            time.sleep(_POLL_SECONDS)
        click.echo(f"It is not over after {self.timeout:.0f} s; it goes on by itself.", err=True)
        raise click.exceptions.Exit(_NO_USE)

    def _why(self, key: str) -> None:
        """Show the reason for a failure, which only the person concerned may see."""
        if (reason := self._at(f"{key}:why")) is not None:
            self.finals.append(reason)
            self._show(Message.model_validate(reason["message"]))

    def _at(self, key: str) -> dict[str, Any] | None:
        try:
            posted: dict[str, Any] = self.connection.get("/api/messages/by-key", key=key)
        except Rejected as rejected:
            if rejected.code == "E_NOT_YET":
                return None
            raise
        return posted

    def _show(self, message: Message) -> None:
        if not self.as_json:
            click.echo(self._words(message) + "\n")

    def _form(self, form: Form) -> None:
        if not self.as_json:
            from bot.chat.local.terminal import form_in_words

            click.echo(form_in_words(form), err=True)

    def _words(self, message: Message) -> str:
        from bot.chat.local.terminal import words_of

        return words_of(message, url=self.connection.url)


@click.command()
@click.argument("text", required=False, default="")
@click.option("--as", "who", default="ada", show_default=True, help="Handle of who speaks.")
@click.option("--channel", default="general", show_default=True, help="Where; @HANDLE is direct.")
@click.option("--thread", help="Id of the message whose thread it belongs to.")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Attach a file; may be repeated.",
)
@click.option("--form", "fields", multiple=True, metavar="NAME=VALUE", help="Fill in the form.")
@click.option("--press", metavar="LABEL", help="Press this button of the answer.")
@click.option("--wait", is_flag=True, help="Follow what it starts until that is over.")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds to --wait at most.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the running bot; found by itself on this machine.",
)
def say(
    text: str,
    who: str,
    channel: str,
    thread: str | None,
    files: tuple[Path, ...],
    fields: tuple[str, ...],
    press: str | None,
    wait: bool,
    timeout: float,
    as_json: bool,
    port: int | None,
) -> None:
    """Say TEXT in the local chat of a running bot, and print what it answers.

    Exit code: 0 done, 1 refused or failed, 2 nothing was done or it is not over yet.
    """
    if not text and not press and not files:
        raise click.UsageError('Say something, such as: bookwiz say "/bookwiz help"')
    code = 0
    talk = None
    try:
        talk = Conversation(Connection(find(port), who), channel, as_json, wait, timeout)
        more: dict[str, Any] = {"thread": thread} if thread else {}
        filled: dict[str, Any] = {"values": _filled(fields), "submitted": True} if fields else {}
        if text or files:
            uploads = [talk.connection.upload(file) for file in files]
            filled_now: dict[str, Any] = {} if press else filled
            talk.send(press=press or "", text=text, uploads=uploads, **more, **filled_now)
        if press:
            command = talk.button(press)
            talk.finals.clear()
            talk.send(text=command, pressed=True, **more, **filled)
    except click.exceptions.Exit as end:
        code = end.exit_code
    except Rejected as rejected:
        if as_json:
            click.echo(json.dumps({"answer": rejected.answer, "final": []}, indent=2))
        click.echo(str(rejected), err=True)
        sys.exit(_REFUSED)
    except Unreachable as unreachable:
        click.echo(str(unreachable), err=True)
        sys.exit(_NO_USE)
    if as_json and talk and talk.answers:
        click.echo(json.dumps({"answer": talk.answers[-1], "final": talk.finals}, indent=2))
    sys.exit(code)


def _command(messages: list[Message], label: str) -> str | None:
    """The command of the first button of that label."""
    wanted = label.casefold()
    buttons = (button for message in messages for button in message.buttons())
    return next((b.command for b in buttons if b.label.casefold() == wanted), None)


def _filled(fields: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(field.split("=", 1) for field in fields if "=" in field)
    if len(pairs) != len(fields):
        raise click.UsageError("--form takes NAME=VALUE, each name once")
    return pairs
