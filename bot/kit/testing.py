"""A chat to test features with: people speak, time passes, and what was said is remembered."""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.kit.arguments import parse_line
from bot.kit.clock import Clock
from bot.kit.command import Schedule, Upload
from bot.kit.core import Answer, Core, Invocation
from bot.kit.courier import Courier
from bot.kit.errands import Clerk
from bot.kit.jobs import OnOutcome, OnProgress, RunnerSeen
from bot.kit.message import Message, MessageRef, Place
from bot.kit.outbox import Undeliverable
from bot.kit.schedule import trigger_of
from runner.contract import Evaluation, Outcome, Progress

_MOST_SWEEPS = 20  # while a test waits
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


class TurnableClock(Clock):
    """Stands still until a test turns it."""

    def __init__(self, now: datetime = MONDAY) -> None:
        self.moment = now

    def now(self) -> datetime:
        return self.moment


@dataclass
class Said:
    """A message as it stands now, with how often it was edited."""

    place: Place
    message: Message
    key: str
    edits: int = 0

    @property
    def text(self) -> str:
        return self.message.plain()


class Room:
    """A chat platform in memory. Drops what it was sent before under the same key."""

    def __init__(self, lanes: int = 1) -> None:
        self.lanes = lanes
        self.said: dict[str, Said] = {}
        self.closed: set[str] = set()  #: channels that take nothing
        self.failures: deque[Exception] = deque()  #: raised, one by one, by the next sends

    async def send(
        self,
        place: Place,
        message: Message,
        *,
        key: str,
        since: datetime | None = None,  # noqa: ARG002 - what was sent is known by its key
    ) -> MessageRef:
        if self.failures:
            raise self.failures.popleft()
        if place.channel in self.closed:
            raise Undeliverable(f"{place.channel} is gone")
        self.said.setdefault(key, Said(place, message, key))
        return MessageRef(platform=place.platform, channel=place.channel, id=key)

    async def edit(self, ref: MessageRef, message: Message) -> MessageRef:
        if self.failures:
            raise self.failures.popleft()
        self.said[ref.id].message = message
        self.said[ref.id].edits += 1
        return ref


@dataclass
class StillEngine:
    """An engine that does nothing until a test says what its runner reports."""

    jobs: dict[str, Evaluation] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    held: set[str] = field(default_factory=set)  #: jobs that a runner has and says no end of
    away: bool = False  #: as if the engine's database were down
    seen: list[RunnerSeen] = field(default_factory=list)
    unserved: set[str] | None = field(
        default_factory=set
    )  #: queues that no runner takes; None: unknown
    troubles: dict[str, int] = field(default_factory=dict)
    trusted: bool = True  #: False: as if its runners were other people's

    async def start(self, on_outcome: OnOutcome, on_progress: OnProgress) -> None:
        self._on_outcome, self._on_progress = on_outcome, on_progress

    async def stop(self) -> None: ...

    async def dispatch(self, *, key: str, queue: str, lock: str, payload: str) -> None:  # noqa: ARG002 - the port's
        self._reach()
        self.jobs.setdefault(key, Evaluation.model_validate_json(payload))
        self.queues[key] = queue

    async def cancel(self, key: str) -> None:
        self._reach()
        self.jobs.pop(key, None)
        self.cancelled.append(key)

    async def alive(self, keys: list[str]) -> set[str]:
        self._reach()
        return {k for k in keys if k in self.jobs}

    async def taken(self, keys: list[str]) -> set[str]:
        self._reach()
        return {k for k in keys if k in self.jobs and k in self.held}

    async def runners(self) -> list[RunnerSeen]:
        self._reach()
        return self.seen

    async def served(self, queues: Collection[str]) -> dict[str, bool]:
        self._reach()
        unserved = self.unserved
        return {} if unserved is None else {q: q not in unserved for q in queues}

    async def report(self, outcome: Outcome) -> None:
        """Let the runner report the end of an attempt."""
        await self._on_outcome(outcome)
        self.jobs.pop(f"{outcome.submission}:{outcome.attempt}", None)

    async def progress(self, progress: Progress) -> None:
        await self._on_progress(progress)

    def lose(self, key: str) -> None:
        """Let the runner die with the job."""
        del self.jobs[key]

    def _reach(self) -> None:
        if self.away:
            msg = "the engine is away"
            raise ConnectionError(msg)


class Chat:
    """Speaks to the bot as members do, and remembers what it said.

    ``await chat.say("ada", "/checkin now", done="…")`` gives the Answer; ``chat.said`` what was
    posted elsewhere; ``await chat.wait(hours=1)`` lets time pass and schedules fire.
    """

    def __init__(
        self,
        core: Core,
        courier: Courier,
        clock: TurnableClock,
        engine: Any,
        clerk: Clerk | None = None,
    ) -> None:
        self.core, self.courier, self.clock, self.engine = core, courier, clock, engine
        self.clerk = clerk  #: None: errands are written and stay
        self.room = Room()
        courier.chats["local"] = self.room
        courier.engine = engine

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def say(
        self,
        who: str,
        line: str,
        *,
        channel: str = "general",
        attach: Iterable[Upload] = (),
        **form: Any,
    ) -> Answer:
        """Type *line* as *who*; with *form*, send the form that the line opens, filled in so."""
        invocation = self._invocation(who, channel, line=line, attachments=tuple(attach))
        if form:
            command, typed = parse_line(line, self.core.services.commands)
            invocation = self._invocation(
                who,
                channel,
                command=command.name,
                values={**typed, **form},
                submitted=True,
                attachments=tuple(attach),
            )
        answer = await self.core.handle(invocation)
        await self.deliver()
        return answer

    async def ask(self, who: str, line: str, **more: Any) -> str:
        """Type *line* and give the words of the answer."""
        answer = await self.say(who, line, **more)
        assert answer.message is not None, f"{line} opened a form: {answer.form}"
        return answer.message.plain()

    async def press(
        self, who: str, message: Message, label: str, *, channel: str = "general"
    ) -> Answer:
        """Press the button of that label."""
        labels = {b.label: b.command for b in message.buttons()}
        assert label in labels, f"no button {label!r} among {sorted(labels)}"
        return await self.say(who, labels[label], channel=channel)

    async def upload(self, name: str, data: bytes) -> Upload:
        stored = await self.core.services.files.add(data)
        return Upload(name=name, sha256=stored.sha256, size=stored.size)

    async def deliver(self) -> None:
        """Have errands done and carry what the outbox holds, as far as either is due."""
        if self.clerk is not None:
            await self.clerk.round()
        await self.courier.round()

    async def wait(self, **delta: float) -> None:
        """Let time pass. Schedules fire in order, each at its own moment; what is due is sent.

        Sweeps fire only so many times in all, so that a year may pass in a test.
        """
        end = self.clock.moment + timedelta(**delta)
        await self.core.catch_up()  # makes the rows of schedules that are new
        zone = await self._zone()
        after = self.clock.moment
        coarse = (end - after).total_seconds() / _MOST_SWEEPS
        while due := self._next(after, zone, end, coarse):
            moment, schedules = due
            self.clock.moment = moment
            for schedule in schedules:
                await self.core.fire(schedule, moment)
            await self.deliver()
            after = moment + timedelta(microseconds=1)
        self.clock.moment = end
        await self.deliver()

    def to(self, channel: str) -> list[Said]:
        """What was posted into *channel*; ``@ada`` for what only ada sees."""
        return [s for s in self.room.said.values() if s.place.channel == channel]

    def _next(
        self, after: datetime, zone: str, end: datetime, coarse: float
    ) -> tuple[datetime, list[Schedule]] | None:
        moments: dict[datetime, list[Schedule]] = {}
        for schedule in self.core.services.schedules.values():
            if schedule.every is not None:
                step = max(schedule.every.total_seconds(), coarse)
                moment = datetime.fromtimestamp((after.timestamp() // step + 1) * step, UTC)
            else:
                found = trigger_of(schedule, zone).get_next_fire_time(None, after)
                if found is None:
                    continue
                moment = found.astimezone(UTC)
            if moment <= end:
                moments.setdefault(moment, []).append(schedule)
        return min(moments.items()) if moments else None

    async def _zone(self) -> str:
        async with self.core.database.read() as session:
            return await self.core.zone(session)

    def _invocation(self, who: str, channel: str, **more: Any) -> Invocation:
        return Invocation(
            platform="local",
            handle=who,
            name=who.title(),
            place=Place(platform="local", channel=channel),
            **more,
        )
