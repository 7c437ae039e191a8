"""A Discord for each test."""

import pytest

from . import DiscordFake


@pytest.fixture
async def discord():
    """A fresh Discord, with no server yet; what the bot asked must have been right."""
    fake = await DiscordFake().start()
    yield fake
    await fake.stop()
    assert not fake.unknown_requests, "the fake lacks these routes"
    assert not [d for d in fake.cdn.downloads if d.authorization], "the token went to the CDN"
    assert not fake.violations, "\n".join(fake.violations)
