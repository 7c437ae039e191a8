"""What only the embedded engine has to stand: idling, runners that do not start, a killed bot."""

import asyncio
import signal
import subprocess
import sys

import pytest

from bot.kit.jobs.embedded import EmbeddedEngine
from runner.process import RunnerDied, RunnerProcess
from tests.jobs.conftest import FAKE
from tests.jobs.desk import Desk, evaluation
from tests.runner.conftest import Bench
from tests.runner.models import good_model


@pytest.fixture
async def hire_at(tmp_path):
    """Open a desk before an embedded engine that is made so."""
    desks = []

    async def open_desk(**given):
        engine = EmbeddedEngine(**{"command": FAKE, "grace_seconds": 0.5} | given)
        desks.append(Desk(engine, tmp_path))
        await engine.start(desks[-1].on_outcome, desks[-1].on_progress)
        return desks[-1]

    yield open_desk
    for desk in desks:
        await desk.engine.stop()


async def test_nothing_is_started_before_there_is_work(hire_at):
    desk = await hire_at()
    assert await desk.engine.runners() == []


async def test_an_idle_runner_is_stopped_and_still_known(hire_at):
    desk = await hire_at(idle_seconds=0.2)
    await desk.give("a")
    await desk.ended("a")
    await desk.until(lambda: not desk.living())
    (seen,) = await desk.engine.runners()
    await asyncio.sleep(0.05)
    assert (await desk.engine.runners())[0].heartbeat_at == seen.heartbeat_at
    assert seen.tier == "reduced"
    await desk.give("b")
    await desk.ended("b")


async def test_two_runners_work_at_once(hire_at):
    desk = await hire_at(runners=2)
    await desk.give("a", "sleep-1")
    await desk.give("b", "sleep-1")
    await desk.give("c", lock="a")
    await desk.until(lambda: len(desk.noted("begun")) == 2)
    assert len(desk.living()) == 2
    await desk.ended("a", "b", "c")


async def test_a_job_waits_for_a_runner_that_does_not_start(hire_at, tmp_path):
    gate = f"test -e {tmp_path}/mended && exec {' '.join(FAKE)}; exit 1"
    desk = await hire_at(command=("sh", "-c", gate))
    key = await desk.give("a")
    await asyncio.sleep(0.5)
    assert await desk.engine.alive([key]) == {key}
    (tmp_path / "mended").touch()
    await desk.ended("a")


async def test_an_outcome_that_cannot_be_applied_holds_up_no_other(hire_at):
    desk = await hire_at()
    applied = desk.on_outcome

    async def refuse_a(outcome):
        if outcome.submission == "a":
            raise OSError
        await applied(outcome)

    desk.engine._on_outcome = refuse_a
    await desk.give("a")
    await desk.give("b")
    await desk.ended("b")


async def test_a_bot_that_is_killed_leaves_no_runner(tmp_path):
    code = (
        "import asyncio, sys; from pathlib import Path\n"
        "from bot.kit.jobs.embedded import EmbeddedEngine\n"
        "from tests.jobs.conftest import FAKE\n"
        "from tests.jobs.desk import Desk\n"
        "async def main():\n"
        "    desk = Desk(EmbeddedEngine(command=FAKE), Path(sys.argv[1]))\n"
        "    await desk.engine.start(desk.on_outcome, desk.on_progress)\n"
        "    await desk.give('a', 'cell-3600')\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    bot = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])  # noqa: ASYNC220 - at once
    desk = Desk(EmbeddedEngine(), tmp_path)
    await desk.until(lambda: desk.noted("children"))
    assert len(desk.living()) == 2
    bot.send_signal(signal.SIGKILL)
    bot.wait()
    await desk.until(lambda: not desk.living())


async def _ignore(_):
    pass


async def test_an_overdue_evaluation_is_ended_and_is_our_failure(tmp_path):
    process = RunnerProcess(FAKE, grace_seconds=0.3)
    asked = evaluation(tmp_path, "a", "child-3600", limits={"wall_seconds": 0.2})
    outcome = await process.run(asked, _ignore)
    assert (outcome.failure.code, outcome.failure.ours) == ("E_RUNNER_TIMEOUT", True)
    assert outcome.token == asked.token
    desk = Desk(EmbeddedEngine(), tmp_path)
    await desk.until(lambda: not desk.living(), 1)
    assert (await process.run(evaluation(tmp_path, "b"), _ignore)).failure is None
    await process.kill()


async def test_a_runner_that_says_no_hello_is_given_up(tmp_path):
    process = RunnerProcess(("sleep", "3600"), hello_seconds=0.2)
    with pytest.raises(RunnerDied, match="no hello"):
        await process.start()
    assert not process.running
    with pytest.raises(RunnerDied, match="does not start"):
        await RunnerProcess((str(tmp_path / "none"),)).start()


async def test_a_listener_that_is_slow_holds_nothing_up(tmp_path):
    heard = []

    async def slow(progress):
        heard.append(progress.done)
        if len(heard) > 1:
            await asyncio.sleep(0.5)

    process = RunnerProcess(FAKE)
    outcome = await process.run(evaluation(tmp_path, "a", "progress-40"), slow)
    assert outcome.failure is None
    assert len(heard) < 5
    await process.kill()


@pytest.mark.sandbox
async def test_a_real_model_is_scored(tmp_path):
    bench = Bench(tmp_path)
    asked = bench.evaluation(good_model())
    engine = EmbeddedEngine()
    desk = Desk(engine, tmp_path)
    await engine.start(desk.on_outcome, desk.on_progress)
    try:
        await engine.dispatch(key="7:1", queue="cpu", lock="ada", payload=asked.model_dump_json())
        (outcome,) = await desk.ended("7")
    finally:
        await engine.stop()
    assert outcome.failure is None
    assert outcome.scores[0].images == 80


async def test_a_line_that_is_too_long_ends_the_process(tmp_path):
    process = RunnerProcess(FAKE, line_bytes=1000)
    with pytest.raises(RunnerDied, match="more than 1000 bytes"):
        await process.run(evaluation(tmp_path, "a", "endless"), _ignore)
    assert not process.running
