"""The composition root: the only file that wires settings, engine, features, adapters, schedules."""

import asyncio
import gc
import time
from collections.abc import Sequence
from datetime import datetime

import structlog

import bot.chat.discord.models
import bot.chat.slack.models  # noqa: F401 - their tables are there also where a platform is not used
from bot.chat.local.adapter import LocalChat
from bot.chat.local.api import LocalApi
from bot.chat.port import Platform
from bot.community.audit import record_own
from bot.community.members import Members, ensure_community, the_community
from bot.community.stranded import Stranded
from bot.config import Settings
from bot.features import discover
from bot.kit.clock import Clock
from bot.kit.core import Core
from bot.kit.courier import Courier
from bot.kit.db import Database
from bot.kit.desk import DeskProcess
from bot.kit.errands import Clerk, Desk
from bot.kit.feature import commands_of
from bot.kit.files import FileStore
from bot.kit.jobs import Engine
from bot.kit.jobs.applying import Applying
from bot.kit.links import FileLinks, secret_in
from bot.kit.message import Place
from bot.kit.received import Received
from bot.kit.render import Renderer
from bot.kit.schedule import Alarm, ScheduleChanged, ScheduleRow, trigger_of
from bot.kit.storage import Trouble, Troubles
from bot.kit.strays import StoreToSweep, Strays
from bot.kit.work import Services
from bot.web.files import RunnerFiles
from bot.web.metrics import JobMetrics
from bot.web.pages import FeaturePages
from bot.web.server import WebServer
from bot.web.uploads import Uploads
from runner.contract import Outcome, Progress

_log = structlog.get_logger(__name__)
_MOST_AT_WORK = 1000  #: attempts whose last report is remembered
_PROGRESS_PAUSE = 1.5  # seconds between two reports of one submission that are looked at


class Bot:
    """Everything between a chat and a runner, put together and not yet started."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine | None = None,
        *,
        clock: Clock | None = None,
        desk: Desk | None = None,
    ) -> None:
        engine = engine or engine_for(settings)
        self.settings, self.engine = settings, engine
        self.clock = clock or Clock()
        self.database = Database(settings.database)
        self.files = FileStore(settings.data / "files", cap=settings.files.upload_mb * 1_000_000)
        self.received = Received(settings.data / "received")
        web = settings.web
        links = FileLinks(
            secret_in(settings.data),
            lambda: web.public_url or self.web.url,
            self.clock,
            runners=lambda: web.runner_url or web.public_url or self.web.url,
        )
        features = discover()
        self.courier = Courier(self.database, self.clock)
        self.courier.engine = engine
        people, renderer = Members(self.clock), Renderer(features)
        self.courier.rescue = Stranded(people, renderer, self.clock).rescue
        services = Services(
            features=features,
            commands=commands_of(features),
            schedules={n: s for f in features.values() for n, s in f.schedules.items()},
            renderer=renderer,
            files=self.files,
            links=links,
            clock=self.clock,
            people=people,
            engine=engine,
            data=settings.data.absolute(),
            troubles=Troubles(self._tell_trouble),
            sees=self._sees,
            own_files=settings.own_files,
        )
        self.core = Core(self.database, services, after_commit=self._committed)
        desk = desk or DeskProcess(self.files.root, services.data / "datasets")
        idle = settings.jobs.idle_seconds
        self.strays = Strays(self.database, self.files, self.received, self.clock)
        self.clerk = Clerk(self.database, self.clock, desk, self.core.work, idle_seconds=idle)
        self.chat = LocalChat(self.core)
        self.courier.chats["local"] = self.chat
        self.platforms = platforms_for(settings, self.core)
        self.courier.chats |= self.platforms
        runner_files = RunnerFiles(
            links, self.files, self.received, services.data / "datasets",
            cap=settings.files.made_mb * 1_000_000, troubles=services.troubles,
        )  # fmt: skip
        self.uploads = Uploads(self.core)
        self.metrics = JobMetrics(self.core)
        self.web = WebServer(
            settings.web.host,
            settings.web.port,
            database=self.database,
            parts=[
                LocalApi(self.chat),
                runner_files,
                self.uploads,
                self.metrics,
                FeaturePages(self.core),
                *self.platforms.values(),
            ],
            troubles=services.troubles,
        )
        self.alarm = Alarm(self.core.fire)
        self._tasks: set[asyncio.Task[None]] = set()
        self._progressed: dict[str, tuple[float, str]] = {}

    async def prepare(self) -> None:
        """Make what must be there before anybody speaks. The schema is there already."""
        async with self.database.write() as session:
            await ensure_community(
                session,
                name=self.settings.community,
                timezone=self.settings.timezone,
                now=self.clock.now(),
            )

    async def start(self) -> None:
        """Start what works by itself: catch up, then engine, courier, clerk, alarm, and the doors last."""
        self.files.clear_incoming()
        await self.prepare()
        await self._tell_skipped(await self.core.catch_up())
        await self.core.services.troubles.start()
        await self.engine.start(Applying(self.outcome), self.progress)
        await self.courier.start()
        await self.clerk.start()
        await self.strays.start()
        for schedule in self.core.services.schedules.values():
            if schedule.every is not None:
                await self.core.fire(schedule, self.clock.now())
        await self.set_alarms()
        self.alarm.start()
        # What is here now stays: looking through it again and again for garbage would stop
        # everything for a tenth of a second each time.
        gc.collect()
        gc.freeze()
        await self.uploads.ends.finish_all()
        await self.web.start()
        self.core.services.renderer.url = self.settings.web.public_url or self.web.url
        await self.chat.start(self.web.url)
        for platform in self.platforms.values():
            await platform.start()

    async def stop(self) -> None:
        """Stop in the order in which work arrives: doors, alarm, engine, then what it left to say."""
        for platform in self.platforms.values():
            await platform.stop()
        await self.chat.stop()
        await self.web.stop()
        await self.alarm.stop()
        await self.engine.stop()
        await self.clerk.stop()
        await self.strays.stop()
        await self.courier.stop()
        await self.core.services.troubles.stop()
        await self.database.close()

    async def set_alarms(self) -> None:
        """Read the schedule table and set every alarm accordingly."""
        async with self.database.read() as session:
            zone = await self.core.zone(session)
            for schedule in self.core.services.schedules.values():
                row = await session.get(ScheduleRow, schedule.name)
                self.alarm.set(schedule, trigger_of(schedule, zone, row.cron if row else None))

    async def _sees(self, place: Place) -> bool | None:
        """Whether a place is there, as far as its platform tells; the courier finds out the rest."""
        chat = {"local": self.chat, **self.platforms}.get(place.platform)
        return None if chat is None else await chat.sees(place)

    def _committed(self, facts: Sequence[object]) -> None:
        """Do what must wait for the commit. The outbox may hold something, whoever wrote."""
        self.courier.wake()
        self.clerk.wake()
        self.metrics.committed(facts)
        for fact in facts:
            if isinstance(fact, StoreToSweep):
                self.strays.wake(fact)
        if any(isinstance(fact, ScheduleChanged) for fact in facts):
            task = asyncio.create_task(self.set_alarms())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def outcome(self, outcome: Outcome) -> None:
        """Take the end of an attempt from the engine; committed when this returns."""
        self._progressed.pop(outcome.token, None)
        if not self.engine.trusted:
            outcome = self.received.without_strangers(outcome)
        async with self.core.work("engine") as work:
            await work.announce(outcome)

    async def progress(self, progress: Progress) -> None:
        """Take progress from the engine, unless the last report has only just come."""
        # By the attempt's secret, so that who only guesses ids keeps nobody's progress back.
        last, stage = self._progressed.get(progress.token, (0.0, ""))
        if stage == progress.stage and time.monotonic() - last < _PROGRESS_PAUSE:
            return
        if len(self._progressed) >= _MOST_AT_WORK:
            self._progressed.clear()  # of strangers' inventions, too; what is true comes again
        self._progressed[progress.token] = (time.monotonic(), progress.stage)
        async with self.core.work("engine") as work:
            await work.announce(progress)

    async def _tell_skipped(self, skipped: list[tuple[str, datetime]]) -> None:
        if not skipped:
            return
        async with self.core.work("kit") as work:
            community = await the_community(work.session)
            await work.post_for(
                "moderators",
                "skipped.md.j2",
                {"skipped": skipped, "zone": community.timezone},
                community_id=community.id,
                key=f"skipped:{work.now.isoformat()}",
            )
            for name, moment in skipped:
                await record_own(
                    work,
                    community.id,
                    "schedule.skipped",
                    subject=name,
                    reason=f"was due {moment:%Y-%m-%d %H:%M} UTC, too late now",
                )
        _log.warning("schedules.skipped", count=len(skipped))

    async def _tell_trouble(self, trouble: Trouble) -> None:
        """Tell the moderators what is wrong with our storage: one message a kind and day."""
        async with self.core.work("kit") as work:
            community = await the_community(work.session)
            key = f"storage:{trouble}:{work.now:%Y-%m-%d}"
            values = {"trouble": trouble}
            await work.post_for(
                "moderators", "storage.md.j2", values, community_id=community.id, key=key
            )


def platforms_for(settings: Settings, core: Core) -> dict[str, Platform]:
    """The platforms that there are tokens for. What is not used is not even imported."""
    found: dict[str, Platform] = {}
    if settings.discord.token is not None:
        from bot.chat.discord.adapter import DiscordChat

        found["discord"] = DiscordChat(core, settings.discord)
    if settings.slack.on:
        from bot.chat.slack.adapter import SlackChat

        found["slack"] = SlackChat(core, settings.slack, public_url=settings.web.public_url)
    return found


def engine_for(settings: Settings) -> Engine:
    """Our own runner process, or Procrastinate where a job database is given."""
    if settings.jobs.url:
        from bot.kit.jobs.distributed import DistributedEngine

        return DistributedEngine(settings.jobs.url)
    from bot.kit.jobs.embedded import EmbeddedEngine

    return EmbeddedEngine(runners=settings.jobs.runners, idle_seconds=settings.jobs.idle_seconds)
