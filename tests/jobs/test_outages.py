"""Postgres goes away and comes back, under the engine and under its runners."""

import asyncio
import contextlib
from datetime import timedelta

import psycopg
import pytest
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

from bot.kit.jobs.distributed import apply_schema
from runner.engine_connector import EnduringConnector
from tests.jobs.conftest import STALL
from tests.jobs.job_rows import change, rows, statuses

pytestmark = pytest.mark.postgres


async def test_an_outage_of_postgres_costs_no_job(desk_at, own_server, staff):
    await apply_schema(own_server.url)
    desk = await desk_at(own_server.url)
    worker = staff.hire(own_server.url, "steady")
    key = await desk.give("busy", "sleep-2", lock="ada")
    await desk.begun("busy")
    own_server.stop()
    with pytest.raises(ConnectionError):
        await desk.engine.alive([key])
    with pytest.raises(ConnectionError):
        await desk.give("late")
    await desk.until(lambda: any(line.startswith("busy ") for line in desk.noted("ended")))
    await asyncio.sleep(STALL)  # nobody could beat for so long
    own_server.start()

    await desk.until(desk.reached)
    assert desk.outcomes or await desk.engine.alive([key]) == {key}
    await desk.ended("busy")
    await desk.until(lambda: statuses(own_server.url).get(key) == "succeeded")
    await desk.give("after", lock="ada")
    await desk.ended("after")
    assert desk.count() == {"busy": 1, "after": 1}
    assert worker.poll() is None
    seen = await desk.until(desk.engine.runners)
    assert [s.name for s in seen] == ["steady"]
    assert desk.engine.troubles["listener_lost"] >= 1
    first = seen[0].heartbeat_at

    async def idles_and_beats():
        (seen,) = await desk.engine.runners()
        return seen.busy_with is None and seen.heartbeat_at > first + timedelta(seconds=1)

    await desk.until(idles_and_beats)


async def test_a_busy_runner_beats_again_after_an_outage(desk_at, own_server, staff):
    await apply_schema(own_server.url)
    desk = await desk_at(own_server.url)
    staff.hire(own_server.url, "steady")
    key = await desk.give("long", "child-3600")
    await desk.begun("long")
    own_server.stop()
    await asyncio.sleep(1)
    own_server.start()
    beats = (
        "SELECT last_heartbeat > pg_postmaster_start_time() FROM procrastinate_workers "
        "JOIN procrastinate_jobs ON worker_id = procrastinate_workers.id AND queueing_lock = %s"
    )
    await desk.until(lambda: rows(own_server.url, beats, key) == [(True,)])
    await desk.until(desk.reached)
    await asyncio.sleep(2)  # what gave up would have drained and handed the job back by now
    assert statuses(own_server.url)[key] == "doing"
    assert desk.outcomes == []
    await desk.engine.cancel(key)
    await desk.until(lambda: statuses(own_server.url)[key] == "aborted")
    assert not any(int(pid) in desk.living() for pid in desk.noted("children"))


async def test_the_end_of_a_job_is_written_after_an_outage(own_server):
    await apply_schema(own_server.url)
    job, *_ = await change(
        own_server.url,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, status) "
        "VALUES ('none', 'evaluate', 'a:1', 'doing') RETURNING id",
    )
    connector = EnduringConnector(own_server.url)
    await connector.open_async()
    finish = JobManager(connector).finish_job_by_id_async
    own_server.stop()
    ending = asyncio.create_task(finish(job[0], Status.SUCCEEDED, delete_job=False))
    await asyncio.sleep(3)  # longer than a caller waits for a connection
    own_server.start()
    await ending
    assert statuses(own_server.url)["a:1"] == "succeeded"
    await finish(job[0], Status.FAILED, delete_job=False)  # as a zombie would: of no use, no error
    assert statuses(own_server.url)["a:1"] == "succeeded"
    await connector.close_async()


async def test_a_listener_hears_again_after_an_outage(own_server):
    await apply_schema(own_server.url)
    connector = EnduringConnector(own_server.url)
    await connector.open_async()
    heard = asyncio.Event()

    async def hear(**_):
        heard.set()

    listening = asyncio.create_task(connector.listen_notify(hear, ["news"]))
    own_server.stop()
    await asyncio.sleep(1)
    own_server.start()
    async with asyncio.timeout(10):
        while not heard.is_set():
            with contextlib.suppress(psycopg.OperationalError):
                rows(own_server.url, "SELECT pg_notify('news', '')")
            await asyncio.sleep(0.1)
    assert connector.listener_losses
    listening.cancel()
    await connector.close_async()
