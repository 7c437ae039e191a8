"""Neutral message blocks. Adapters turn them into what their platform shows best.

Text is CommonMark with four link schemes of our own, so that a template stays readable:

=============================================  ==============================================
``[Mon 09:00](when:2026-11-23T09:00:00+00:00)``  an instant, shown in each reader's local time
``[Ada](member:12)``                             a member; never a ping
``[#general](channel:discord/123)``              a channel
``[Cancel](</model cancel submission:ab12>)``    a button, when it stands alone in a paragraph
=============================================  ==============================================

``![text alternative](blob:SHA256/name.png)`` alone in a paragraph is a picture and
``[name](blob:SHA256/name)`` a file.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Text(_Frozen):
    """Some paragraphs, lists and headings."""

    kind: Literal["text"] = "text"
    markdown: str


class Fields(_Frozen):
    """Names and values, a pair a line. Both are inline markdown."""

    kind: Literal["fields"] = "fields"
    pairs: tuple[tuple[str, str], ...]


class Table(_Frozen):
    """Rows under a head. Cells are inline markdown."""

    kind: Literal["table"] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: tuple[Literal["left", "right", "center"], ...]


class Image(_Frozen):
    """A picture in the file store, and the words for whoever cannot see it."""

    kind: Literal["image"] = "image"
    sha256: str
    name: str
    alt: str


class File(_Frozen):
    """A file in the file store, offered for download."""

    kind: Literal["file"] = "file"
    sha256: str
    name: str
    label: str


class Button(_Frozen):
    """A command that one press types."""

    label: str
    command: str  #: as a member would type it: ``/model cancel submission:ab12``
    style: Literal["plain", "primary", "danger"] = "plain"


class Buttons(_Frozen):
    """Buttons in a row."""

    kind: Literal["buttons"] = "buttons"
    buttons: tuple[Button, ...]


Block = Annotated[Text | Fields | Table | Image | File | Buttons, Field(discriminator="kind")]


class Occasion(_Frozen):
    """Something that takes place. Platforms with a calendar of their own show it there, too."""

    name: str
    starts: datetime
    ends: datetime
    where: str
    called_off: bool = False


class Room(_Frozen):
    """A conversation of its own that its first message opens."""

    name: str
    people: tuple[str, ...] = ()  #: handles of who is in it; empty: whoever sees the channel


class Message(_Frozen):
    """What the bot says in one go."""

    blocks: tuple[Block, ...]
    private: bool = False  #: only the member who asked sees it
    pending: bool = False  #: more is to come in this same message
    failed: bool = False  #: this is how something ended badly
    occasion: Occasion | None = None  #: what it announces, beside the words about it

    def plain(self) -> str:
        """The words alone, as markdown: the fallback of every platform, and what ``say`` prints."""
        return "\n\n".join(part for block in self.blocks if (part := _plain(block)))

    def buttons(self) -> tuple[Button, ...]:
        return tuple(
            b for block in self.blocks if isinstance(block, Buttons) for b in block.buttons
        )


class Place(_Frozen):
    """Where a message can stand."""

    platform: str
    channel: str
    thread: str | None = None  #: id of the message the thread hangs on
    private_to: str | None = None  #: handle of the one account that sees it
    room: Room | None = None  #: what the message opens there, and stands in
    public: bool = False  #: surely everybody of the community may read there


class MessageRef(_Frozen):
    """A message that was sent, for editing it later. Outlives every interaction token."""

    platform: str
    channel: str
    id: str  #: where it had to be split, the ids of its parts with commas between
    files: tuple[str, ...] = ()  #: what hangs on it already, by sha256, where that is not replaced
    room: Place | None = None  #: where more is said in the room that it opened
    occasion: str = ""  #: the platform's id of what it announced


class FormField(_Frozen):
    """One thing a form asks for."""

    name: str
    label: str
    kind: Literal[
        "text",
        "long",
        "integer",
        "number",
        "boolean",
        "date",
        "choice",
        "file",
        "member",
        "channel",
        "message",
    ]
    required: bool = True
    value: str = ""
    max_length: int | None = None
    choices: tuple[tuple[str, str], ...] = ()  #: (value, label)
    completes: bool = False  #: suggestions can be asked for while typing
    problem: str = ""  #: what was wrong with the last try


class Form(_Frozen):
    """A dialog that, when sent, runs *command* with its fields as arguments."""

    title: str
    command: str  #: such as ``checkin now``
    fields: tuple[FormField, ...]
    problem: str = ""


def _plain(block: Any) -> str:
    match block:
        case Text():
            return block.markdown
        case Fields():
            return "\n".join(f"{name}: {value}" for name, value in block.pairs)
        case Table():
            widths = [
                max(len(row[i]) for row in (block.head, *block.rows))
                for i in range(len(block.head))
            ]
            return "\n".join(
                "  ".join(
                    cell.rjust(width) if align == "right" else cell.ljust(width)
                    for cell, width, align in zip(row, widths, block.align, strict=True)
                ).rstrip()
                for row in (block.head, *block.rows)
            )
        case Image():
            return f"[picture] {block.alt}"
        case File():
            return f"[file] {block.label}"
        case _:
            return "  ".join(f"[{button.label}]" for button in block.buttons)
