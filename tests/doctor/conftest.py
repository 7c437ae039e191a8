"""Both platforms, each with the app and nobody there yet."""

import discord as discord_py
import pytest

from tests.fakes.discord.fixtures import discord  # noqa: F401 - a fixture
from tests.fakes.slack.fixtures import slack_fake as slack  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def addresses(monkeypatch):
    """discord.py keeps them for the whole process."""
    monkeypatch.setattr(discord_py.http.Route, "BASE", discord_py.http.Route.BASE)
    gateway = discord_py.gateway.DiscordWebSocket
    monkeypatch.setattr(gateway, "DEFAULT_GATEWAY", gateway.DEFAULT_GATEWAY)
