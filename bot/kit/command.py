"""How a feature declares what members may type, and what happens by itself.

A command is declared once, as a typed function. Every platform derives its own form from that:
slash options, a text parser, a dialog, help. Nothing here knows any of them.
"""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from bot.kit.feature import Feature
    from bot.kit.work import Context, Work

REQUIRED = inspect.Parameter.empty


class Role(IntEnum):
    """What somebody may do. A higher one includes the lower."""

    MEMBER = 0
    LEAD = 1
    MODERATOR = 2
    ADMIN = 3


class Person(Protocol):
    """A member, as far as the kit needs to know one. As an argument's type: "name a member"."""

    id: int
    name: str
    timezone: str
    role: int


class Upload(BaseModel):
    """A file that a member sent, already in the file store. As an argument's type: "attach"."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    size: int  #: bytes


class Channel(BaseModel):
    """A channel of the platform it was named on. As an argument's type: "choose a channel"."""

    model_config = ConfigDict(frozen=True)

    id: str  #: as a ``Place`` bears it
    name: str = ""  #: as people know it, where the platform told us


class Quote(BaseModel):
    """A message that somebody points at. As an argument's type: "this message".

    Where a platform has no menu on messages, its words or a link to it are typed instead.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    author: str = ""  #: the platform's id of whoever wrote it
    link: str = ""  #: where it stands


@dataclass(frozen=True)
class Choice:
    """One value an argument may take, and what members read for it."""

    value: str
    label: str


@dataclass(frozen=True)
class Arg:
    """What a member reads beside one argument of a command, and what it may be."""

    help: str
    max_length: int = 200
    choices: tuple[Choice, ...] = ()
    #: suggests values while a member types: what was typed so far → choices, best first
    complete: "Callable[[Context, str], Awaitable[list[Choice]]] | None" = None
    long: bool = False  #: several lines, in a form
    #: what a form holds before anybody fills it in, such as what is set already
    now: "Callable[[Context], Awaitable[str]] | None" = None

    def __post_init__(self) -> None:
        if len(self.help) > 100:  # noqa: PLR2004 - what Discord shows
            msg = f"the help {self.help!r} is longer than the 100 characters a platform shows"
            raise ValueError(msg)


class Refusal(Exception):  # noqa: N818 - not an error: an answer
    """A reason not to do what was asked, said privately to the member.

    Nothing is written, unless *kept* says that what the command wrote is to stay.

    Args:
        problem: One sentence: what was wrong.
        code: For bug reports and the table of codes; ``E_…``.
        expected: What would have been right.
        got: What came instead.
        fix: What to do next.
        field: The argument it is about, so that a form can show it there.
        lines: Lines to copy, shown as they are under the fix.
        kept: What was written stays, such as the count of wrong tries.
    """

    def __init__(
        self,
        problem: str,
        *,
        code: str = "E_REFUSED",
        expected: str = "",
        got: str = "",
        fix: str = "",
        field: str = "",
        lines: str = "",
        kept: bool = False,
    ) -> None:
        super().__init__(problem)
        self.problem, self.code, self.field = problem, code, field
        self.expected, self.got, self.fix, self.lines = expected, got, fix, lines
        self.kept = kept


class Retry(Exception):  # noqa: N818 - not an error: a request
    """Try again later: the other side said so, or is away for now."""

    def __init__(
        self,
        after: timedelta,
        reason: str = "",
        *,
        unsent: bool = False,
        everywhere: bool = False,
    ) -> None:
        """Ask for another try.

        Args:
            after: How long to wait.
            reason: Why, in words.
            unsent: Surely nothing of a message has arrived by this try.
            everywhere: The whole platform is to be left alone for so long, not only one channel.
        """
        super().__init__(reason or f"try again in {after}")
        self.after, self.unsent, self.everywhere = after, unsent, everywhere


@dataclass(frozen=True)
class Reply:
    """A template of the feature and what it shows. ``private`` None: as the command declares."""

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    private: bool | None = None


@dataclass(frozen=True)
class Page:
    """What a visitor of a web page sees: a template of the feature, or a file of the store."""

    template: str = ""  #: ``name.html.j2``
    values: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""  #: instead of a template: this file
    media_type: str = "text/html"  #: of the file
    name: str = ""  #: offered for download under this name


@dataclass(frozen=True)
class WebPage:
    """An address of the web server that a feature answers. Anybody may ask, without an account."""

    feature: "Feature"
    path: str  #: ``/board/{name}``; what stands in braces is passed on by name
    run: "Callable[..., Awaitable[Page | None]]"
    asks: bool = False  #: whether it takes the query of the address


@dataclass(frozen=True)
class Argument:
    """One argument of a command, read from the function's signature."""

    name: str
    type: type  #: one of ARGUMENT_TYPES, or an Enum
    arg: Arg
    default: Any  #: REQUIRED where there is none

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    @property
    def choices(self) -> tuple[Choice, ...]:
        if isinstance(self.type, type) and issubclass(self.type, Enum):
            return tuple(Choice(str(m.value), str(m.value)) for m in self.type)
        return self.arg.choices

    @property
    def is_free_text(self) -> bool:
        return self.type is str and not self.choices and self.arg.complete is None


@dataclass(frozen=True)
class Command:
    """One thing members may type: ``/group action``."""

    feature: "Feature"
    name: str  #: "group action"
    help: str
    run: "Callable[..., Awaitable[Reply]]"
    arguments: dict[str, Argument]
    who: Role
    private: bool
    menu: str = ""  #: beside a message or a member, what a menu calls it: see ``Feature.command``
    shortcut: str = ""  #: what a button outside of any channel calls it

    @property
    def menu_argument(self) -> "Argument | None":
        """What its menu fills in: the message or the member that somebody points at."""
        pointed = (a for a in self.arguments.values() if a.type in {Quote, Person})
        return next(pointed, None) if self.menu else None

    @property
    def group(self) -> str:
        return self.name.partition(" ")[0]

    @property
    def opens_form(self) -> bool:
        """Whether typing it bare opens a form: it asks for more than one free text."""
        return sum(a.is_free_text for a in self.arguments.values()) > 1

    @property
    def usage(self) -> str:
        words = [f"{a.name}:…" if a.required else f"[{a.name}:…]" for a in self.arguments.values()]
        return " ".join([f"/{self.name}", *words])


@dataclass(frozen=True)
class Schedule:
    """Something a feature does by itself.

    With ``cron`` (day names, never numbers: crontab and APScheduler count days differently) it
    fires at wall time in the community's zone and each local date is claimed once. With ``every``
    it is a sweep that looks for whatever is due and claims that itself.
    """

    feature: "Feature"
    name: str  #: "checkins.remind"
    help: str
    run: "Callable[[Work], Awaitable[None]]"
    cron: str | None = None
    every: timedelta | None = None
    #: after downtime, an occurrence missed by more than this is skipped and the moderators told
    catch_up: timedelta = timedelta(hours=12)


ARGUMENT_TYPES = (str, int, float, bool, date, Upload, Person, Channel, Quote)
