"""What several tests of features start from."""

import aiohttp
import pytest

from tests.features.boards import MANIFEST
from tests.features.lab import open_lab
from tests.features.scripted_desk import ScriptedDesk
from tests.opening import open_benchmark


@pytest.fixture
def desk(chat):
    """What the clerk asks, for tests that say what a desk answers."""
    chat.clerk.desk = ScriptedDesk(chat.clerk.desk)
    return chat.clerk.desk


@pytest.fixture
async def board(chat):
    """A benchmark called digits, open for two scored submissions a day."""
    await open_benchmark(chat.core, MANIFEST, per_day=2)
    return chat


@pytest.fixture
async def lab(chat):
    return await open_lab(chat)


@pytest.fixture
async def links(board, bot):
    """The board's chat, with the web server that upload links lead to."""
    await bot.web.start()
    yield board
    await bot.web.stop()


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as client:
        yield client
