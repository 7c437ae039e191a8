"""300 models at once from 30 members, two strangers' runners that are killed again and again."""

import asyncio
import os
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from bot.features.leaderboards.models import Score, State
from bot.kit.desk import DeskProcess
from bot.kit.jobs.distributed import grants
from bot.kit.testing import Room
from runner.contract import Failure
from tests.jobs.test_liars import carry_out
from tests.jobs.world import ENDS, QUEUE, World
from tests.runner.models import good_model

MEMBERS, EACH, KILLS = 30, 10, 8


class CountingRoom(Room):
    """Knows how often each message was posted: it drops no repetition."""

    def __init__(self):
        super().__init__()
        self.posts = Counter()

    async def send(self, place, message, *, key):
        self.posts[key] += 1
        return await super().send(place, message, key=key)


class ScoringDesk(DeskProcess):
    """The real desk, which draws no report: 300 of them would take longer than all the rest."""

    async def ask(self, errand):
        if errand.kind == "score":
            return await super().ask(errand)
        return Failure(code="E_DESK_LOST", ours=True, problem="Nothing is drawn in a burst.")


class Burst:
    """A community on Postgres, and runners of user nobody with a role of their own."""

    def __init__(self, folder, server, jobs_url, *, program="tests.jobs.swift"):
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
        self.world = World(folder, jobs_url, database_url=url, stall=4)
        self.world.room = CountingRoom()
        self.world.bot.courier.chats["local"] = self.world.room
        files, datasets = self.world.bot.files.root, self.world.data / "datasets"
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
        """All at once: each member's ten, and all members'."""
        ids = await asyncio.gather(
            *(
                self.world.submit(good_model(seed=EACH * member + n), who=f"member{member}")
                for member in range(MEMBERS)
                for n in range(EACH)
            )
        )
        assert len(set(ids)) == MEMBERS * EACH

    async def finish(self, rng):
        """Have all scored, killing a runner whenever the next few have ended."""
        names = ("lent-1", "lent-2")
        for name in names:
            self.hire(name)
        for enough in sorted(rng.sample(range(10, MEMBERS * EACH - 20), KILLS)):
            await self.world.until(lambda enough=enough: self.ended_count(enough), seconds=90)
            name = rng.choice(names)
            await self.world.kill(name)
            self.killed += 1
            self.hire(name)
        await self.world.until(lambda: self.ended_count(MEMBERS * EACH), seconds=90)
        await self.world.until(self.all_shown, seconds=60)

    async def ended_count(self, enough):
        return sum(row.state in ENDS for row in await self.world.rows()) >= enough

    def all_shown(self):
        shown = [s for k, s in self.world.room.said.items() if is_live(k) and not s.message.pending]
        return len(shown) == MEMBERS * EACH

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


def most_unfair(rows):
    """How many more a member has had scored than another one, at the worst moment.

    Only moments at which everybody has some left: after that somebody has to be last.
    """
    had, worst = Counter({row.member_id: 0 for row in rows}), 0
    for row in sorted(rows, key=lambda row: row.finished_at):
        had[row.member_id] += 1
        if max(had.values()) == EACH:
            break
        worst = max(worst, max(had.values()) - min(had.values()))
    return worst


@pytest.fixture
async def burst(tmp_path, postgres_server, jobs_url):
    if os.getuid() != 0:
        pytest.skip("only root can start runners as another user")
    burst = Burst(tmp_path, postgres_server, jobs_url)
    await burst.world.open()
    yield burst
    await burst.close()


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.root
@pytest.mark.timeout(300)
async def test_a_burst_ends_whole_and_fair_though_its_runners_are_killed(burst):
    world = burst.world
    await burst.submit_all()
    await burst.finish(random.Random(7))
    rows = await world.rows()
    assert Counter(row.state for row in rows) == {State.SCORED: MEMBERS * EACH}
    assert burst.killed == KILLS
    assert {row.report["runner"] for row in rows} == {"lent-1", "lent-2"}
    assert set(Counter(row.member_id for row in rows).values()) == {EACH}
    live = {key: n for key, n in world.room.posts.items() if is_live(key)}
    assert live == {f"submission:{row.id}": 1 for row in rows}
    async with world.bot.database.read() as session:
        per = select(func.count()).select_from(Score).group_by(Score.submission_id)
        figures = set((await session.scalars(per)).all())
        kinds = select(Score.split, Score.metric).distinct()
        expected = len((await session.execute(kinds)).all())
    assert figures == {expected}
    assert most_unfair(rows) <= 3
    left = "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = %s AND status IN ('todo', 'doing')"
    with psycopg.connect(burst.runner_url) as connection:
        assert connection.execute(left, [QUEUE]).fetchone() == (0,)


@pytest.mark.postgres
@pytest.mark.root
async def test_a_runner_is_another_user_and_its_role_does_not_get_into_the_communitys_database(
    burst,
):
    runner = burst.hire("lent-1")
    id_ = await burst.world.submit(good_model())
    assert (await burst.world.ended(id_)).state == State.SCORED
    status = Path(f"/proc/{runner.pid}/status").read_text()
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    stranger = psycopg.conninfo.make_conninfo(burst.runner_url, dbname="bookwiz_burst")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(stranger)
    with psycopg.connect(burst.community) as connection:  # whose it is still gets in
        assert connection.execute("SELECT count(*) FROM submission").fetchone() == (1,)
