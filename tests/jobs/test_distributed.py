"""What only the distributed engine has to stand: outages, lost hosts, zombies, bots that restart."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
from datetime import timedelta

import psycopg
import pytest
from procrastinate.jobs import Status
from procrastinate.manager import JobManager

from bot.kit.jobs.distributed import DistributedEngine, apply_schema
from runner.contract import Outcome
from runner.engine_connector import EnduringConnector
from tests.jobs.conftest import STALL
from tests.runner.conftest import Bench
from tests.runner.models import good_model

pytestmark = pytest.mark.postgres


#: a worker that beats, whatever becomes of it, takes what there is
ENLISTED = """
WITH worker AS (
    INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 hour') RETURNING id)
UPDATE procrastinate_jobs SET status = 'doing', worker_id = worker.id FROM worker
 RETURNING procrastinate_jobs.id
"""
REPORTED = """
INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args)
VALUES ('bot', 'outcome', 'outcome:a:1', %s) RETURNING id
"""


def rows(url, query, *values):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


async def change(url, query, *values):
    """Run what may have to wait for a row that the engine, in this loop, holds."""
    return await asyncio.to_thread(rows, url, query, *values)


def statuses(url):
    return dict(rows(url, "SELECT queueing_lock, status::text FROM procrastinate_jobs"))


async def test_the_job_of_a_killed_worker_is_lost_and_its_lock_is_freed(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    worker = staff.hire(jobs_url, "doomed")
    key = await desk.give("a", "cell-3600", lock="ada")
    await desk.until(lambda: desk.noted("children"))
    worker.kill()
    await desk.until(lambda: not desk.living())
    await desk.is_lost(key)
    await desk.engine.cancel(key)  # as the sweeper does once it has raised the attempt
    staff.hire(jobs_url, "spare")
    await desk.give("a", lock="ada", attempt=2)
    (outcome,) = await desk.ended("a")
    assert outcome.attempt == 2
    assert statuses(jobs_url)[key] == "failed"


async def test_a_zombie_changes_nothing_when_it_wakes(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    zombie = staff.hire(jobs_url, "zombie")
    first = await desk.give("a", "sleep-1", lock="ada")
    await desk.begun("a")
    zombie.send_signal(signal.SIGSTOP)
    await desk.is_lost(first)
    await desk.engine.cancel(first)
    staff.hire(jobs_url, "spare")
    second = await desk.give("a", "sleep-2", lock="ada", attempt=2)
    await desk.until(lambda: len(desk.noted("begun")) == 2)
    zombie.send_signal(signal.SIGCONT)
    # It reports late, which the bot's rows refuse by attempt and token; the new job goes on.
    await desk.until(lambda: {o.attempt for o in desk.outcomes} == {1, 2})
    assert len(desk.outcomes) == 2
    await desk.until(lambda: statuses(jobs_url) == {first: "failed", second: "succeeded"})
    third = await desk.give("b")
    await desk.ended("b")
    assert zombie.poll() is None
    assert third not in await desk.engine.alive([first])


async def test_a_cancel_that_a_dead_runner_cannot_hear_still_frees_the_lock(
    desk_at, jobs_url, staff
):
    desk = await desk_at(jobs_url)
    worker = staff.hire(jobs_url, "doomed")
    key = await desk.give("a", "silent", lock="ada")
    await desk.begun("a")
    worker.kill()
    await desk.engine.cancel(key)  # it is not known yet that nobody listens
    await desk.until(lambda: statuses(jobs_url)[key] == "failed")
    await desk.give("b", lock="ada")
    staff.hire(jobs_url, "spare")
    await desk.ended("b")


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


async def test_a_cancel_that_a_runner_does_not_obey_still_frees_the_lock(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    key = await desk.give("a", lock="ada")
    await change(jobs_url, ENLISTED)
    await desk.until(lambda: desk.engine.taken([key]))
    await desk.engine.cancel(key)
    await change(jobs_url, "UPDATE procrastinate_jobs SET abort_requested = false RETURNING id")
    await desk.until(lambda: statuses(jobs_url)[key] == "failed")
    assert await desk.engine.taken([key]) == set()
    staff.hire(jobs_url, "spare")
    await desk.give("b", lock="ada")
    await desk.ended("b")


async def test_a_job_is_taken_until_an_end_of_it_is_reported(desk_at, jobs_url):
    desk = await desk_at(jobs_url)
    desk.failing = 10**6
    key = await desk.give("a")
    assert await desk.engine.taken([key]) == set()
    await change(jobs_url, ENLISTED)
    assert await desk.engine.taken([key]) == set()  # nobody is judged yet
    await desk.until(lambda: desk.engine.taken([key]))
    said = Outcome(submission="a", attempt=1, token="t", runner="r", tier="full")
    await change(jobs_url, REPORTED, json.dumps({"outcome": said.model_dump(mode="json")}))
    assert await desk.engine.taken([key]) == set()


async def test_a_report_that_another_host_forged_keeps_none_out(desk_at, jobs_url, staff):
    first = await desk_at(jobs_url)
    staff.hire(jobs_url, "spare")
    key = await first.give("a", "sleep-1")
    await first.begun("a")
    await first.engine.stop()
    await change(jobs_url, REPORTED, '{"outcome": {}}')
    await first.until(lambda: statuses(jobs_url)[key] == "succeeded")
    second = await desk_at(jobs_url)
    await second.ended("a")


async def test_nobody_is_judged_when_the_bot_itself_was_away(desk_at, jobs_url):
    desk = await desk_at(jobs_url)
    key = await desk.give("a")
    await change(jobs_url, "UPDATE procrastinate_jobs SET status = 'doing' RETURNING id")
    assert await desk.engine.alive([key]) == {key}
    await desk.is_lost(key)


async def test_an_outcome_waits_for_a_bot_that_is_away(desk_at, jobs_url, staff):
    first = await desk_at(jobs_url)
    staff.hire(jobs_url, "spare")
    key = await first.give("a", "sleep-0.5")
    await first.begun("a")
    await first.engine.stop()
    await first.until(lambda: statuses(jobs_url).get(f"outcome:{key}") == "todo")
    second = await desk_at(jobs_url)
    await second.ended("a")


async def test_a_job_is_alive_until_its_outcome_is_applied(distributed, jobs_url):
    distributed.failing = 10**6
    key = await distributed.give("a")
    await distributed.until(lambda: statuses(jobs_url).get(key) == "succeeded")
    assert await distributed.engine.alive([key]) == {key}
    distributed.failing = 0
    await distributed.ended("a")
    await distributed.is_lost(key)


async def test_a_report_that_a_bot_died_with_is_repeated(desk_at, jobs_url, staff):
    first = await desk_at(jobs_url)
    staff.hire(jobs_url, "spare")
    key = await first.give("a", "sleep-0.5")
    await first.begun("a")
    await first.engine.stop()
    await first.until(lambda: statuses(jobs_url).get(f"outcome:{key}") == "todo")
    taken = "UPDATE procrastinate_jobs SET status = 'doing' WHERE queue_name = 'bot' RETURNING id"
    assert await change(jobs_url, taken)
    second = await desk_at(jobs_url)
    await second.ended("a")


async def test_an_evaluation_on_the_queue_of_reports_is_not_run(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    with pytest.raises(ValueError, match="queue of reports"):
        await desk.engine.dispatch(key="a:1", queue="bot", lock="ada", payload="{}")
    await change(
        jobs_url,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args) VALUES "
        "('bot', 'evaluate', 'x', '{}'), "
        "('bot', 'procrastinate.builtin_tasks.remove_old_jobs', 'y', '{\"max_hours\": 9999}') "
        "RETURNING id",
    )
    await desk.until(lambda: statuses(jobs_url) == {"x": "failed", "y": "failed"})
    assert desk.noted("begun") == []


async def test_an_outcome_that_is_none_holds_nothing_up(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    await change(
        jobs_url,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, queueing_lock, args) VALUES "
        """('bot', 'outcome', 'outcome:a:1', '{"outcome": {"submission": "a"}}') RETURNING id""",
    )
    await desk.until(lambda: statuses(jobs_url) == {})
    assert await desk.engine.alive(["a:1"]) == set()
    staff.hire(jobs_url, "spare")
    await desk.give("b")
    await desk.ended("b")


async def test_a_runner_that_drains_is_still_heard_of(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    worker = staff.hire(jobs_url, "leaving", drain=10)
    key = await desk.give("a", f"sleep-{2 * STALL}")
    await desk.begun("a")
    worker.terminate()
    while not desk.outcomes:
        alive = await desk.engine.alive([key])
        assert alive == {key} or desk.outcomes
        await asyncio.sleep(0.1)
    await asyncio.to_thread(worker.wait, 5)
    assert desk.count() == {"a": 1}


async def test_without_a_database_nothing_is_said(tmp_path):
    engine = DistributedEngine("postgresql://nobody@127.0.0.1:1/none", stall_seconds=1)

    async def ignore(_):
        raise AssertionError

    await engine.start(ignore, ignore)
    for call in (engine.alive(["a:1"]), engine.cancel("a:1"), engine.runners(), engine.tidy()):
        with pytest.raises(ConnectionError):
            await call
    await engine.stop()


async def test_what_ended_is_deleted(distributed, jobs_url):
    key = await distributed.give("a")
    await distributed.ended("a")
    await distributed.until(lambda: statuses(jobs_url).get(key) == "succeeded")
    await distributed.engine.tidy()
    assert key in statuses(jobs_url)
    await distributed.engine.tidy(hours=0)
    assert key not in statuses(jobs_url)


async def test_two_workers_share_the_work(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    staff.hire(jobs_url, "spare")
    staff.hire(jobs_url, "second")

    await desk.until(lambda: desk.saw("spare", "second"))
    names = [f"s{n}" for n in range(12)]
    for name in names:
        await desk.give(name, "sleep-0.1")
    await desk.ended(*names)
    assert desk.count() == dict.fromkeys(names, 1)
    assert len(set(desk.noted("pids"))) == 2


async def test_two_workers_keep_to_a_lock(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    for name in ("one", "other"):
        staff.hire(jobs_url, name)
    for name in "abc":
        await desk.give(name, "sleep-0.2", lock="ada")
    await desk.ended("a", "b", "c")
    begun = {n: float(t) for n, t in (line.split() for line in desk.noted("begun"))}
    ended = {n: float(t) for n, t in (line.split() for line in desk.noted("ended"))}
    assert begun["b"] >= ended["a"]
    assert begun["c"] >= ended["b"]


async def test_no_token_gets_into_the_log(desk_at, jobs_url, caplog):
    caplog.set_level("INFO")
    await desk_at(jobs_url)
    query = "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('bot', 'none', "
    await change(jobs_url, query + """'{"outcome": {"token": "t0ken"}}') RETURNING id""")
    while "none" not in caplog.text:
        await asyncio.sleep(0.05)
    assert "t0ken" not in f"{caplog.text} {[vars(r) for r in caplog.records]}"


@pytest.mark.sandbox
async def test_the_real_worker_scores_a_real_model(desk_at, jobs_url, tmp_path):
    bench = Bench(tmp_path)
    asked = bench.evaluation(good_model())
    desk = await desk_at(jobs_url)
    command = [sys.executable, "-c", "from runner.worker import work; work()"]
    options = ["--jobs-url", jobs_url, "--queue", "own", "--name", "bench"]
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen([*command, *options], stderr=log)  # noqa: ASYNC220 - at once
    try:
        await desk.engine.dispatch(
            key="7:1", queue="own", lock="ada", payload=asked.model_dump_json()
        )
        (outcome,) = await desk.ended("7")
        await desk.until(lambda: desk.saw("bench"))
    finally:
        worker.terminate()
        status = await asyncio.to_thread(worker.wait, 10)
    assert status == 0, (tmp_path / "log").read_text()
    assert outcome.failure is None
    assert outcome.runner == "bench"


async def test_stopping_ends_though_a_cancellation_got_lost(desk_at, jobs_url):
    desk = await desk_at(jobs_url)
    deaf = asyncio.Event()

    async def swallow():
        deaf.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    desk.engine._pick_up = swallow
    await deaf.wait()
    async with asyncio.timeout(10):
        await desk.engine.stop()
