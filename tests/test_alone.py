"""Two bots on one Postgres database: the second is refused, and a lost lock is taken again."""

import asyncio

import psycopg
import pytest
from click import ClickException

from bot import alone
from bot.alone import alone_on

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(postgres_server, monkeypatch):
    monkeypatch.setattr(alone, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(alone, "_START_SECONDS", 0.3)
    return postgres_server.replace("+psycopg", "")


def _never():
    raise AssertionError


def cut(url):
    """End the connection that holds the lock, as an outage does."""
    with psycopg.connect(url, autocommit=True) as connection:
        [(pid,)] = connection.execute(alone._HOLDER).fetchall()
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        return pid


def holders(url):
    with psycopg.connect(url, autocommit=True) as connection:
        return [pid for (pid,) in connection.execute(alone._HOLDER).fetchall()]


async def test_a_second_one_is_refused_with_both_ways_out_and_the_next_is_not(url):
    async with alone_on(url, taken=_never):
        with pytest.raises(ClickException, match=r"Stop that one.*BOOKWIZ_DATABASE_URL"):
            async with alone_on(url):
                raise AssertionError
    async with alone_on(url, taken=_never):
        pass


async def test_a_lock_that_an_outage_took_is_taken_again(url):
    async with alone_on(url, taken=_never):
        first = await asyncio.to_thread(cut, url)
        async with asyncio.timeout(10):
            while await asyncio.to_thread(holders, url) in ([], [first]):
                await asyncio.sleep(0.05)
        with pytest.raises(ClickException, match="already runs"):
            async with alone_on(url):
                raise AssertionError


async def test_a_bot_whose_place_was_taken_meanwhile_is_told_to_stop(url):
    told = asyncio.Event()
    with psycopg.connect(url, autocommit=True) as other:
        async with alone_on(url, taken=told.set):
            waits = asyncio.to_thread(
                other.execute, "SELECT pg_advisory_lock(hashtext('bookwiz bot'))"
            )
            waiting = asyncio.create_task(waits)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(cut, url)
            await waiting
            async with asyncio.timeout(10):
                await told.wait()


async def test_a_database_that_is_away_is_said_to_be():
    with pytest.raises(ClickException, match="cannot be used"):
        async with alone_on("postgresql://nobody@127.0.0.1:1/none"):
            raise AssertionError
