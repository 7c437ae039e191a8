"""One transaction being carried out: what code inside it may look at and cause."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.kit import errands, outbox
from bot.kit.clock import Clock
from bot.kit.command import Command, Person, Refusal, Role, Schedule
from bot.kit.feature import Feature
from bot.kit.files import FileStore
from bot.kit.jobs import Engine
from bot.kit.keys import fitting
from bot.kit.links import FileLinks
from bot.kit.message import Occasion, Place
from bot.kit.render import Renderer
from bot.kit.schedule import Occurrence
from bot.kit.storage import Troubles
from runner.contract import Plain


class Group(Protocol):
    """A community, as far as the kit needs to know one."""

    id: int
    name: str
    timezone: str


@dataclass(frozen=True)
class Standing:
    """What the platform says of an account at the moment it speaks."""

    space: str = ""  #: id of the server or workspace; empty: a direct message, or the local chat
    space_name: str = ""
    roles: frozenset[str] = frozenset()  #: ids of the roles or groups it has there
    administers: bool = False  #: whether that space is theirs to administer
    known: bool = True  #: False: the platform did not say, and what it said last holds


NO_STANDING = Standing()


@dataclass(frozen=True)
class Account:
    """Who speaks: an account on one platform, the member it belongs to and their community."""

    platform: str
    handle: str
    member: Any  #: a Person; the row of the community's table
    community: Any  #: a Group
    standing: Standing = NO_STANDING


class NotAdmitted(Refusal):
    """A refusal to whoever speaks where the bot does not belong. That they did is remembered."""


class People(Protocol):
    """How the kit finds members without knowing their tables."""

    async def account(
        self,
        session: AsyncSession,
        *,
        platform: str,
        handle: str,
        name: str,
        standing: Standing = NO_STANDING,
        speaks: bool = True,
    ) -> Account:
        """The account, with its member. Somebody unknown becomes a member here.

        Where it *speaks*, what it is there by now is noted; while it only types, nothing is.

        Raises:
            NotAdmitted: It speaks in a space that is no part of the community.
        """
        ...

    async def knocked(self, work: "Work", *, platform: str, standing: Standing) -> None:
        """Somebody was not admitted: let those know who can change that."""
        ...

    async def named(self, session: AsyncSession, speaker: Account, text: str) -> Person | None:
        """The member whom *speaker* means by *text*: a handle or a name."""
        ...

    async def direct(self, session: AsyncSession, member_id: int) -> Place | None:
        """Where a message reaches that member alone."""
        ...

    async def ways(self, session: AsyncSession, member_id: int) -> list[Place]:
        """All places where a message reaches that member alone, best first."""
        ...

    async def left(
        self, session: AsyncSession, platform: str, handle: str, *, space: str = ""
    ) -> None:
        """An account is gone, from *space* or at all: nothing is written to it until it speaks."""
        ...

    async def zone(self, session: AsyncSession) -> str:
        """The zone in which community-wide schedules fire."""
        ...

    async def channel(self, session: AsyncSession, community_id: int, purpose: str) -> Place | None:
        """The channel that moderators chose for a purpose."""
        ...


async def _untold(_place: Place) -> bool | None:
    return None


@dataclass(frozen=True)
class Services:
    """The parts that live as long as the process."""

    features: dict[str, Feature]
    commands: dict[str, Command]
    schedules: dict[str, Schedule]
    renderer: Renderer
    files: FileStore
    links: FileLinks  #: where runners on other hosts find files, for a while
    clock: Clock
    people: People
    engine: Engine
    data: Path  #: the installation's folder
    troubles: Troubles  #: hears where our storage fails
    #: whether the bot sees that place; None: nobody can tell without trying
    sees: Callable[[Place], Awaitable[bool | None]] = _untold
    own_files: bool = False  #: whoever speaks here is the host's owner, as in a demo


@dataclass(frozen=True)
class Work:
    """A transaction of one feature. It commits when all is done; nothing inside commits."""

    session: AsyncSession
    now: datetime
    feature: str
    services: Services
    follow: list[str] = field(default_factory=list, kw_only=True)  #: keys of pending messages
    facts: list[object] = field(default_factory=list, kw_only=True)  #: all that was announced

    async def post(
        self,
        place: Place,
        template: str,
        values: Mapping[str, Any] | None = None,
        *,
        key: str,
        hurry: bool = True,
        pending: bool = False,
        failed: bool = False,
        occasion: Occasion | None = None,
    ) -> None:
        """Say something at *place* once this commits; the same *key* again edits it.

        *pending* promises that the message will be edited until it says how things ended. Where
        they ended badly, ``<key>:why`` is the private message that gives the reason.
        """
        message = self.services.renderer.message(f"{self.feature}/{template}", values or {})
        private = place.private_to is not None
        message = message.model_copy(
            update={
                "private": private,
                "pending": pending,
                "failed": failed,
                "occasion": occasion,
            }
        )
        await outbox.put_message(self.session, place, message, key=key, now=self.now, hurry=hurry)
        if pending and fitting(key) not in self.follow:
            self.follow.append(fitting(key))

    async def tell(
        self, member_id: int, template: str, values: Mapping[str, Any] | None = None, *, key: str
    ) -> bool:
        """Say something to one member alone. False when no way leads to them."""
        place = await self.services.people.direct(self.session, member_id)
        if place is None:
            return False
        await self.post(place, template, values, key=key)
        return True

    async def post_for(
        self,
        purpose: str,
        template: str,
        values: Mapping[str, Any] | None = None,
        *,
        community_id: int,
        key: str,
    ) -> Place | None:
        """Say something in the channel that was chosen for *purpose*. None when none was."""
        place = await self.services.people.channel(self.session, community_id, purpose)
        if place is not None:
            await self.post(place, template, values, key=key)
        return place

    async def ask(self, errand: Plain, *, key: str, urgent: bool = False) -> None:
        """Have the desk do something once this commits; its ``Answered`` bears the same *key*."""
        await errands.put_errand(
            self.session, errand, key=key, feature=self.feature, now=self.now, urgent=urgent
        )

    async def claim(self, schedule: str, key: str) -> bool:
        """Take *key* of *schedule*, once for ever. False when it was taken before."""
        try:
            async with self.session.begin_nested():
                await self.session.execute(
                    insert(Occurrence).values(schedule=schedule, key=key, claimed_at=self.now)
                )
        except IntegrityError:
            return False
        return True

    async def announce(self, fact: object) -> None:
        """Tell the other features, in this transaction, that something is so now."""
        self.facts.append(fact)
        for feature in self.services.features.values():
            work = Work(self.session, self.now, feature.name, self.services, facts=self.facts)
            for kind, run in feature.listeners:
                if isinstance(fact, kind):
                    await run(work, fact)


@dataclass(frozen=True)
class Context(Work):
    """One command being carried out: who asked, where, and in which transaction."""

    account: Account
    place: Place
    command: Command

    @property
    def member(self) -> Any:
        return self.account.member

    @property
    def community(self) -> Any:
        return self.account.community

    @property
    def role(self) -> Role:
        return Role(self.account.member.role)

    def require(self, role: Role, what: str) -> None:
        """Refuse who is less than *role*."""
        if self.role < role:
            raise not_allowed(what, role, self.role)


def not_allowed(what: str, role: Role, got: Role) -> Refusal:
    """The refusal of *what* to somebody who is only *got*."""
    needed = role.name.lower()
    return Refusal(
        f"{what} is for {needed}s.",
        code="E_PERMISSION",
        expected=needed if role == max(Role) else f"{needed} or above",
        got=got.name.lower(),
        fix=f"Ask {'an admin' if role == Role.ADMIN else 'a moderator'} of your community.",
    )
