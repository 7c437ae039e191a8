"""A request that a platform brings twice is carried out once, on both databases."""

import asyncio
from dataclasses import replace

from sqlalchemy import func, select

from bot.features.checkins.models import CheckIn
from bot.kit.core import Invocation
from bot.kit.message import Place
from bot.kit.requests import HandledRequest

ASKED = Invocation(
    "local",
    "ada",
    "Ada",
    Place(platform="local", channel="general"),
    command="checkin now",
    values={"done": "a", "next": "b"},
    submitted=True,
    once="local:1",
)


async def count(chat, table):
    async with chat.core.database.read() as session:
        return await session.scalar(select(func.count()).select_from(table))


async def test_a_second_time_does_nothing_and_shows_nothing(chat):
    first = await chat.core.handle(ASKED)
    again = await chat.core.handle(replace(ASKED, values={"done": "other", "next": "b"}))
    assert not first.repeated
    assert again.repeated
    assert again.message is None
    async with chat.core.database.read() as session:
        assert (await session.scalars(select(CheckIn.done))).all() == ["a"]


async def test_two_at_the_same_time_are_one(chat):
    answers = await asyncio.gather(*(chat.core.handle(ASKED) for _ in range(5)))
    assert sorted(a.repeated for a in answers) == [False, True, True, True, True]
    assert await count(chat, HandledRequest) == 1


async def test_what_was_refused_or_opened_a_form_may_come_again(chat):
    bad = replace(ASKED, values={"done": "a"}, submitted=True)
    assert (await chat.core.handle(bad)).refused
    assert (await chat.core.handle(replace(ASKED, values={}, submitted=False))).form
    assert not (await chat.core.handle(ASKED)).repeated


async def test_requests_are_forgotten_after_a_day(chat):
    await chat.core.handle(ASKED)
    await chat.wait(hours=20)
    assert await count(chat, HandledRequest) == 1
    await chat.wait(hours=12)
    assert await count(chat, HandledRequest) == 0


async def test_long_ids_that_differ_only_at_their_end_are_two_requests(chat):
    for end in "ab":
        asked = replace(ASKED, command="bookwiz ping", values={}, once=f"local:{'x' * 300}{end}")
        assert not (await chat.core.handle(asked)).repeated
    assert (await chat.core.handle(asked)).repeated
