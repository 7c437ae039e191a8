"""What the page and ``say`` may send."""

import re
from typing import Annotated, Any

from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from bot.kit.command import Refusal, Upload
from bot.kit.core import Invocation
from bot.kit.message import Place

_HANDLE = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,31}")


def _handle(text: str) -> str:
    handle = text.strip().removeprefix("@").lower()
    if not _HANDLE.fullmatch(handle):
        raise ValueError("a handle is made of small letters, digits, dots and dashes, 32 at most")
    return handle


Handle = Annotated[str, AfterValidator(_handle)]
Channel = Annotated[str, StringConstraints(pattern=r"^@?[a-z0-9][a-z0-9_.\-]{0,48}$")]
_LONGEST_LINE = 8000
_LARGEST_ID = 2**53


def _line(text: str) -> str:
    if len(text) > _LONGEST_LINE:
        # Not a ValueError: pydantic would make its own sentence of it.
        raise Refusal(
            "That is too long for one message.",
            code="E_TOO_LONG",
            expected=f"at most {_LONGEST_LINE:,} characters",
            got=f"{len(text):,} characters",
            fix="Shorten it, or attach it as a file.",
        )
    return text


def _channel_name(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9\-]{0,48}", text):
        raise ValueError("a channel is named in small letters, digits and dashes, 49 at most")
    return text


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Joining(_Sent):
    """Somebody new."""

    handle: Handle
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class NewChannel(_Sent):
    name: Annotated[str, AfterValidator(_channel_name)]
    topic: Annotated[str, StringConstraints(max_length=200)] = ""


class Saying(_Sent):
    """A line, a form that was filled in, or a button that was pressed.

    ``values`` with a line that is a command are added to what the line says.
    """

    handle: Annotated[Handle, Field(alias="as")]
    channel: Channel = "general"
    thread: str | None = None
    text: Annotated[str, AfterValidator(_line)] = ""
    uploads: tuple[Upload, ...] = ()
    command: str = ""
    values: dict[str, Any] = {}
    submitted: bool = False
    pressed: bool = False  #: nobody typed it, so nothing is shown as typed


class Suggesting(_Sent):
    """An argument's value being typed."""

    handle: Annotated[Handle, Field(alias="as")]
    channel: Channel = "general"
    command: str
    argument: str
    text: str = ""
    values: dict[str, Any] = {}

    def invocation(self, name: str, place: Place) -> Invocation:
        return Invocation(
            "local", self.handle, name, place, command=self.command, values=self.values
        )


class _Asking(BaseModel):
    handle: Handle


def handle_of(request: web.Request) -> str:
    """Who asks."""
    if not request.query.get("as"):
        raise Refusal("Say who asks, such as ?as=ada.", code="E_REQUEST")
    return _Asking(handle=request.query["as"]).handle


def required(request: web.Request, name: str) -> str:
    if not (value := request.query.get(name, "")):
        raise Refusal(f"{name} is missing.", code="E_REQUEST")
    return value


def number(request: web.Request, name: str) -> int | None:
    """A message's id out of the query; None where it is absent."""
    value = request.query.get(name, "")
    if not value:
        return None
    if not value.isdecimal() or int(value) > _LARGEST_ID:
        raise Refusal(f"{name} is not the id of a message.", code="E_REQUEST", got=value[:50])
    return int(value)
