"""No command is missing, and each is the same on every platform."""

import shutil

import pytest

from bot.app import Bot
from bot.config import Settings
from bot.features import discover
from bot.kit.feature import commands_of
from bot.kit.testing import StillEngine, TurnableClock
from tests.conformance.discord import DiscordWorld
from tests.conformance.local import LocalWorld
from tests.conformance.scenarios import SCENARIOS
from tests.conformance.slack import SlackByHttp, SlackWorld
from tests.conformance.world import assert_equivalent, assert_same_effect
from tests.conftest import empty, set_up
from tests.desk_here import DeskHere


def test_every_command_has_a_scenario():
    assert set(SCENARIOS) == set(commands_of(discover()))


@pytest.fixture
async def told(tmp_path, tmp_path_factory):
    """Play a scenario on a platform, with a bot of its own; gives what was heard, and the effect."""

    async def tell(kind, scenario):
        data = tmp_path / kind.platform
        data.mkdir()
        settings = Settings(_env_file=None, data=data, web={"port": 0})
        desk = DeskHere(data / "files", data / "datasets")
        bot = Bot(settings, StillEngine(), clock=TurnableClock(), desk=desk)
        await set_up(bot.database, tmp_path_factory.getbasetemp() / "template.db")
        await bot.prepare()
        await bot.engine.start(bot.outcome, bot.progress)
        world = kind(bot)
        await world.start()
        try:
            return await world.without_ids(await scenario(world)), await world.effect()
        finally:
            await world.stop()
            await empty(bot)
            shutil.rmtree(data)  # rows name it, and the next one is to find it as empty

    return tell


# One test a command, so that the local chat is asked once for all that are compared with it.
@pytest.mark.parametrize("command", sorted(SCENARIOS))
async def test_a_command_is_the_same_as_in_the_local_chat(command, told):
    measure, wanted = await told(LocalWorld, SCENARIOS[command])
    different = []
    for kind in (SlackWorld, SlackByHttp, DiscordWorld):
        heard, effect = await told(kind, SCENARIOS[command])
        try:
            assert_equivalent(heard, measure)
            assert_same_effect(effect, wanted)
        except AssertionError as error:
            error.add_note(f"in {kind.__name__}")
            different.append(error)
    if different:
        raise ExceptionGroup(command, different)
