"""From what a member typed to what they read: one command, one transaction, one answer."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Histogram
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.kit import requests
from bot.kit.arguments import convert, form_of, parse_line, unknown_command
from bot.kit.beside import attach, help_line, opens, resolved, with_now
from bot.kit.command import Choice, Command, Refusal, Schedule, Upload
from bot.kit.db import Database, is_race
from bot.kit.message import Form, Message, Place
from bot.kit.outbox import put_message
from bot.kit.render import clean
from bot.kit.schedule import ScheduleRow, missed, occurrence_key, trigger_of
from bot.kit.work import NO_STANDING, Context, NotAdmitted, Services, Standing, Work, not_allowed

_log = structlog.get_logger(__name__)
_SECONDS = Histogram(
    "bookwiz_command_seconds", "From a parsed command to its answer", ["command", "end"]
)
_MOST_SUGGESTIONS = 25


@dataclass(frozen=True)
class Invocation:
    """A command as an adapter understood it.

    Either ``line`` is what was typed (``/group action …``), or ``command`` and ``values`` say it
    already apart. ``submitted`` marks a form that came back.
    """

    platform: str
    handle: str  #: the platform's stable id of the account
    name: str  #: how the platform shows the account
    place: Place
    standing: Standing = NO_STANDING
    once: str = ""  #: the platform's id of this very request: a second one of that id does nothing
    line: str = ""
    command: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    attachments: tuple[Upload, ...] = ()
    submitted: bool = False
    fileless: bool = False  #: no file can go with a line on that platform; a form takes one


@dataclass(frozen=True)
class Answer:
    """What an adapter shows: a message, or a form to fill in."""

    message: Message | None = None
    form: Form | None = None
    refused: bool = False
    code: str = ""  #: E_… of a refusal, BUG-… of a defect
    follow: tuple[str, ...] = ()  #: outbox keys of messages that will tell how it went on
    repeated: bool = False  #: this very request was carried out before: there is nothing to show


class Core:
    """Carries out commands and schedules. Knows neither platforms nor features by name."""

    def __init__(
        self,
        database: Database,
        services: Services,
        *,
        after_commit: Callable[[Sequence[object]], None] = lambda _facts: None,
    ) -> None:
        self.database, self.services, self._after_commit = database, services, after_commit

    async def handle(self, invocation: Invocation) -> Answer:
        """Do what was asked. Never raises: a defect becomes an answer with a code."""
        started = asyncio.get_running_loop().time()
        name = "unknown"
        try:
            command, values = self._understood(invocation)
            name = command.name
            answer = await self._twice(invocation, command, values)
        except Refusal as refusal:
            answer = self.refuse(refusal)
        except Exception as error:  # noqa: BLE001 - a defect must not stay silent: it gets a code
            answer = self._broken(error, name)
        end = "refused" if answer.refused else "form" if answer.form else "done"
        seconds = asyncio.get_running_loop().time() - started
        _SECONDS.labels(name, end).observe(seconds)
        _log.info("command", command=name, end=end, code=answer.code, ms=round(1000 * seconds, 1))
        return answer

    def opens_form(self, invocation: Invocation) -> bool:
        """Whether the answer is a form, as far as that can be said without asking who speaks.

        Then it must come at once: platforms take no form after "I am at it".
        """
        try:
            command, values = self._understood(invocation)
        except Refusal:
            return False
        return not invocation.submitted and opens(command, values, fileless=invocation.fileless)

    def refuse(self, refusal: Refusal) -> Answer:
        """The answer to a refusal: also to what an adapter cannot pass on, such as a huge file."""
        return Answer(
            self._kit("refusal.md.j2", {"refusal": refusal}), refused=True, code=refusal.code
        )

    def too_late(self, command: str) -> Answer:
        """A form that could not be opened in time."""
        return self.refuse(
            Refusal(
                f"The form of /{command} came too late to be opened.",
                code="E_LATE",
                fix="Please type it once more.",
            )
        )

    async def post(self, place: Place, message: Message, *, key: str) -> None:
        """Say *message* at *place* by the outbox: for an answer that comes too late for its door."""
        async with self.database.write() as session:
            await put_message(session, place, message, key=key, now=self.services.clock.now())
        self._after_commit(())

    async def left(self, platform: str, handle: str, *, space: str = "") -> None:
        """Take to know that an account is gone, from *space* or at all: nobody writes to it."""
        async with self.database.write() as session:
            await self.services.people.left(session, platform, handle, space=space)

    async def suggest(self, invocation: Invocation, argument: str, text: str) -> list[Choice]:
        """Values for an argument, while a member types."""
        command = self.services.commands.get(invocation.command)
        found = command.arguments.get(argument) if command else None
        if command is None or found is None:
            return []
        if found.choices:
            return [c for c in found.choices if text.lower() in c.label.lower()][:_MOST_SUGGESTIONS]
        if found.arg.complete is None:
            return []
        async with self.database.read() as session:
            try:
                context = await self._context(session, invocation, command, speaks=False)
            except NotAdmitted:
                return []
            if context.role < command.who:
                return []
            return (await found.arg.complete(context, text))[:_MOST_SUGGESTIONS]

    @asynccontextmanager
    async def work(self, feature: str) -> AsyncIterator[Work]:
        """A transaction that no command caused: an outcome, a schedule, a seed."""
        async with self.database.write() as session:
            work = Work(session, self.services.clock.now(), feature, self.services)
            yield work
        self._after_commit(work.facts)

    async def fire(self, schedule: Schedule, moment: datetime) -> None:
        """Carry out *schedule* as of *moment*, unless it is off or this occurrence was taken."""
        async with self.database.write() as session:
            row = await session.get(ScheduleRow, schedule.name)
            if row is None or not row.enabled:
                return
            row.last_at = moment
            work = Work(session, self.services.clock.now(), schedule.feature.name, self.services)
            if schedule.every is None and not await work.claim(
                schedule.name, occurrence_key(moment, await self.zone(session))
            ):
                return
            await schedule.run(work)
        self._after_commit(work.facts)

    async def catch_up(self) -> list[tuple[str, datetime]]:
        """Carry out what was missed while the bot was away. Returns what was too old for that."""
        skipped = []
        now = self.services.clock.now()
        for schedule in self.services.schedules.values():
            async with self.database.write() as session:
                row = await session.get(ScheduleRow, schedule.name)
                if row is None:
                    row = ScheduleRow(
                        name=schedule.name, cron=schedule.cron, enabled=True, last_at=now
                    )
                    session.add(row)
                zone, since, cron = await self.zone(session), row.last_at or now, row.cron
            if schedule.every is not None or not row.enabled:
                continue
            for moment in missed(trigger_of(schedule, zone, cron), since, now):
                if now - moment <= schedule.catch_up:
                    await self.fire(schedule, moment)
                else:
                    skipped.append((schedule.name, moment))
                    async with self.database.write() as session:
                        row = await session.get_one(ScheduleRow, schedule.name)
                        row.last_at = moment
        return skipped

    async def zone(self, session: AsyncSession) -> str:
        """The zone in which community-wide schedules fire."""
        return await self.services.people.zone(session)

    def _understood(self, invocation: Invocation) -> tuple[Command, dict[str, Any]]:
        commands = self.services.commands
        if invocation.line:
            command, raw = parse_line(help_line(invocation.line, commands), commands)
            values: dict[str, Any] = dict(raw)
        else:
            if invocation.command not in commands:
                raise unknown_command(invocation.command, commands)
            command, values = commands[invocation.command], dict(invocation.values)
        attach(command, values, invocation.attachments)
        return command, values

    async def _twice(
        self, invocation: Invocation, command: Command, values: dict[str, Any]
    ) -> Answer:
        """Carry it out, and once more when somebody else was first."""
        try:
            return await self._once(invocation, command, values)
        except DBAPIError as error:
            if not is_race(error):
                raise
            _log.info("command.retried", command=command.name)
            return await self._once(invocation, command, values)

    async def _once(
        self, invocation: Invocation, command: Command, values: dict[str, Any]
    ) -> Answer:
        try:
            async with self.database.write() as session:
                context = await self._context(session, invocation, command)
                if context.role < command.who:
                    raise not_allowed(f"/{command.name}", command.who, context.role)
                asks = not invocation.submitted
                if asks and opens(command, values, fileless=invocation.fileless):
                    return Answer(form=form_of(command, await with_now(context, values)))
                arguments = await resolved(context, convert(command, values))
                if not await requests.first(session, invocation.once, now=context.now):
                    return Answer(repeated=True)
                said = await self._run(context, arguments)
            if isinstance(said, Refusal):
                raise said
        except NotAdmitted as refusal:
            if invocation.standing.space:
                async with self.work(command.feature.name) as work:
                    await self.services.people.knocked(
                        work, platform=invocation.platform, standing=invocation.standing
                    )
            return self.refuse(refusal)
        except Refusal as refusal:
            if refusal.code == "E_PERMISSION" and invocation.standing.space:
                # What they are not any more must be known also where they speak next.
                async with self.database.write() as session:
                    await self._context(session, invocation, command)
            answer = self.refuse(refusal)
            if invocation.submitted:
                return replace(answer, form=form_of(command, values, refusal))
            return answer
        self._after_commit(context.facts)
        return Answer(said, follow=tuple(context.follow))

    async def _run(self, context: Context, arguments: Mapping[str, Any]) -> Message | Refusal:
        """What the command replies; a refusal that keeps what was written is given, not raised."""
        command = context.command
        try:
            reply = await command.run(context, **arguments)
        except Refusal as refusal:
            if refusal.kept:
                return refusal
            raise
        private = command.private if reply.private is None else reply.private
        return self.services.renderer.message(
            f"{command.feature.name}/{reply.template}", reply.values, private=private
        )

    async def _context(
        self,
        session: AsyncSession,
        invocation: Invocation,
        command: Command,
        *,
        speaks: bool = True,
    ) -> Context:
        people = self.services.people
        account = await people.account(
            session,
            platform=invocation.platform,
            handle=invocation.handle,
            name=clean(invocation.name),
            standing=invocation.standing,
            speaks=speaks,
        )
        return Context(
            session,
            self.services.clock.now(),
            command.feature.name,
            self.services,
            account,
            invocation.place,
            command,
        )

    def _broken(self, error: Exception, command: str) -> Answer:
        """What failed by a fault of ours: our storage, or a defect."""
        if (refusal := self.services.troubles.met(error)) is not None:
            return self.refuse(refusal)
        code = f"BUG-{secrets.token_hex(3).upper()}"
        _log.exception("command.failed", command=command, code=code, error=type(error).__name__)
        return Answer(self._kit("bug.md.j2", {"code": code}), refused=True, code=code)

    def _kit(self, template: str, values: Mapping[str, Any]) -> Message:
        return self.services.renderer.message(f"kit/{template}", values, private=True)
