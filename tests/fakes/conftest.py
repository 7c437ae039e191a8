from tests.fakes.discord.fixtures import discord  # noqa: F401 - fixture
from tests.fakes.slack.fixtures import slack_fake  # noqa: F401 - fixture
