"""A whole bot before real runners on a queue of their own: real links, web server, desk, sandbox.

What a test drives is time's: the sweep runs four times a second, and who does not beat for a second and a half
is lost.
"""

import asyncio
import contextlib
import time

import numpy as np
from sqlalchemy import select

from bot.app import Bot
from bot.community.members import set_setting
from bot.config import Settings
from bot.features.leaderboards.models import State, Submission
from bot.kit.command import Upload
from bot.kit.core import Invocation
from bot.kit.db import Base
from bot.kit.jobs.distributed import DistributedEngine
from bot.kit.message import Place
from bot.kit.testing import Room
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from tests.jobs.conftest import STALL
from tests.jobs.hiring import QUEUE, Hires
from tests.opening import open_benchmark

SPLITS = {"train": 20, "dev": 60, "board": 80, "shadow": 40}
ENDS = (State.SCORED, State.FAILED, State.CANCELLED, State.WITHDRAWN)


def dataset_in(data):
    """Make a small dataset of random images below the folder *data*."""
    rng = np.random.default_rng(7)
    labels = {split: np.arange(n, dtype=np.int64) % 10 for split, n in SPLITS.items()}
    return add_dataset(
        Card("Digits", "classification", "CC0", "made up", {}),
        {
            split: Source(rng.integers(0, 256, (len(y), 8, 8, 1), np.uint8), y, None)
            for split, y in labels.items()
        },
        datasets=data / "datasets",
        artifacts=data / "files",
    )


async def open_digits(bot, data):
    """A benchmark on images made below *data*, whose jobs go to QUEUE."""
    await open_benchmark(bot.core, dataset_in(data), per_day=20, queue=QUEUE)


class World(Hires):
    """The bot, what it said, and its runners."""

    def __init__(self, folder, jobs_url, *, database_url=None, stall=STALL, hello=90, sweep=0.25):
        super().__init__(folder, jobs_url)
        self._sweep_every = sweep
        self.data = folder / "data"
        self.data.mkdir(exist_ok=True)
        settings = Settings(
            _env_file=None,
            data=self.data,
            database_url=database_url,
            web={"port": 0},
            files={"made_mb": 1},
        )
        engine = DistributedEngine(
            jobs_url,
            stall_seconds=stall,
            beat_seconds=0.3,
            poll_seconds=0.3,
            grace_seconds=1,
            hello_seconds=hello,
        )
        self.bot = Bot(settings, engine)
        self.room = Room()
        self.bot.courier.chats["local"] = self.room

    async def open(self):
        async with self.bot.database.engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await self.bot.prepare()
        async with self.bot.core.work("tests") as work:
            await self.bot.core.services.people.account(
                work.session, platform="local", handle="moira", name="Moira"
            )
            place = Place(platform="local", channel="moderators").model_dump()
            await set_setting(work.session, 1, "channel.moderators", place)
        await open_digits(self.bot, self.data)
        await self.bot.start()
        self._sweeping = asyncio.create_task(self._sweep())

    async def close(self):
        self._sweeping.cancel()
        await asyncio.gather(self._sweeping, return_exceptions=True)
        await self.dismiss()
        await self.bot.stop()

    async def _sweep(self):
        sweep = self.bot.core.services.schedules["leaderboards.sweep"]
        while True:
            with contextlib.suppress(Exception):  # as the alarm does, which tries again
                await self.bot.core.fire(sweep, self.bot.clock.now())
            await asyncio.sleep(self._sweep_every)

    async def say(self, who, line, *, attach=(), channel="general"):
        return await self.bot.core.handle(
            Invocation(
                platform="local",
                handle=who,
                name=who.title(),
                place=Place(platform="local", channel=channel),
                line=line,
                attachments=tuple(attach),
            )
        )

    async def submit(self, model, who="ada", more=""):
        """Hand a model in; *more* stands in the line as well. Gives the submission's id."""
        stored = await self.bot.files.add(model)
        file = Upload(name="model.onnx", sha256=stored.sha256, size=stored.size)
        answer = await self.say(who, f"/model submit benchmark:digits {more}", attach=[file])
        assert not answer.refused, answer.message.plain()
        [key] = answer.follow
        return key.removeprefix("submission:")

    async def row(self, id_):
        async with self.bot.database.read() as session:
            return await session.get_one(Submission, id_)

    async def rows(self):
        async with self.bot.database.read() as session:
            return (await session.scalars(select(Submission))).all()

    async def until(self, condition, seconds=40):
        """Wait for *condition*, sync or async, and give what it gave."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(
            f"waited {seconds} s in vain; {[vars(r) for r in await self.rows()]} {self.logs()}"
        )

    async def ended(self, id_, **more):
        async def end():
            row = await self.row(id_)
            return row.state in ENDS and row

        return await self.until(end, **more)

    async def told(self, id_):
        """The words of its one message, once it shows an end."""

        def end():
            said = self.room.said.get(f"submission:{id_}")
            return said and not said.message.pending and said.text

        return await self.until(end)

    def to_moderators(self):
        return [s.text for s in self.room.said.values() if s.place.channel == "moderators"]
