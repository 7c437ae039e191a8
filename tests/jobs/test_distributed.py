"""What only the distributed engine has to stand: outages, lost hosts, zombies, bots that restart."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys

import pytest

from bot.kit.jobs.distributed import DistributedEngine
from runner.contract import Outcome
from tests.jobs.conftest import STALL
from tests.jobs.job_rows import change, statuses
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
    await desk.give("b")
    await desk.ended("b")
    assert zombie.poll() is None
    assert await desk.engine.alive([first]) == set()


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
