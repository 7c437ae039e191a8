"""The whole bot with runners of several kinds: what only one of them can open waits for that one."""

import pytest

from bot.features.leaderboards.models import State
from tests.jobs.conftest import HELLO
from tests.jobs.world import World
from tests.runner.models import good_model

torch = pytest.importorskip("torch", reason="PyTorch is not installed: its files are not tested")
pytestmark = [pytest.mark.postgres, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.torch]
NOBODY = "No runner that can open safetensors is connected just now"


@pytest.fixture
async def young_world(tmp_path, jobs_url):
    """A bot that soon takes for granted that every runner has said hello."""
    world = World(tmp_path, jobs_url, hello=HELLO)
    await world.open()
    yield world
    await world.close()


async def test_weights_wait_for_a_runner_with_torch_while_onnx_is_scored(young_world):
    from tests.runner.corpus.torch_files import weights

    world = young_world
    world.hire("plain", program=("-m", "tests.jobs.torchless"))

    async def said_hello():
        return "plain" in {r.name for r in await world.bot.engine.runners()}

    await world.until(said_hello)
    waits = await world.submit(weights(), more="architecture:mlp")
    goes = await world.submit(good_model())  # of the same member, behind it

    def says(id_, words):
        said = world.room.said.get(f"submission:{id_}")
        return said is not None and words in said.text.replace("\\", "")

    await world.until(lambda: says(waits, NOBODY))
    row = await world.ended(goes)
    assert (row.state, row.report["runner"]) == (State.SCORED, "plain")
    assert (await world.row(waits)).state == State.DISPATCHED
    [told] = await world.until(world.to_moderators)
    assert "No runner with PyTorch is connected" in told

    world.hire("torch")
    row = await world.ended(waits)
    assert (row.state, row.report["runner"]) == (State.SCORED, "torch"), row.failure
    assert (row.attempt, row.lacking) == (1, "")
    assert "accuracy" in (await world.told(waits)).lower()
    assert len(world.to_moderators()) == 1
