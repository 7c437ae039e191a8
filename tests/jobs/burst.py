"""Many models at once from many members, before strangers' runners that are killed again and again."""

import asyncio
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlalchemy import func, select

from bot.features.leaderboards.models import Submission
from bot.kit.desk import DeskProcess
from bot.kit.jobs.distributed import grants
from bot.kit.testing import Room
from runner.contract import Failure
from tests.jobs.test_liars import carry_out
from tests.jobs.world import ENDS, World
from tests.runner.models import good_model

_PATIENCE = 240  # seconds, on a machine that does ten other things


class Size(NamedTuple):
    members: int
    each: int  #: models of each member
    kills: int  #: of runners, spread over the burst

    @property
    def models(self):
        return self.members * self.each


SMALL = Size(10, 8, 5)
WHOLE = Size(30, 10, 8)  #: takes minutes; bench/burst.py is about it


class CountingRoom(Room):
    """Knows how often each message was posted: it drops no repetition."""

    def __init__(self):
        super().__init__()
        self.posts = Counter()

    async def send(self, place, message, *, key, since=None):
        self.posts[key] += 1
        return await super().send(place, message, key=key)


class ScoringDesk(DeskProcess):
    """The real desk, which draws no report: all of them would take longer than all the rest."""

    async def ask(self, errand):
        if errand.kind == "score":
            return await super().ask(errand)
        return Failure(code="E_DESK_LOST", ours=True, problem="Nothing is drawn in a burst.")


class Burst:
    """A community on Postgres, and runners of user nobody with a role of their own."""

    def __init__(self, folder, server, jobs_url, *, size, program="tests.jobs.swift", draws=False):
        """*program*: what the runners are. *draws*: whether the desk writes reports, too."""
        self.size = size
        self.program = program
        self.community = psycopg.conninfo.make_conninfo(jobs_url, dbname="bookwiz_burst")
        self._server, self._jobs_url = server, jobs_url
        create = (
            "DROP DATABASE IF EXISTS bookwiz_burst WITH (FORCE)",
            "CREATE DATABASE bookwiz_burst",
        )
        carry_out(jobs_url, *create)
        given = grants("stranger", database="bookwiz_jobs", community="bookwiz_burst")
        carry_out(jobs_url, "DROP ROLE IF EXISTS stranger", "CREATE ROLE stranger LOGIN", given)
        self.runner_url = psycopg.conninfo.make_conninfo(jobs_url, user="stranger")
        url = server.rpartition("/")[0] + "/bookwiz_burst"
        self.world = World(folder, jobs_url, database_url=url, stall=4, sweep=1)
        self.world.room = CountingRoom()
        self.world.bot.courier.chats["local"] = self.world.room
        files, datasets = self.world.bot.files.root, self.world.data / "datasets"
        if not draws:
            self.world.bot.clerk.desk = ScoringDesk(files, datasets)
        self.lent = Path(tempfile.mkdtemp(prefix="bookwiz-lent-", dir="/tmp"))
        shutil.chown(self.lent, "nobody", "nogroup")
        self.killed = 0

    def hire(self, name):
        return self.world.hire(
            name,
            program=("-m", "tests.as_nobody", "-m", self.program),
            url=self.runner_url,
            home=self.lent,
        )

    async def submit_all(self):
        """All at once: each member's, and all members'."""
        ids = await asyncio.gather(
            *(
                self.world.submit(
                    good_model(seed=self.size.each * member + n), who=f"member{member}"
                )
                for member in range(self.size.members)
                for n in range(self.size.each)
            )
        )
        assert len(set(ids)) == self.size.models

    async def finish(self, rng):
        """Have all scored, killing a runner whenever the next few have ended."""
        names = ("lent-1", "lent-2")
        for name in names:
            self.hire(name)
        for enough in sorted(rng.sample(range(10, self.size.models - 20), self.size.kills)):
            await self.world.until(
                lambda enough=enough: self.ended_count(enough), seconds=_PATIENCE
            )
            name = rng.choice(names)
            await self.world.kill(name)
            self.killed += 1
            self.hire(name)
        await self.world.until(lambda: self.ended_count(self.size.models), seconds=_PATIENCE)
        await self.world.until(self.all_shown, seconds=_PATIENCE)

    async def ended_count(self, enough):
        """Whether so many have ended; asked twice a second, since to ask costs as well."""
        await asyncio.sleep(0.5)
        async with self.world.bot.database.read() as session:
            ended = select(func.count()).where(Submission.state.in_(ENDS))
            return await session.scalar(ended) >= enough

    def all_shown(self):
        shown = [s for k, s in self.world.room.said.items() if is_live(k) and not s.message.pending]
        return len(shown) == self.size.models

    async def close(self):
        await self.world.close()
        await asyncio.to_thread(
            carry_out,
            self._jobs_url,
            "DROP DATABASE bookwiz_burst WITH (FORCE)",
            "DROP OWNED BY stranger",
            "DROP ROLE stranger",
        )
        shutil.rmtree(self.lent)


def is_live(key):
    return key.startswith("submission:") and key.count(":") == 1
