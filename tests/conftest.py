"""A bot on an empty database, on SQLite and on Postgres, and a clock that the test can turn."""

from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import text

from bot.app import Bot
from bot.config import Settings
from bot.kit.db import Base
from bot.kit.testing import Chat, StillEngine, TurnableClock
from tests.desk_here import DeskHere
from tests.postgres import postgres_server, postgres_url  # noqa: F401 - fixtures

# A timing is a benchmark, not a test.
hypothesis.settings.register_profile("bookwiz", deadline=None)
hypothesis.settings.load_profile("bookwiz")

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request, tmp_path):
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/bookwiz.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture
def settings(database_url, tmp_path):
    return Settings(_env_file=None, data=tmp_path, database_url=database_url, web={"port": 0})


@pytest.fixture
async def bot(settings):
    """A bot whose schedules and courier the test drives."""
    desk = DeskHere(settings.data / "files", settings.data / "datasets")
    bot = Bot(settings, StillEngine(), clock=TurnableClock(), desk=desk)
    async with bot.database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await bot.prepare()
    await bot.engine.start(bot.outcome, bot.progress)
    yield bot
    await empty(bot)


async def empty(bot):
    """Leave a shared database as it was found, and close it."""
    if not bot.database.is_sqlite:
        async with bot.database.engine.begin() as connection:
            names = ", ".join(f'"{t.name}"' for t in Base.metadata.sorted_tables)
            await connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    await bot.database.close()


@pytest.fixture
async def chat(bot):
    """Speaks to the bot. ``moira`` is the admin, since the first member is; the rest are members."""
    chat = Chat(bot.core, bot.courier, bot.clock, bot.engine, bot.clerk)
    async with bot.core.work("tests") as work:
        await bot.core.services.people.account(
            work.session, platform="local", handle="moira", name="Moira"
        )
    return chat
