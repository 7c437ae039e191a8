"""Errands: written with what wants them, done after the commit, answered once."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.kit.errands import Answered, Clerk, DeskDied, ErrandRow, take_back
from bot.kit.feature import Feature
from runner.contract import Failure
from runner.errands import DatasetErrand, Made


class StubbornDesk:
    """Answers with the dataset's name, after it has raised what it was told to."""

    def __init__(self):
        self.troubles = []
        self.asked = []
        self.running = False
        self.meanwhile = None

    async def ask(self, errand):
        self.asked.append(errand.dataset)
        self.running = True
        if self.meanwhile is not None:
            await self.meanwhile()
        if self.troubles:
            raise self.troubles.pop(0)
        if errand.dataset == "refused":
            return Failure(code="E_DATASET", problem="There is no such thing.")
        return Made(artifacts=(), words=errand.dataset)

    async def stop(self):
        self.running = False


@pytest.fixture
def desk():
    return StubbornDesk()


@pytest.fixture
def heard(bot):
    """A feature that listens; gives what it heard."""
    feature, heard = Feature("asker", "Asks", "bot.kit"), []

    @feature.on(Answered)
    async def listen(work, answered):
        heard.append((work.feature, answered))

    bot.core.services.features["asker"] = feature
    return heard


@pytest.fixture
def clerk(bot, desk):
    return Clerk(bot.database, bot.clock, desk, bot.core.work, idle_seconds=0.1)


async def ask(bot, name, key=None, **more):
    async with bot.core.work("asker") as work:
        await work.ask(DatasetErrand(dataset=name), key=key or name, **more)


async def rows(bot):
    async with bot.database.read() as session:
        return list((await session.scalars(select(ErrandRow.key).order_by(ErrandRow.id))).all())


def words(heard):
    return [answered.answer.words for _, answered in heard if answered.answer]


async def test_an_answer_is_announced_once_with_its_key_and_the_row_is_gone(bot, clerk, heard):
    await ask(bot, "a")
    assert await rows(bot) == ["a"]
    await clerk.round()
    await clerk.round()
    [(feature, answered)] = heard
    assert (feature, answered.feature, answered.key) == ("asker", "asker", "a")
    assert answered.errand == DatasetErrand(dataset="a")
    assert answered.answer == Made(artifacts=(), words="a")
    assert await rows(bot) == []


async def test_a_refusal_of_the_desk_is_an_answer_and_not_tried_again(bot, clerk, heard, desk):
    await ask(bot, "refused")
    await clerk.round()
    [(_, answered)] = heard
    assert answered.answer is None
    assert answered.failure.code == "E_DATASET"
    assert desk.asked == ["refused"]


async def test_what_is_rolled_back_is_never_asked(bot, clerk, desk):
    async def change_ones_mind():
        async with bot.core.work("asker") as work:
            await work.ask(DatasetErrand(dataset="a"), key="a")
            raise LookupError

    with pytest.raises(LookupError):
        await change_ones_mind()
    await clerk.round()
    assert desk.asked == []


async def test_errands_go_in_order_and_urgent_ones_first(bot, clerk, heard):
    for name, urgent in (("a", False), ("b", False), ("c", True)):
        await ask(bot, name, urgent=urgent)
    await clerk.round()
    assert words(heard) == ["c", "a", "b"]


async def test_asking_twice_under_one_key_asks_once_and_for_the_newest(bot, clerk, heard):
    for name in ("a", "a", "b"):
        await ask(bot, name, key="same")
    await clerk.round()
    assert words(heard) == ["b"]


async def test_what_is_wanted_newly_while_the_desk_works_is_asked_after_it(bot, clerk, heard, desk):
    await ask(bot, "a", key="same")

    async def newly():
        desk.meanwhile = None
        await ask(bot, "b", key="same")

    desk.meanwhile = newly
    await clerk.round()
    assert words(heard) == ["a", "b"]
    assert await rows(bot) == []


async def test_what_is_taken_back_while_the_desk_works_is_not_announced(bot, clerk, heard, desk):
    await ask(bot, "a")

    async def never_mind():
        async with bot.database.write() as session:
            await take_back(session, "a")

    desk.meanwhile = never_mind
    await clerk.round()
    assert heard == []


async def test_a_dead_desk_is_asked_again_after_a_pause_and_others_go_meanwhile(
    bot, clerk, heard, desk
):
    await ask(bot, "a")
    await ask(bot, "b")
    desk.troubles = [DeskDied("killed")]
    assert await clerk.round() == timedelta(seconds=1)
    assert words(heard) == ["b"]
    bot.clock.moment += timedelta(seconds=1)
    await clerk.round()
    assert words(heard) == ["b", "a"]


async def test_after_three_deaths_it_is_a_failure_of_ours(bot, clerk, heard, desk):
    await ask(bot, "a")
    desk.troubles = [DeskDied("killed")] * 3
    for _ in range(3):
        await clerk.round()
        bot.clock.moment += timedelta(seconds=20)
    [(_, answered)] = heard
    assert answered.failure.ours
    assert answered.errand.dataset == "a"
    assert (len(desk.asked), await rows(bot)) == (3, [])


async def test_an_answer_that_nobody_could_take_is_not_lost(bot, clerk, heard):
    """The bot dies, or its database does, between the answer and the commit."""
    troubles = [RuntimeError("killed")]

    @bot.core.services.features["asker"].on(Answered)
    async def break_once(_work, _answered):
        if troubles:
            raise troubles.pop()

    await ask(bot, "a")
    await clerk.round()
    assert await rows(bot) == ["a"]
    bot.clock.moment += timedelta(seconds=1)
    await clerk.round()
    assert await rows(bot) == []
    assert words(heard)[-1] == "a"


async def test_an_answer_that_always_breaks_its_listener_is_dropped_in_the_end(bot, clerk, heard):
    @bot.core.services.features["asker"].on(Answered)
    async def always_break(_work, _answered):
        raise RuntimeError

    await ask(bot, "a")
    for _ in range(4):
        await clerk.round()
        bot.clock.moment += timedelta(seconds=20)
    assert heard
    assert await rows(bot) == []


async def test_what_cannot_be_read_any_more_is_a_failure_of_ours(bot, clerk, heard, desk):
    async with bot.database.write() as session:
        session.add(
            ErrandRow(
                key="old",
                feature="asker",
                request={"kind": "horoscope"},
                not_before=bot.clock.now(),
                asked_at=bot.clock.now(),
            )
        )
    await clerk.round()
    [(_, answered)] = heard
    assert answered.failure.ours
    assert desk.asked == []


async def test_the_clerk_is_woken_and_stops_an_idle_desk(bot, clerk, heard, desk):
    await ask(bot, "before the start")
    await clerk.start()
    await until(lambda: len(heard) == 1)
    await ask(bot, "after it")
    clerk.wake()
    await until(lambda: len(heard) == 2)
    await until(lambda: not desk.running)
    await clerk.stop()


async def until(true):
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)
