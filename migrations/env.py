"""Runs migrations on the connection that ``bot.kit.migrate`` opens, or on the settings' database."""

import asyncio

from alembic import context

from bot import app  # noqa: F401 - importing it puts the adapters' tables into the metadata
from bot.config import Settings
from bot.features import discover
from bot.kit.db import Base, Database, UTCDateTime

discover()  # and this those of the features


def plain(kind: str, item: object, _context: object) -> str | bool:
    """Write our own column types as plain ones, so that no migration imports the bot."""
    return (
        "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UTCDateTime) else False
    )


def ours(item: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Leave tables alone that others keep in the same database."""
    return kind != "table" or name in Base.metadata.tables


def run(connection) -> None:
    context.configure(
        connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=plain,
        include_object=ours,
        # SQLite can roll a migration back as a whole, once the driver leaves BEGIN to us.
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def from_settings() -> None:
    database = Database(context.config.attributes.get("url") or Settings().database)
    async with database.engine.begin() as connection:
        await connection.run_sync(run)
    await database.close()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(from_settings())
