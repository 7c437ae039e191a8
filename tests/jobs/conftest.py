import sys

import pytest

from bot.kit.jobs.embedded import EmbeddedEngine
from tests.jobs.desk import Desk

FAKE = (sys.executable, "-m", "tests.jobs.fake_runner")


@pytest.fixture
async def embedded(tmp_path):
    engine = EmbeddedEngine(command=FAKE, grace_seconds=0.5)
    desk = Desk(engine, tmp_path)
    await engine.start(desk.on_outcome, desk.on_progress)
    yield desk
    await engine.stop()
    assert not desk.living()


@pytest.fixture(params=["embedded"])
def desk(request):
    """A desk in front of each engine in turn."""
    return request.getfixturevalue(request.param)
