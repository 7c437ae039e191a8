"""A chat with a bot that has one feature more: the trial."""

from dataclasses import replace

import pytest
import structlog

from bot.kit.core import Core
from bot.kit.feature import commands_of
from bot.kit.log import redact, tell_where
from bot.kit.render import Renderer
from bot.kit.testing import Chat
from tests.kit.trial import Trial, make


@pytest.fixture(autouse=True)
def logged():
    """Log as the bot does, where ``caplog`` sees it; structlog by itself prints every variable."""
    before = structlog.get_config()
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            tell_where,
            redact,
            structlog.processors.KeyValueRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    yield
    structlog.configure(**before)


@pytest.fixture
def trial():
    return Trial()


@pytest.fixture
def commands(trial):
    return commands_of({"trial": make(trial)})


@pytest.fixture
async def room(bot, trial):
    """Like ``chat``, with the trial's commands and schedules."""
    feature = make(trial)
    features = {**bot.core.services.features, "trial": feature}
    services = replace(
        bot.core.services,
        features=features,
        commands=commands_of(features),
        schedules=feature.schedules,
        renderer=Renderer(features),
    )
    core = Core(bot.database, services, after_commit=lambda _facts: bot.courier.wake())
    async with core.work("tests") as work:
        await services.people.account(work.session, platform="local", handle="moira", name="Moira")
    return Chat(core, bot.courier, bot.clock, bot.engine)
