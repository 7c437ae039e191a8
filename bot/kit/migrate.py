"""Brings a database to the newest schema, whole or not at all."""

import asyncio
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import bot
from bot.kit.db import Database


def _config() -> Config:
    here = Path(bot.__file__).parent
    shipped, checkout = here / "_migrations", here.parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(shipped if shipped.is_dir() else checkout))
    return config


def head() -> str:
    """The newest revision there is."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None, "the first migration is part of the project"
    return found


def write(message: str) -> Path:
    """Write the migration that leads from the newest one to the tables of the code.

    It is made against an empty database of its own, so that nobody's data is needed or touched.
    """
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{folder}/empty.db"
        asyncio.run(_upgrade_and_close(url))
        config = _config()
        config.attributes["url"] = url
        config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
        script = command.revision(config, message=message, autogenerate=True)
    assert script is not None
    assert not isinstance(script, list)
    return Path(script.path)


async def _upgrade_and_close(url: str) -> None:
    database = Database(url)
    await upgrade(database)
    await database.close()


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Apply what is missing. Returns the revision before and after."""

    def apply(connection: Connection) -> tuple[str | None, str]:
        before = MigrationContext.configure(connection).get_current_revision()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return before, head()

    async with database.engine.execution_options(immediate=True).begin() as connection:
        return await connection.run_sync(apply)


async def is_current(database: Database) -> bool:
    """Whether the schema is the one this version needs."""

    def look(connection: Connection) -> bool:
        return MigrationContext.configure(connection).get_current_revision() == head()

    async with database.engine.connect() as connection:
        return await connection.run_sync(look)
