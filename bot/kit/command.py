"""How a feature declares what members may type, and what happens by itself.

A command is declared once, as a typed function. Every platform derives its own form from that:
slash options, a text parser, a dialog, help. Nothing here knows any of them.
"""

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum, IntEnum
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
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

    def __post_init__(self) -> None:
        if len(self.help) > 100:  # noqa: PLR2004 - what Discord shows
            msg = f"the help {self.help!r} is longer than the 100 characters a platform shows"
            raise ValueError(msg)


class Refusal(Exception):  # noqa: N818 - not an error: an answer
    """A reason not to do what was asked, said privately to the member. Nothing is written.

    Args:
        problem: One sentence: what was wrong.
        code: For bug reports and the table of codes; ``E_…``.
        expected: What would have been right.
        got: What came instead.
        fix: What to do next.
        field: The argument it is about, so that a form can show it there.
        lines: Lines to copy, shown as they are under the fix.
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
    ) -> None:
        super().__init__(problem)
        self.problem, self.code, self.field = problem, code, field
        self.expected, self.got, self.fix, self.lines = expected, got, fix, lines


class Retry(Exception):  # noqa: N818 - not an error: a request
    """Try again later: the other side said so, or is away for now."""

    def __init__(self, after: timedelta, reason: str = "") -> None:
        super().__init__(reason or f"try again in {after}")
        self.after = after


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
    type: type  #: str, int, float, bool, date, Upload, Person or an Enum
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


class Feature:
    """Everything one part of the bot adds: commands, schedules, listeners, templates."""

    def __init__(
        self, name: str, help: str, package: str, *, groups: Mapping[str, str] | None = None
    ) -> None:
        """Declare a feature.

        Args:
            name: Its folder's name; also the prefix of its templates and schedules.
            help: What it is for, in a line.
            package: Where its templates are.
            groups: What each group of commands is for, where there are several.
        """
        self.name, self.help, self.package = name, help, package
        self.groups = dict(groups or {})
        self.commands: dict[str, Command] = {}
        self.schedules: dict[str, Schedule] = {}
        self.listeners: list[tuple[type, Callable[..., Awaitable[None]]]] = []
        self.pages: list[WebPage] = []

    def command(
        self, name: str, help: str, *, who: Role = Role.MEMBER, private: bool = False
    ) -> "Callable[[F], F]":
        """Declare ``/name``. The function takes a Context and annotated arguments."""
        if len(name.split()) != 2:  # noqa: PLR2004 - /group action
            msg = f"{self.name}: a command is named 'group action', not {name!r}"
            raise ValueError(msg)

        if name in self.commands:
            msg = f"/{name} is declared twice by {self.name}"
            raise ValueError(msg)

        def register(run: "F") -> "F":
            self.commands[name] = Command(self, name, help, run, _arguments_of(run), who, private)
            return run

        return register

    def schedule(
        self,
        name: str,
        help: str,
        *,
        cron: str | None = None,
        every: timedelta | None = None,
        catch_up: timedelta = timedelta(hours=12),
    ) -> "Callable[[F], F]":
        """Declare something that happens by itself, by wall time or every so often."""
        if (cron is None) == (every is None):
            msg = f"{self.name}: schedule {name!r} needs either cron or every"
            raise ValueError(msg)

        def register(run: "F") -> "F":
            full = f"{self.name}.{name}"
            self.schedules[full] = Schedule(self, full, help, run, cron, every, catch_up)
            return run

        return register

    def on(self, fact: type) -> "Callable[[F], F]":
        """Declare what to do, in the same transaction, when a *fact* is announced.

        What a runner reports (``Outcome``, ``Progress``) arrives as facts as well.
        """

        def register(run: "F") -> "F":
            self.listeners.append((fact, run))
            return run

        return register

    def page(self, path: str) -> "Callable[[F], F]":
        """Declare a public web page. Takes a Work that only reads, and what the path names.

        An argument ``query`` takes what stands behind the ``?``: words of a stranger.
        None is "there is no such page". What it shows, everybody may know: check consent here.
        """

        def register(run: "F") -> "F":
            asks = "query" in inspect.signature(run).parameters
            self.pages.append(WebPage(self, path, run, asks=asks))
            return run

        return register


F = typing.TypeVar("F", bound=Callable[..., Any])


def commands_of(features: dict[str, Feature]) -> dict[str, Command]:
    """Merge the commands of all features, refusing two of one name."""
    commands: dict[str, Command] = {}
    for feature in features.values():
        for name, command in feature.commands.items():
            if name in commands:
                msg = (
                    f"/{name} is declared by both {commands[name].feature.name} and {feature.name}"
                )
                raise ValueError(msg)
            commands[name] = command
    return commands


def _arguments_of(run: Callable[..., Any]) -> dict[str, Argument]:
    hints = typing.get_type_hints(run, include_extras=True)
    arguments = {}
    for parameter in list(inspect.signature(run).parameters.values())[1:]:
        annotation = hints[parameter.name]
        extras = typing.get_args(annotation)
        arg = next((a for a in extras if isinstance(a, Arg)), None)
        if arg is None:
            msg = f"{run.__module__}.{run.__qualname__}: say what {parameter.name!r} is: Annotated[str, Arg('…')]"
            raise TypeError(msg)
        arguments[parameter.name] = Argument(
            parameter.name, _bare(extras[0]), arg, parameter.default
        )
    return arguments


def _bare(annotation: Any) -> type:
    """Take the None out of ``X | None``."""
    if isinstance(annotation, UnionType) or typing.get_origin(annotation) is typing.Union:
        [kind] = [a for a in typing.get_args(annotation) if a is not NoneType]
        return typing.cast("type", kind)
    return typing.cast("type", annotation)


ARGUMENT_TYPES = (str, int, float, bool, date, Upload, Person)
