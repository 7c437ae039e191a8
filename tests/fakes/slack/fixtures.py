"""A Slack for each test."""

import pytest

from . import SlackFake


@pytest.fixture
async def slack_fake():
    """A fresh Slack: one workspace where the app is installed, with nobody in it yet."""
    fake = await SlackFake().start()
    yield fake
    await fake.stop()
