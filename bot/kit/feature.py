"""A feature: the blueprint on which one part of the bot declares all that it adds."""

import inspect
import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any

from bot.kit.command import Arg, Argument, Command, Reply, Role, Schedule, WebPage

if TYPE_CHECKING:
    from bot.kit.work import Context

F = typing.TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class HomeSection:
    """A part of a member's home: what one feature has for them now."""

    feature: "Feature"
    heading: str
    order: int  #: sections stand in this order
    run: "Callable[[Context], Awaitable[Reply | None]]"


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
        self.home: list[HomeSection] = []

    def command(
        self,
        name: str,
        help: str,
        *,
        who: Role = Role.MEMBER,
        private: bool = False,
        menu: str = "",
        shortcut: str = "",
    ) -> "Callable[[F], F]":
        """Declare ``/name``. The function takes a Context and annotated arguments.

        Args:
            name: "group action".
            help: What it does, in a line.
            who: The least role that may.
            private: Whether only the member who typed it sees the answer.
            menu: What it is called in the menu of each message, where it takes a ``Quote``, or of
                each member, where it takes a ``Person`` first.
            shortcut: What it is called where a platform offers commands outside of any channel.
        """
        if len(name.split()) != 2:  # noqa: PLR2004 - /group action
            msg = f"{self.name}: a command is named 'group action', not {name!r}"
            raise ValueError(msg)

        if name in self.commands:
            msg = f"/{name} is declared twice by {self.name}"
            raise ValueError(msg)

        def register(run: "F") -> "F":
            command = Command(
                self, name, help, run, _arguments_of(run), who, private, menu, shortcut
            )
            if menu and command.menu_argument is None:
                msg = f"/{name} has a menu, but takes neither a message nor a member"
                raise TypeError(msg)
            self.commands[name] = command
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

    def section(self, heading: str, *, order: int) -> "Callable[[F], F]":
        """Declare what a member finds of this feature at home (``/bookwiz home``).

        The function takes a Context and gives a Reply, or None where there is nothing to say.
        """

        def register(run: "F") -> "F":
            self.home.append(HomeSection(self, heading, order, run))
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
