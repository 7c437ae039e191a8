"""Each channel has a lane: in order there, and at no other channel's pace."""

import asyncio
import random
from collections import defaultdict, deque
from datetime import timedelta
from types import SimpleNamespace

import pytest

from bot.kit.command import Retry
from bot.kit.courier import Courier
from bot.kit.message import Message, MessageRef, Place, Text
from bot.kit.outbox import put_job, put_message

SECOND = timedelta(seconds=1)


class Platform:
    """A platform of several lanes that is as slow, and as moody, as a test wants.

    It finds what was said before only where it is asked to look for it.
    """

    def __init__(self, lanes=8):
        self.lanes = lanes
        self.heard = defaultdict(list)  # keys by channel, as they came
        self.edited = []
        self.at_once, self.most_at_once = set(), 0
        self.open = defaultdict(asyncio.Event)  # by channel; a closed one keeps its sender waiting
        self.moods = defaultdict(deque)  # by channel: what is raised, before or after taking it

    async def send(self, place, message, *, key, since=None):
        channel = place.channel
        assert channel not in self.at_once, "two at once in one channel"
        self.at_once.add(channel)
        self.most_at_once = max(self.most_at_once, len(self.at_once))
        try:
            if channel in self.open:
                await self.open[channel].wait()
            await asyncio.sleep(0)
            mood = self.moods[channel].popleft() if self.moods[channel] else None
            if mood and mood.unsent:
                raise mood
            if since is None or key not in self.heard[channel]:
                self.heard[channel].append(key)
            if mood:
                raise mood
        finally:
            self.at_once.discard(channel)
        return MessageRef(platform=place.platform, channel=channel, id=key)

    async def edit(self, ref, message):
        if self.moods[ref.channel]:
            raise self.moods[ref.channel].popleft()
        self.edited.append(ref.id)
        return ref


@pytest.fixture
async def platform(chat):
    chat.courier.chats["far"] = far = Platform()
    await chat.courier.start()
    await chat.courier.stop()
    chat.clock.moment += SECOND
    return far


async def put(chat, *where, platform="far", text="Hello"):
    """Say something under each of the keys ``channel:number``."""
    async with chat.core.work("tests") as work:
        for key in where:
            place = Place(platform=platform, channel=key.partition(":")[0])
            message = Message(blocks=(Text(markdown=text),))
            await put_message(work.session, place, message, key=key, now=work.now)


async def until(true):
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


async def test_a_slow_channel_holds_up_no_other(chat, platform):
    platform.open["slow"].clear()
    await put(chat, "slow:1", "slow:2", "quick:1")
    await chat.courier.start()
    try:
        await until(lambda: platform.heard["quick"])
        await put(chat, "quick:2", "late:1")
        chat.courier.wake()
        await until(lambda: platform.heard["late"] and len(platform.heard["quick"]) == 2)
        assert not platform.heard["slow"]
        platform.open["slow"].set()
        await until(lambda: platform.heard["slow"] == ["slow:1", "slow:2"])
    finally:
        await chat.courier.stop()


async def test_many_to_one_channel_hold_up_no_other(chat, platform):
    platform.open["slow"].clear()
    await put(chat, *(f"slow:{n}" for n in range(250)), "quick:1")
    await chat.courier.start()
    try:
        await until(lambda: platform.heard["quick"])
    finally:
        platform.open["slow"].set()
        await chat.courier.stop()


async def test_no_more_channels_are_written_to_at_once_than_the_platform_takes(chat, platform):
    platform.lanes = 3
    await put(chat, *(f"c{n}:1" for n in range(9)))
    await chat.courier.round()
    assert len(platform.heard) == 9
    assert platform.most_at_once == 3


async def test_a_platform_of_one_lane_hears_all_in_one_order(chat, platform):
    platform.lanes = 1
    keys = [f"{channel}:{n}" for n in range(20) for channel in "ab"]
    heard = []
    send = platform.send

    async def noted(place, message, *, key, since=None):
        heard.append(key)
        return await send(place, message, key=key, since=since)

    platform.send = noted
    await put(chat, *keys)
    await chat.courier.round()
    assert heard == keys


async def test_a_burst_into_many_channels_loses_and_doubles_none_and_keeps_each_in_order(
    chat, platform
):
    """Some come too fast, some break off, and the bot dies twice between saying and noting it."""
    chance = random.Random(4)
    channels = [f"c{n}" for n in range(7)]
    keys = [f"{chance.choice(channels)}:{n:03}" for n in range(140)]
    for channel in channels:
        platform.moods[channel].extend(
            chance.choice([None, None, Retry(SECOND, unsent=True), Retry(SECOND)])
            for _ in range(30)
        )
    await put(chat, *keys)
    courier = chat.courier
    for heard in (30, 80):
        await courier.start()
        async with asyncio.timeout(5):
            while sum(map(len, platform.heard.values())) < heard:
                chat.clock.moment += SECOND
                courier.wake()
                await asyncio.sleep(0.01)
        courier._database = SimpleNamespace(read=chat.core.database.read, write=lambda: 1 / 0)
        await courier.stop()
        courier = Courier(chat.core.database, chat.clock, poll_seconds=0.01)
        courier.chats["far"] = platform
        chat.clock.moment += SECOND
    while await courier.round():
        chat.clock.moment += SECOND
    assert {c: sorted(said) for c, said in platform.heard.items()} == platform.heard
    assert sorted(key for said in platform.heard.values() for key in said) == sorted(keys)


async def test_too_fast_in_one_channel_holds_up_that_channel_alone(chat, platform):
    platform.moods["a"].append(Retry(5 * SECOND, unsent=True))
    await put(chat, "a:1", "a:2", "b:1")
    assert await chat.courier.round() == 5 * SECOND
    assert (platform.heard["a"], platform.heard["b"]) == ([], ["b:1"])
    chat.clock.moment += 5 * SECOND
    await chat.courier.round()
    assert platform.heard["a"] == ["a:1", "a:2"]


async def test_too_fast_everywhere_holds_up_the_platform_and_no_other(chat, platform):
    platform.lanes = 1
    platform.moods["a"].append(Retry(5 * SECOND, unsent=True, everywhere=True))
    await put(chat, "a:1", "b:1")
    await put(chat, "x:1", platform="local")
    assert await chat.courier.round() == 5 * SECOND
    assert not platform.heard["b"]
    assert [said.key for said in chat.to("x")] == ["x:1"]
    chat.clock.moment += 5 * SECOND
    await chat.courier.round()
    assert (platform.heard["a"], platform.heard["b"]) == (["a:1"], ["b:1"])


async def test_too_many_edits_hold_up_the_edits_of_that_channel_alone(chat, platform):
    await put(chat, "a:1", "a:2", "b:1")
    await chat.courier.round()
    platform.moods["a"].append(Retry(5 * SECOND))
    await put(chat, "a:1", "a:2", "b:1", text="Other words")
    await chat.courier.round()
    await put(chat, "a:3")
    assert platform.edited == ["b:1"]
    platform.moods["a"].clear()
    await chat.courier.round()
    assert (platform.edited, platform.heard["a"][2:]) == (["b:1"], ["a:3"])
    chat.clock.moment += 5 * SECOND
    await chat.courier.round()
    assert platform.edited == ["b:1", "a:1", "a:2"]


async def test_an_engine_that_hangs_holds_up_no_message(chat, platform):
    answers = asyncio.Event()

    async def hang(_key):
        await answers.wait()

    chat.engine.cancel = hang
    async with chat.core.work("tests") as work:
        await put_job(work.session, key="j", queue="", lock="", payload=None, now=work.now)
    await put(chat, "a:1")
    await chat.courier.start()
    try:
        await until(lambda: platform.heard["a"])
    finally:
        answers.set()
        await chat.courier.stop()


async def test_a_courier_whose_notes_fail_goes_on_when_they_do_not(chat, platform, monkeypatch):
    chat.courier._poll = 0.01
    await put(chat, "a:1", "b:1")
    with monkeypatch.context() as outage:
        outage.setattr(chat.core.database, "write", lambda: 1 / 0)
        await chat.courier.start()
        await until(lambda: platform.heard["a"] and platform.heard["b"])
    try:
        await until(lambda: not chat.courier._tried)
    finally:
        await chat.courier.stop()
    assert platform.heard == {"a": ["a:1"], "b": ["b:1"]}
