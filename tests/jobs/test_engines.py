"""What every engine keeps to. The same tests for each, with runners in processes of their own."""

import os
import signal

from bot.kit.jobs.distributed import DistributedEngine
from bot.kit.jobs.embedded import EmbeddedEngine
from runner.contract import HANDED_BACK


async def test_a_job_ends_with_its_outcome(desk):
    key = await desk.give("a")
    assert await desk.engine.alive([key, "other:1"]) == {key}
    (outcome,) = await desk.ended("a")
    assert (outcome.attempt, outcome.token, outcome.failure) == (1, "token of a", None)
    await desk.is_lost(key)


async def test_dispatching_again_is_harmless(desk):
    for _ in range(3):
        await desk.give("a", "sleep-0.3")
    await desk.begun("a")
    await desk.give("a", "sleep-0.3")  # while it runs
    await desk.give("b")
    await desk.ended("a", "b")
    assert [line.split()[0] for line in desk.noted("begun")] == ["a", "b"]
    assert desk.count() == {"a": 1, "b": 1}


async def test_jobs_of_one_lock_run_one_after_another_in_order(desk):
    for name in "abc":
        await desk.give(name, "sleep-0.1", lock="ada")
    await desk.ended("a", "b", "c")
    assert [o.submission for o in desk.outcomes] == ["a", "b", "c"]
    begun = {n: float(t) for n, t in (line.split() for line in desk.noted("begun"))}
    ended = {n: float(t) for n, t in (line.split() for line in desk.noted("ended"))}
    assert begun["b"] >= ended["a"]
    assert begun["c"] >= ended["b"]


async def test_a_waiting_job_is_cancelled_before_it_begins(desk):
    await desk.give("a", "sleep-0.5", lock="ada")
    key = await desk.give("b", lock="ada")
    await desk.give("c", lock="ada")
    await desk.begun("a")
    await desk.engine.cancel(key)
    assert await desk.engine.alive([key]) == set()
    await desk.engine.cancel(key)
    await desk.engine.cancel("never:1")
    await desk.ended("a", "c")
    assert [line.split()[0] for line in desk.noted("begun")] == ["a", "c"]


async def test_a_running_job_is_cancelled_with_all_its_processes(desk):
    key = await desk.give("a", "child-3600")
    await desk.until(lambda: desk.noted("children"))
    assert len(desk.living()) == 2
    await desk.engine.cancel(key)
    await desk.until(lambda: not desk.living())
    await desk.is_lost(key)
    await desk.give("b")
    await desk.ended("b")
    assert desk.count() == {"b": 1}


async def test_a_runner_that_dies_leaves_no_job_alive(desk):
    key = await desk.give("a", "crash")
    await desk.is_lost(key)
    await desk.give("b")
    await desk.ended("b")
    assert desk.count() == {"b": 1}


async def test_a_runner_that_is_killed_takes_its_child_along(desk):
    key = await desk.give("a", "child-3600")
    await desk.until(lambda: desk.noted("children"))
    os.kill(int(desk.noted("pids")[0]), signal.SIGKILL)
    await desk.is_lost(key)
    await desk.until(lambda: not desk.living())
    assert desk.outcomes == []


async def test_an_outcome_is_reported_until_it_is_applied(desk):
    desk.failing = 2
    key = await desk.give("a")
    await desk.until(lambda: desk.failing == 0)
    assert desk.outcomes or await desk.engine.alive([key]) == {key}
    await desk.ended("a")
    await desk.is_lost(key)
    assert desk.count() == {"a": 1}


async def test_progress_arrives_newest_last(desk):
    await desk.give("a", "progress-40")
    await desk.ended("a")
    shares = [p.done for p in desk.progress]
    assert shares
    assert shares == sorted(shares)
    assert {p.token for p in desk.progress} == {"token of a"}


async def test_lost_progress_does_no_harm(desk):
    desk.losing = True
    await desk.give("a", "progress-5")
    (outcome,) = await desk.ended("a")
    assert outcome.failure is None


async def test_that_it_begins_is_said_before_a_runner_can_die_of_it(desk):
    key = await desk.give("a", "crash")
    await desk.is_lost(key)
    await desk.until(lambda: [p.submission for p in desk.progress] == ["a"])


async def test_a_flood_on_the_output_does_not_hide_the_outcome(desk):
    await desk.give("a", "flood")
    (outcome,) = await desk.ended("a")
    assert outcome.failure is None


async def test_a_line_without_an_end_is_a_runner_that_died(desk):
    key = await desk.give("a", "endless")
    await desk.is_lost(key)
    await desk.until(lambda: not desk.living(), 1)


async def test_a_runner_that_refuses_is_our_failure(desk):
    await desk.give("a", "refuse")
    (outcome,) = await desk.ended("a")
    assert (outcome.failure.code, outcome.failure.ours) == ("E_RUNNER_REFUSED", True)


async def test_many_jobs_and_none_is_lost_or_reported_twice(desk):
    names = [f"s{n}" for n in range(40)]
    for n, name in enumerate(names):
        await desk.give(name, lock=f"member {n % 7}")
    await desk.ended(*names)
    assert desk.count() == dict.fromkeys(names, 1)


async def test_runners_are_seen_with_what_they_are_on(desk):
    key = await desk.give("a", "sleep-1")
    await desk.begun("a")

    async def busy():
        return [r for r in await desk.engine.runners() if r.busy_with == key]

    (seen,) = await desk.until(busy)
    assert (seen.tier, seen.versions) == ("reduced", {"fake": "1"})
    await desk.ended("a")

    async def idle():
        return not await busy() and await desk.saw(seen.name)

    await desk.until(idle)


async def test_stopping_leaves_no_child(desk):
    await desk.give("a", "child-3600")
    await desk.until(lambda: desk.noted("children"))
    assert len(desk.living()) == 2
    await desk.halt()
    await desk.until(lambda: not desk.living(), 1)  # an orphan dies a moment after its kill


async def test_what_stopping_interrupts_is_handed_back(desk):
    await desk.give("a", "silent")
    await desk.begun("a")
    await desk.halt()
    (outcome,) = await desk.ended("a")
    assert (outcome.failure.code, outcome.failure.ours) == (HANDED_BACK, True)


def test_only_runners_of_our_own_may_read_labels():
    assert EmbeddedEngine.trusted
    assert not DistributedEngine.trusted
