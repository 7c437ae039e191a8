"""A burst of models, two strangers' runners that are killed again and again: all end, once, in turns."""

import os
import random
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from bot.features.leaderboards.models import Score, State
from tests.jobs.burst import SMALL, Burst, is_live
from tests.jobs.world import QUEUE
from tests.runner.models import good_model


def most_unfair(rows):
    """How many more a member has had scored than another one, at the worst moment.

    Only moments at which everybody has some left: after that somebody has to be last.
    """
    had, worst = Counter({row.member_id: 0 for row in rows}), 0
    for row in sorted(rows, key=lambda row: row.finished_at):
        had[row.member_id] += 1
        if max(had.values()) == SMALL.each:
            break
        worst = max(worst, max(had.values()) - min(had.values()))
    return worst


@pytest.fixture
async def burst(tmp_path, postgres_server, jobs_url):
    if os.getuid() != 0:
        pytest.skip("only root can start runners as another user")
    burst = Burst(tmp_path, postgres_server, jobs_url, size=SMALL)
    await burst.world.open()
    yield burst
    await burst.close()


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.root
@pytest.mark.timeout(600)
async def test_a_burst_ends_whole_and_fair_though_its_runners_are_killed(burst):
    world = burst.world
    await burst.submit_all()
    await burst.finish(random.Random(7))
    rows = await world.rows()
    assert Counter(row.state for row in rows) == {State.SCORED: SMALL.models}
    assert burst.killed == SMALL.kills
    assert {row.report["runner"] for row in rows} == {"lent-1", "lent-2"}
    assert set(Counter(row.member_id for row in rows).values()) == {SMALL.each}
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
