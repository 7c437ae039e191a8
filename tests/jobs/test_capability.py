"""A job goes only to a runner that can do it: the distributed engine with runners of several kinds."""

import signal

import pytest

from runner.contract import HANDED_BACK
from tests.jobs.conftest import HELLO
from tests.jobs.job_rows import change, statuses

pytestmark = pytest.mark.postgres
TORCH = {"tier": "full", "formats": ["onnx", "safetensors", "torchscript", "pt2"]}


def took(desk):
    return dict(line.split() for line in desk.noted("took"))


async def seen(desk, name):
    return next((r for r in await desk.engine.runners() if r.name == name), None)


async def test_a_job_reaches_the_only_runner_that_can_do_it(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    staff.hire(jobs_url, "plain")
    staff.hire(jobs_url, "torch", hello=TORCH)
    await desk.until(lambda: desk.saw("plain", "torch"))
    await desk.give("long", "sleep-1.5", format="torchscript", lock="bob")
    await desk.begun("long")
    names = [f"t{n}" for n in range(3)]
    for name in names:  # the other one idles all the while
        await desk.give(name, format="torchscript", lock="ada")
    await desk.give("walls", minimum_tier="full")
    await desk.give("onnx")
    await desk.ended("onnx")
    await desk.ended("long", "walls", *names)
    assert took(desk) == dict.fromkeys(["long", "walls", *names], "torch") | {"onnx": "plain"}
    assert desk.count() == dict.fromkeys(["long", "walls", "onnx", *names], 1)
    assert (await seen(desk, "plain")).takes == ("own",)
    assert (await seen(desk, "torch")).takes == ("own", "own+full", "own+torch", "own+full+torch")


async def test_a_job_that_nobody_can_do_waits_for_who_can_and_holds_nobody_up(
    desk_at, jobs_url, staff
):
    desk = await desk_at(jobs_url)
    assert await desk.engine.served(["own+full+torch"]) == {}  # nobody had the time to speak
    staff.hire(jobs_url, "plain")
    await desk.until(lambda: desk.saw("plain"))
    key = await desk.give("script", format="torchscript", lock="ada")
    await desk.give("onnx", lock="ada")
    await desk.ended("onnx")

    async def nobody():
        return await desk.engine.served(["own", "own+full+torch"]) == {
            "own": True,
            "own+full+torch": False,
        }

    await desk.until(nobody, HELLO + 3)
    assert await desk.engine.alive([key]) == {key}
    staff.hire(jobs_url, "torch", hello=TORCH)
    await desk.ended("script")
    await desk.until(lambda: desk.saw("torch"))  # which it may tell after it began
    assert await desk.engine.served(["own+full+torch"]) == {"own+full+torch": True}
    assert took(desk) == {"onnx": "plain", "script": "torch"}


async def test_what_another_version_queued_by_another_name_is_not_alive(desk_at, jobs_url):
    desk = await desk_at(jobs_url)
    key = await desk.give("a", format="torchscript")
    await change(jobs_url, "UPDATE procrastinate_jobs SET queue_name = 'own+npu' RETURNING id")
    assert await desk.engine.alive([key]) == set()
    await desk.engine.cancel(key)
    assert statuses(jobs_url)[key] == "cancelled"


async def test_a_job_in_an_older_versions_queue_is_handed_back_by_who_cannot_do_it(
    desk_at, jobs_url, staff
):
    desk = await desk_at(jobs_url)
    await desk.give("a", format="torchscript")
    await change(jobs_url, "UPDATE procrastinate_jobs SET queue_name = 'own' RETURNING id")
    staff.hire(jobs_url, "plain")
    (outcome,) = await desk.ended("a")
    assert outcome.failure.code == HANDED_BACK
    assert desk.noted("begun") == []


async def test_a_runner_that_can_do_nothing_takes_nothing_and_is_still_seen(
    desk_at, jobs_url, staff
):
    desk = await desk_at(jobs_url)
    desk.queue = "gpu"
    staff.hire(jobs_url, "weak", queue="gpu", hello={"tier": "full", "gpus": []})
    await desk.until(lambda: desk.saw("weak"))
    await desk.give("a")
    assert (await seen(desk, "weak")).takes == ()
    strong = {"tier": "full", "gpus": ["NVIDIA H100"]}
    staff.hire(jobs_url, "strong", queue="gpu", hello=strong)
    await desk.ended("a")
    assert took(desk) == {"a": "strong"}


async def test_a_runner_that_was_told_to_stop_says_so_and_takes_no_more(desk_at, jobs_url, staff):
    desk = await desk_at(jobs_url)
    polite = staff.hire(jobs_url, "polite", drain=10)
    await desk.give("a", "sleep-1.5")
    await desk.begun("a")
    await desk.until(lambda: desk.saw("polite"))
    assert (await seen(desk, "polite")).state == "up"
    polite.send_signal(signal.SIGTERM)

    async def is_(state):
        return (await seen(desk, "polite")).state == state

    await desk.until(lambda: is_("draining"), 2)
    key = await desk.give("b")
    await desk.ended("a")
    await desk.until(lambda: is_("stopped"))
    assert statuses(jobs_url)[key] == "todo"


async def test_a_runner_whose_process_comes_back_with_less_hands_back_and_listens_anew(
    desk_at, jobs_url, staff
):
    desk = await desk_at(jobs_url)
    staff.hire(jobs_url, "shrinks", hello=TORCH)
    await desk.until(lambda: desk.saw("shrinks"))
    staff.says("shrinks", {"tier": "reduced"})
    key = await desk.give("dies", "crash")
    await desk.is_lost(key)
    await desk.give("script", format="torchscript")
    (outcome,) = await desk.ended("script")
    assert outcome.failure.code == HANDED_BACK

    async def less():
        return (await seen(desk, "shrinks")).takes == ("own",)

    await desk.until(less)
    await desk.give("onnx")
    await desk.ended("onnx")
    assert took(desk) == {"dies": "shrinks", "onnx": "shrinks"}
