"""The disk of the bot, or of a runner, is really full, or gone: said to be ours, told once, and over by itself."""

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import aiohttp
import pytest

from bot.features.leaderboards.models import State
from tests.jobs.job_rows import change
from tests.jobs.world import World
from tests.runner.models import good_model

pytestmark = [pytest.mark.postgres, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.root]


class SmallDisk:
    """A file system of its own, of 24 MB, to be filled and emptied."""

    def __init__(self, folder):
        self.folder = folder

    def fill(self):
        with (self.folder / "ballast").open("ab", buffering=0) as ballast:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(bytes(size))

    def make_room(self):
        (self.folder / "ballast").unlink()


@contextlib.contextmanager
def small_disk(folder):
    """Mount one at *folder*."""
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "bookwiz-small", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def place():
    """Not below pytest's folders, which it deletes when it wants."""
    place = Path(tempfile.mkdtemp(prefix="bookwiz-disk-", dir="/tmp"))
    yield place
    shutil.rmtree(place)


@pytest.fixture
def disk(place):
    (place / "data").mkdir()
    with small_disk(place / "data") as disk:
        yield disk


@pytest.fixture
async def world(disk, place, jobs_url):
    """A bot whose data folder, its SQLite too, is on the small disk."""
    world = World(place, jobs_url)
    await world.open()
    yield world
    await world.close()


async def ask(world, path, data):
    """What the bot answers to a POST: status and JSON."""
    headers = {"Content-Type": "application/octet-stream", "X-Bookwiz": "1"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(world.bot.web.url + path, data=data, headers=headers) as response,
    ):
        return response.status, await response.json()


async def commanded(world, code):
    """Have members command until the database cannot be written: it has some room of its own."""
    for n in range(400):
        answer = await world.say(f"member{n}", "/profile timezone zone:Europe/Paris")
        if answer.refused:
            assert answer.code == code, answer.message.plain()
            return answer.message.plain()
    raise AssertionError("it could always be written")


async def reported(world):
    """Whether the runner has said how the first attempt ended; on a full disk that may have to wait."""
    waiting = "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'outcome'"
    [row] = await world.rows()
    return row.attempt > 1 or bool(await change(world.jobs_url, waiting))


def warnings_of(world, words):
    return [text for text in world.to_moderators() if words in text]


async def test_a_full_disk_is_said_to_be_ours_told_once_and_over_when_there_is_room(world, disk):
    world.hire("steady")
    first = await world.submit(good_model())
    assert (await world.ended(first)).state == State.SCORED
    disk.fill()
    for _ in range(2):
        status, said = await ask(world, "/api/uploads?name=model.onnx", good_model(seed=1))
        assert (status, said["code"]) == (507, "E_STORAGE")
        assert said["problem"] == "Our disk is full; nothing was kept."
    assert "our fault and cost you nothing" in await commanded(world, "E_STORAGE")
    disk.make_room()
    await world.until(lambda: warnings_of(world, "Our disk is full"))
    status, said = await ask(world, "/api/uploads?name=model.onnx", good_model(seed=1))
    assert status == 200
    second = await world.submit(good_model(seed=1))
    assert (await world.ended(second)).state == State.SCORED
    assert len(warnings_of(world, "Our disk is full")) == 1


async def test_what_was_predicted_onto_a_full_disk_is_predicted_again_at_no_cost(world, disk):
    world.gate.shut("predict")
    world.hire("steady", gate=True)
    id_ = await world.submit(good_model())
    await world.until(lambda: world.gate.waiting("predict"))
    disk.fill()
    world.gate.open("predict")
    await world.until(lambda: reported(world))
    disk.make_room()
    row = await world.ended(id_)
    assert (row.state, row.losses) == (State.SCORED, 0)
    assert row.attempt >= 2
    await world.told(id_)
    assert len(warnings_of(world, "Our disk is full")) == 1


async def test_a_folder_that_is_gone_is_not_called_a_lie_and_comes_back(world):
    world.gate.shut("report")
    world.hire("steady", gate=True)
    id_ = await world.submit(good_model())
    await world.until(lambda: world.gate.waiting("report"))
    files = world.data / "files"
    files.rename(world.data / "away")
    world.gate.open("report")

    async def is_tried_again():
        return (await world.row(id_)).attempt == 2

    await world.until(is_tried_again)
    status, said = await ask(world, "/api/uploads?name=model.onnx", good_model(seed=1))
    assert (status, said["problem"]) == (507, "Our storage cannot be reached; nothing was kept.")
    (world.data / "away").rename(files)
    row = await world.ended(id_)
    assert (row.state, row.losses) == (State.SCORED, 0)
    assert len(warnings_of(world, "cannot be reached")) == 1
    assert not warnings_of(world, "cannot be:")


async def test_a_runner_without_room_gives_the_model_back_and_another_takes_it(world, place):
    (place / "small").mkdir()
    with small_disk(place / "small") as cache:
        cache.fill()
        world.hire("full", home=cache.folder)
        id_ = await world.submit(good_model())

        async def is_tried_again():
            return (await world.row(id_)).attempt == 2

        await world.until(is_tried_again)
        await world.kill("full")
    world.hire("spare")
    row = await world.ended(id_)
    assert (row.state, row.losses, row.report["runner"]) == (State.SCORED, 1, "spare")
