"""Postgres is restarted under the whole bot, and the bot is killed: nothing is lost or done twice."""

import asyncio
from collections import Counter

import pytest

from tests.jobs.conftest import STALL
from tests.jobs.whole import WholeBot
from tests.runner.models import good_model

pytestmark = [pytest.mark.postgres, pytest.mark.sandbox, pytest.mark.slow]


@pytest.fixture
async def whole(tmp_path, own_server):
    whole = WholeBot(tmp_path, own_server.url)
    await whole.found()
    await asyncio.to_thread(whole.start)
    yield whole
    await whole.close()


async def assert_each_ended_once(whole, ids):
    """Scored at the first attempt, told of in one message, and with one figure of each kind."""
    await whole.until(lambda: whole.ended() == len(ids))
    await whole.until(lambda: whole.shown() == dict.fromkeys(ids, True))
    rows = whole.rows("SELECT id, state, losses FROM submission")
    assert sorted(rows) == sorted((id_, "scored", 0) for id_ in ids)
    figures = Counter(whole.rows("SELECT submission_id, split, metric FROM score"))
    assert set(figures.values()) == {1}
    assert {id_ for id_, _, _ in figures} == set(ids)
    unsent = "SELECT key, error FROM outbox_message WHERE error IS NOT NULL"
    assert whole.rows(unsent) == []


async def test_postgres_is_restarted_twice_under_the_whole_bot(whole, own_server):
    for name in ("one", "other"):
        whole.hire(name)
    ids = [
        await whole.submit(good_model(seed=n), who)
        for n, who in enumerate(["ada", "bob", "cy"] * 3)
    ]
    for enough in (2, 5):
        await whole.until(lambda enough=enough: whole.ended() >= enough)
        await asyncio.to_thread(own_server.stop)
        try:
            await asyncio.sleep(1.5 * STALL)  # nobody could beat for so long
        finally:
            await asyncio.to_thread(own_server.start)
    await whole.until(lambda: whole.ended() == len(ids))
    ids.append(await whole.submit(good_model(seed=99), "dee"))
    await assert_each_ended_once(whole, ids)
    assert whole.process.poll() is None
    # It holds its database again, after two outages.
    said = await asyncio.to_thread(whole.start_second)
    assert said.startswith("Another bot leads this database")
    assert all(runner.poll() is None for runner in whole.runners.values())


async def test_the_bot_is_killed_while_runners_work_and_while_results_come_in(whole):
    whole.gate.shut("predict")
    whole.hire("steady", gate=True)
    ids = [await whole.submit(good_model(seed=n), who) for n, who in enumerate(["ada", "bob"] * 2)]
    await whole.until(lambda: whole.gate.waiting("predict"))
    await asyncio.to_thread(whole.kill_bot)
    whole.gate.open("predict")  # it ends, and reports to nobody
    for moment in ("before", "after"):
        whole.die(moment)
        await asyncio.to_thread(whole.start)
        await whole.until(lambda: whole.process.poll() is not None)
    await asyncio.to_thread(whole.start)
    await assert_each_ended_once(whole, ids)
    assert whole.runners["steady"].poll() is None
