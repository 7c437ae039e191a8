"""Brings a database to the newest schema, whole or not at all."""

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


async def upgrade(database: Database) -> tuple[str | None, str | None]:
    """Apply what is missing. Returns the revision before and after."""

    def apply(connection: Connection) -> tuple[str | None, str | None]:
        before = MigrationContext.configure(connection).get_current_revision()
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        return before, ScriptDirectory.from_config(config).get_current_head()

    async with database.engine.execution_options(immediate=True).begin() as connection:
        return await connection.run_sync(apply)


async def is_current(database: Database) -> bool:
    """Whether the schema is the one this version needs."""

    def look(connection: Connection) -> bool:
        head = ScriptDirectory.from_config(_config()).get_current_head()
        return MigrationContext.configure(connection).get_current_revision() == head

    async with database.engine.connect() as connection:
        return await connection.run_sync(look)
