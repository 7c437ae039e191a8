import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from bot.kit.db import is_race
from bot.kit.schedule import Occurrence

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def occurrence(key, at=NOON):
    return Occurrence(schedule="trial", key=key, claimed_at=at)


async def count(database):
    async with database.read() as session:
        return await session.scalar(select(func.count()).select_from(Occurrence))


async def test_an_instant_comes_back_aware_and_in_utc(bot):
    kolkata = timezone(timedelta(hours=5, minutes=30))
    async with bot.database.write() as session:
        session.add(occurrence("a", NOON.astimezone(kolkata)))
    async with bot.database.read() as session:
        [found] = await session.scalars(select(Occurrence.claimed_at))
    assert (found, found.tzinfo) == (NOON, UTC)


async def test_a_naive_instant_is_refused(bot):
    async def write():
        async with bot.database.write() as session:
            session.add(occurrence("a", NOON.replace(tzinfo=None)))

    with pytest.raises(StatementError, match="naive datetime"):
        await write()
    assert await count(bot.database) == 0


async def test_what_is_changed_while_reading_is_thrown_away(bot):
    async with bot.database.read() as session:
        session.add(occurrence("a"))
        await session.flush()
    assert await count(bot.database) == 0


async def test_many_writers_at_once_lose_no_update(bot):
    """Each reads and then writes: what fails half-way on SQLite with a deferred BEGIN."""

    async def write(key):
        async with bot.database.write() as session:
            await session.scalar(select(func.count()).select_from(Occurrence))
            await asyncio.sleep(0)
            session.add(occurrence(key))

    await asyncio.gather(*(write(str(n)) for n in range(30)))
    assert await count(bot.database) == 30


async def test_readers_do_not_wait_for_a_writer(bot):
    async with bot.database.write() as session:
        session.add(occurrence("a"))
        await session.flush()
        assert await asyncio.wait_for(count(bot.database), 5) == 0


class Postgres(Exception):  # noqa: N818 - as the driver's errors look
    sqlstate = "40001"


@pytest.mark.parametrize(
    ("error", "race"),
    [
        (IntegrityError("INSERT", {}, Exception("unique")), True),
        (OperationalError("INSERT", {}, Postgres()), True),
        (OperationalError("INSERT", {}, Exception("database is locked")), True),
        (OperationalError("INSERT", {}, Exception("disk I/O error")), False),
    ],
)
def test_only_what_trying_again_may_help_is_a_race(error, race):
    assert is_race(error) == race
