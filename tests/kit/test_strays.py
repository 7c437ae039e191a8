"""What nothing names leaves the store; what anything names, or has only just come, never does."""

import asyncio
import hashlib
import os
from datetime import timedelta

import pytest

from bot.community.members import set_setting
from bot.kit import outbox, references
from bot.kit.message import File, Message, Place
from bot.kit.references import is_named, unnamed
from bot.kit.strays import StoreToSweep
from runner import blobs

A_DAY = timedelta(days=1, seconds=1)


class Store:
    """The bot's store, and its files by what is in them."""

    def __init__(self, bot):
        self.bot, self.since = bot, bot.clock.moment

    async def add(self, data):
        path = self.bot.files.path((await self.bot.files.add(data)).sha256)
        self.came(path)
        return path

    def came(self, path):
        os.utime(path, (self.bot.clock.moment.timestamp(),) * 2)

    async def sweep(self, after=A_DAY):
        self.bot.clock.moment += after
        return await self.bot.strays.round(StoreToSweep(since=self.since))


@pytest.fixture
def store(bot):
    return Store(bot)


async def name(bot, *texts):
    async with bot.core.work("tests") as work:
        for number, text in enumerate(texts):
            await set_setting(work.session, 1, f"somewhere-{number}", {"deep": [text]})


async def test_what_nothing_names_is_gone_after_a_day(store):
    path = await store.add(b"an export that was looked at")
    assert await store.sweep(after=timedelta(hours=23)) == 0
    assert path.exists()
    assert await store.sweep(after=timedelta(hours=2)) == 1
    assert not path.exists()
    assert await store.sweep() == 0


async def test_what_anything_names_stays_however_deep(store, bot, monkeypatch):
    monkeypatch.setattr(references, "_AT_ONCE", 2)
    paths = [await store.add(b"%d" % number) for number in range(7)]
    stray = await store.add(b"named by nothing")
    await name(bot, *(f"ab{path.name}{path.name}cd, see blob:{path.name}/x.png" for path in paths))
    assert await store.sweep() == 1
    assert [path.exists() for path in (*paths, stray)] == [True] * 7 + [False]


async def test_a_message_names_the_file_that_is_linked_in_it(store, bot):
    path = await store.add(b"epoch,loss")
    message = Message(blocks=(File(sha256=path.name, name="a.csv", label="a"),))
    async with bot.core.work("tests") as work:
        place = Place(platform="local", channel="general")
        await outbox.put_message(work.session, place, message, key="k", now=work.now)
    assert (await store.sweep(), path.exists()) == (0, True)


async def test_what_an_attempt_has_just_sent_stays_until_it_is_forgotten(store, bot):
    path = await store.add(b"predictions")
    bot.received.note("abc:1", path.name, 11)
    assert (await store.sweep(), path.exists()) == (0, True)
    os.utime(bot.settings.data / "received" / "abc.1", (0, 0))
    assert (await store.sweep(), path.exists()) == (1, False)


async def test_what_comes_again_counts_as_new(store, bot):
    sent, made = [await store.add(data) for data in (b"a model", b"statistics")]
    bot.clock.moment += A_DAY
    store.came(await store.add(b"a model"))
    blobs.store(bot.files.root, b"statistics", name="s", media_type="x")
    assert (await store.sweep(after=timedelta(0)), sent.exists(), made.exists()) == (0, True, True)


async def test_files_older_than_these_tables_are_left_to_others(store, bot):
    """Somebody who starts on another database by mistake must find everything there afterwards."""
    path = await store.add(b"a model of years ago")
    os.utime(path, (0, 0))
    assert (await store.sweep(), path.exists()) == (0, True)


async def test_nothing_but_files_named_by_their_hash_is_touched(store, bot):
    odd = bot.files.root / "ab" / "notes.txt"
    odd.parent.mkdir()
    odd.write_bytes(b"mine")
    store.came(odd)
    assert (await store.sweep(), odd.exists()) == (0, True)


async def test_one_file_and_all_of_them_are_judged_alike(bot):
    named, other = (hashlib.sha256(data).hexdigest() for data in (b"1", b"2"))
    await name(bot, f"x{named}")
    async with bot.database.snapshot() as session:
        assert await unnamed(session, {named, other}) == {other}
        assert (await is_named(session, named), await is_named(session, other)) == (True, False)


async def test_the_schedule_has_it_done_by_itself(store, bot):
    path = await store.add(b"an export that was looked at")
    bot.clock.moment += A_DAY
    await bot.strays.start()
    await bot.core.catch_up()
    await bot.core.fire(bot.core.services.schedules["leaderboards.collect"], bot.clock.moment)
    async with asyncio.timeout(10):
        while path.exists():
            await asyncio.sleep(0.01)
    await bot.strays.stop()
