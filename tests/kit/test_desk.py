"""The desk as a child process: started when needed, dead when it must be, never in the way."""

import asyncio
import os
import signal
import sys

import numpy as np
import psutil
import pytest

from bot.kit.desk import DeskProcess
from bot.kit.errands import DeskDied
from runner import blobs
from runner.contract import Failure
from runner.errands import DatasetErrand, ScoreErrand
from tests.runner.conftest import Bench

STUCK = """
import os, subprocess, sys
print('{"hello": "desk"}', flush=True)
for line in sys.stdin:
    child = subprocess.Popen(["sleep", "600"])
    open(sys.argv[1], "w").write(str(child.pid))
    child.wait()
"""
LIAR = """
import sys
print('{"hello": "desk"}', flush=True)
for line in sys.stdin:
    print('{"id": 77, "done": {"artifacts": []}}', flush=True)
    print('{"id": 1, "done": {"artifacts": 5}}', flush=True)
"""


@pytest.fixture
async def open_desk(tmp_path):
    desks = []

    def opened(**given):
        desks.append(DeskProcess(tmp_path / "artifacts", tmp_path / "datasets", **given))
        return desks[-1]

    yield opened
    for desk in desks:
        await desk.stop()
        assert not desk.running


def score_errand(bench):
    wanted = np.zeros((80, 10), np.float32)
    wanted[np.arange(80), bench.arrays["board"][1]] = 1
    made = blobs.store(
        bench.folder / "artifacts", npy(wanted), name="p.npy", media_type="application/x-npy"
    )
    return ScoreErrand(
        task="classification",
        dataset=bench.manifest.key,
        splits=("board",),
        predictions=(made.sha256,),
        metric="accuracy",
    )


def npy(array):
    from io import BytesIO

    out = BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


async def test_a_real_desk_scores_in_a_child_and_goes_on_after_a_kill(open_desk, tmp_path):
    bench, desk = Bench(tmp_path), open_desk()
    assert not desk.running
    errand = score_errand(bench)
    scored = await desk.ask(errand)
    assert scored.scores[0].metrics[0].value == 1.0
    first = desk.pid
    os.kill(first, signal.SIGKILL)
    for _ in range(2):  # it may be asked before its death was noticed
        try:
            again = await desk.ask(errand)
            break
        except DeskDied:
            continue
    assert again == scored
    assert desk.pid != first


async def test_a_refusal_comes_back_as_one(open_desk, tmp_path):
    bench, desk = Bench(tmp_path), open_desk()
    wrong = score_errand(bench).model_copy(update={"predictions": ("0" * 64,)})
    said = await desk.ask(wrong)
    assert isinstance(said, Failure)
    assert said.ours


async def test_a_stuck_desk_is_killed_with_all_that_it_started(open_desk, tmp_path):
    note = tmp_path / "pid"
    desk = open_desk(command=(sys.executable, "-c", STUCK, str(note)), deadlines={"dataset": 2.0})
    with pytest.raises(DeskDied, match="in time"):
        await desk.ask(DatasetErrand(dataset="x"))
    assert not desk.running
    async with asyncio.timeout(10):
        while psutil.pid_exists(int(note.read_text())):
            await asyncio.sleep(0.01)


async def test_an_answer_of_another_shape_is_no_answer(open_desk):
    desk = open_desk(command=(sys.executable, "-c", LIAR))
    with pytest.raises(DeskDied, match="misspoke"):
        await desk.ask(DatasetErrand(dataset="x"))


async def test_what_does_not_start_is_a_death(open_desk, tmp_path):
    for command in ((str(tmp_path / "missing"),), (sys.executable, "-c", "print('bye')")):
        with pytest.raises(DeskDied):
            await open_desk(command=command).ask(DatasetErrand(dataset="x"))
