"""The migrations lead to the schema that the code needs, on both databases, whole or not at all."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from bot import app  # noqa: F401 - fills the metadata with the adapters' tables
from bot.features import discover
from bot.kit import migrate
from bot.kit.db import Base, Database, UTCDateTime


@pytest.fixture
async def database(database_url, request):
    """A database with nothing in it."""
    discover()
    if database_url.startswith("postgresql"):
        server = create_engine(database_url, isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS migrations"))
            connection.execute(text("CREATE DATABASE migrations"))
        server.dispose()
        database_url = database_url.rsplit("/", 1)[0] + "/migrations"
    database = Database(database_url)
    yield database
    await database.close()


def same_type(_context, _inspected, _column, inspected_type, our_type):
    return False if isinstance(our_type, UTCDateTime) else None


async def test_they_lead_to_exactly_the_schema_of_the_code(database):
    before, after = await migrate.upgrade(database)
    assert (before, after) == (None, migrate.head())
    async with database.engine.connect() as connection:
        changes = await connection.run_sync(
            lambda c: compare_metadata(
                MigrationContext.configure(c, opts={"compare_type": same_type}), Base.metadata
            )
        )
    assert changes == []


async def test_again_changes_nothing_and_the_schema_is_known_to_be_current(database):
    assert not await migrate.is_current(database)
    await migrate.upgrade(database)
    assert await migrate.is_current(database)
    assert await migrate.upgrade(database) == (migrate.head(), migrate.head())


async def test_one_that_fails_half_way_leaves_nothing_behind(database):
    async with database.engine.begin() as connection:
        await connection.execute(
            text("CREATE TABLE submission (id integer)")
        )  # in the way of a late step
    with pytest.raises(DBAPIError):
        await migrate.upgrade(database)
    async with database.engine.connect() as connection:
        assert await connection.run_sync(lambda c: inspect(c).get_table_names()) == ["submission"]


async def test_the_audit_log_of_a_migrated_database_cannot_be_changed(database):
    await migrate.upgrade(database)
    entry = "INSERT INTO audit (community_id, action, subject, reason, at) VALUES (1, 'a', 's', 'r', '2026-01-01 00:00:00')"
    async with database.engine.begin() as connection:
        await connection.execute(text(entry))
    for change in ("UPDATE audit SET action = 'b'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with database.engine.begin() as connection:
                await connection.execute(text(change))
