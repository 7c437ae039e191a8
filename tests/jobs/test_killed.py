"""Runners of the real kind are killed with -9 at every stage; each submission still ends once."""

import asyncio
import os
import signal

import pytest

from bot.features.leaderboards.models import State
from tests.runner.models import good_model

pytestmark = [pytest.mark.postgres, pytest.mark.sandbox, pytest.mark.slow]


def assert_scored_once(world, row, text):
    assert row.state == State.SCORED, row.failure
    assert "accuracy" in text.lower()
    assert [key for key in world.room.said if key == f"submission:{row.id}"]
    assert world.to_moderators() == []


@pytest.mark.parametrize("stage", ["fetch", "check", "predict", "score", "report"])
async def test_a_runner_killed_at_a_stage_is_followed_by_another(world, stage):
    world.gate.shut(stage)
    world.hire("doomed", gate=True)
    id_ = await world.submit(good_model())
    await world.until(lambda: world.gate.waiting(stage))
    assert (await world.row(id_)).state in {State.DISPATCHED, State.RUNNING}
    await world.kill("doomed")
    world.hire("spare")
    row = await world.ended(id_)
    assert (row.attempt, row.losses) == (2, 1)
    assert_scored_once(world, row, await world.told(id_))


async def test_the_process_that_scores_is_killed_below_its_worker(world):
    world.gate.shut("predict")
    world.hire("steady", gate=True)
    id_ = await world.submit(good_model())
    os.kill(await world.until(lambda: world.gate.waiting("predict")), signal.SIGKILL)
    world.gate.open("predict")
    row = await world.ended(id_)
    assert (row.attempt, row.losses) == (2, 1)
    assert_scored_once(world, row, await world.told(id_))
    assert world.runners["steady"].poll() is None


async def test_after_three_lost_runners_it_is_our_fault_and_moderators_are_told_once(world):
    world.gate.shut("check")
    id_ = await world.submit(good_model())
    for attempt in (1, 2, 3):
        name = f"doomed-{attempt}"
        world.hire(name, gate=True)

        async def is_at_it(attempt=attempt):
            row = await world.row(id_)
            return row.attempt == attempt and row.state == State.RUNNING

        await world.until(lambda: world.gate.waiting("check"))
        await world.until(is_at_it)
        await world.kill(name)
        (world.folder / "gate" / "at-check").unlink()
    row = await world.ended(id_)
    assert (row.state, row.failure["code"]) == (State.FAILED, "E_RUNNER_LOST")
    assert "our fault" in await world.told(id_)
    told = await world.until(world.to_moderators)
    assert len(told) == 1
    assert id_ in told[0]
    world.gate.open("check")
    world.hire("spare")
    second = await world.submit(good_model(seed=1))
    assert (await world.ended(second)).state == State.SCORED


async def test_a_zombie_that_reports_late_changes_nothing(world):
    world.gate.shut("report")
    zombie = world.hire("zombie", gate=True)
    id_ = await world.submit(good_model())
    await world.until(lambda: world.gate.waiting("report"))
    zombie.send_signal(signal.SIGSTOP)
    world.hire("spare")
    row = await world.ended(id_)
    assert (row.attempt, row.report["runner"]) == (2, "spare")
    world.gate.open("report")
    zombie.send_signal(signal.SIGCONT)
    # It is alive again and does the next model: what it had to say has been said by then.
    await world.kill("spare")
    second = await world.submit(good_model(seed=1), who="bob")
    assert (await world.ended(second)).report["runner"] == "zombie"
    after = await world.row(id_)
    assert (after.attempt, after.report) == (2, row.report)


async def test_a_runner_told_to_stop_ends_what_it_can(world):
    world.gate.shut("score")
    leaving = world.hire("leaving", gate=True)
    id_ = await world.submit(good_model())
    await world.until(lambda: world.gate.waiting("score"))
    leaving.terminate()
    world.gate.open("score")
    row = await world.ended(id_)
    assert (row.state, row.attempt, row.report["runner"]) == (State.SCORED, 1, "leaving")
    assert await asyncio.to_thread(leaving.wait, 20) == 0


async def test_a_runner_told_to_stop_hands_back_what_it_cannot_end_and_nobody_loses_an_attempt(
    world,
):
    world.gate.shut("predict")
    leaving = world.hire("leaving", gate=True)
    id_ = await world.submit(good_model())
    await world.until(lambda: world.gate.waiting("predict"))
    leaving.terminate()
    assert await asyncio.to_thread(leaving.wait, 20) == 0
    world.hire("spare")
    row = await world.ended(id_)
    assert (row.state, row.attempt, row.losses) == (State.SCORED, 2, 0)


async def test_two_runners_never_do_the_same(world):
    for name in ("one", "other"):
        world.hire(name)
    ids = [await world.submit(good_model(seed=n), who=f"member{n}") for n in range(8)]
    for id_ in ids:
        assert (await world.ended(id_)).attempt == 1
    rows = [await world.row(id_) for id_ in ids]
    assert {row.report["runner"] for row in rows} == {"one", "other"}
    sent = [folder.name for folder in (world.data / "received").iterdir()]
    assert sorted(sent) == sorted(f"{id_}.1" for id_ in ids)
