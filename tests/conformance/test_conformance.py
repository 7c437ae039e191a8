"""No command is missing, and each is the same on every platform."""

import pytest

from bot.features import discover
from bot.kit.feature import commands_of
from tests.conformance.local import LocalWorld
from tests.conformance.scenarios import SCENARIOS


def test_every_command_has_a_scenario():
    assert set(SCENARIOS) == set(commands_of(discover()))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", sorted(SCENARIOS))
async def test_a_command_is_answered(command, bot):
    world = LocalWorld(bot)
    await world.start()
    try:
        heard = await SCENARIOS[command](world)
    finally:
        await world.stop()
    assert len(heard.words) > 3, heard.text
