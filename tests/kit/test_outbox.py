from collections import deque
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.kit.command import Retry
from bot.kit.courier import MOST_FAILURES, Courier
from bot.kit.message import Message, MessageRef, Place, Text
from bot.kit.outbox import (
    EDIT_PAUSE,
    OutboxJob,
    OutboxMessage,
    Undeliverable,
    give_ups,
    jobs_on_the_way,
    place_of,
    put_cancel,
    put_job,
    put_message,
)
from runner.contract import Blob, Evaluation

SECOND = timedelta(seconds=1)
JOB = Evaluation(
    submission="ab12",
    attempt=1,
    token="t",
    task="classification",
    model=Blob(sha256="0" * 64, size=1, url="file:///m"),
    dataset="digits",
    datasets="file:///d",
    splits=("dev",),
    artifacts="file:///a",
).model_dump_json()


def words(text):
    return Message(blocks=(Text(markdown=text),))


async def put(chat, text, *, key="k", channel="x", hurry=True):
    async with chat.core.work("tests") as work:
        place = Place(platform="local", channel=channel)
        await put_message(work.session, place, words(text), key=key, now=work.now, hurry=hurry)


async def pass_time(chat, delta):
    chat.clock.moment += delta
    await chat.deliver()


def said(chat, channel="x"):
    return [s.text for s in chat.to(channel)]


async def row(chat, key="k"):
    async with chat.core.database.read() as session:
        return await session.scalar(select(OutboxMessage).filter_by(key=key))


async def test_a_message_is_sent_once_and_edited_under_its_key(chat):
    await put(chat, "queued")
    await chat.deliver()
    await put(chat, "scored")
    await chat.deliver()
    await chat.deliver()
    [message] = chat.to("x")
    assert (message.text, message.edits) == ("scored", 1)


async def test_what_says_the_same_again_edits_nothing(chat):
    for _ in range(2):
        await put(chat, "same")
        await chat.deliver()
    assert chat.to("x")[0].edits == 0


async def test_changes_before_the_first_sending_are_one_message(chat):
    for text in ("queued", "running", "scored"):
        await put(chat, text)
    await chat.deliver()
    assert said(chat) == ["scored"]


async def test_edits_that_are_in_no_hurry_wait_for_each_other(chat):
    await put(chat, "0 %")
    await chat.deliver()
    for share in ("10 %", "20 %", "30 %"):
        await pass_time(chat, SECOND / 2)
        await put(chat, share, hurry=False)
        await chat.deliver()
    assert said(chat) == ["0 %"]
    await pass_time(chat, EDIT_PAUSE)
    [message] = chat.to("x")
    assert (message.text, message.edits) == ("30 %", 1)


async def test_an_edit_in_a_hurry_waits_for_nothing(chat):
    await put(chat, "0 %")
    await chat.deliver()
    await put(chat, "10 %", hurry=False)
    await put(chat, "scored")
    await chat.deliver()
    assert said(chat) == ["scored"]


async def test_the_courier_says_how_long_until_something_is_due(chat):
    assert await chat.courier.round() is None
    chat.room.failures.append(Retry(5 * SECOND))
    await put(chat, "later")
    assert await chat.courier.round() == 5 * SECOND


async def test_a_platform_that_says_later_is_tried_then_and_not_before(chat):
    chat.room.failures.append(Retry(30 * SECOND))
    await put(chat, "hello")
    await chat.deliver()
    await pass_time(chat, 29 * SECOND)
    assert said(chat) == []
    await pass_time(chat, SECOND)
    assert said(chat) == ["hello"]
    assert (await row(chat)).failures == 0


async def test_a_platform_that_says_at_once_does_not_hang_the_courier(chat):
    chat.room.failures.extend([Retry(timedelta())] * 2)
    await put(chat, "hello")
    await chat.deliver()
    assert len(chat.room.failures) == 1
    await pass_time(chat, SECOND)
    await pass_time(chat, SECOND)
    assert said(chat) == ["hello"]


async def test_a_message_that_must_wait_keeps_its_place_in_line(chat):
    chat.room.failures.append(Retry(30 * SECOND))
    for number in range(3):
        await put(chat, f"{number}", key=f"k{number}")
    await put(chat, "elsewhere", key="other", channel="y")
    await chat.deliver()
    await put(chat, "3", key="k3")
    await chat.deliver()
    assert (said(chat), said(chat, "y")) == ([], ["elsewhere"])
    await pass_time(chat, 30 * SECOND)
    assert said(chat) == ["0", "1", "2", "3"]


async def test_many_messages_to_one_place_come_in_order(chat):
    async with chat.core.work("tests") as work:
        for number in range(120):
            place = Place(platform="local", channel="x")
            await put_message(
                work.session, place, words(str(number)), key=f"k{number}", now=work.now
            )
    await chat.deliver()
    assert said(chat) == [str(n) for n in range(120)]


async def test_a_message_that_fails_does_not_hold_up_the_others(chat):
    chat.room.failures.append(RuntimeError("a defect of this one message"))
    await put(chat, "bad", key="bad")
    await put(chat, "good", key="good")
    await put(chat, "elsewhere", key="other", channel="y")
    await chat.deliver()
    assert (said(chat), said(chat, "y")) == (["good"], ["elsewhere"])


async def test_a_row_that_cannot_be_read_does_not_hold_up_the_others(chat):
    await put(chat, "bad", key="bad")
    await put(chat, "good", key="good")
    async with chat.core.work("tests") as work:
        bad = await work.session.scalar(select(OutboxMessage).filter_by(key="bad"))
        bad.body = "{}"
    await chat.deliver()
    assert said(chat) == ["good"]


async def test_a_message_that_keeps_failing_is_given_up(chat):
    chat.room.failures.extend([RuntimeError("no")] * MOST_FAILURES)
    await put(chat, "bad")
    for _ in range(MOST_FAILURES):
        await pass_time(chat, timedelta(minutes=5))
    async with chat.core.database.read() as session:
        [given_up] = await give_ups(session)
    assert (given_up.key, given_up.waiting, given_up.error) == ("k", False, "RuntimeError: no")
    assert await chat.courier.round() is None
    assert said(chat) == []


async def test_a_place_that_is_gone_is_given_up_at_once(chat):
    chat.room.closed.add("x")
    await put(chat, "hello")
    await chat.deliver()
    assert (await row(chat)).error == "Undeliverable: x is gone"


async def test_new_words_for_a_message_that_was_given_up_are_tried_again(chat):
    chat.room.failures.append(Undeliverable("gone"))
    await put(chat, "hello")
    await chat.deliver()
    await put(chat, "hello again")
    await chat.deliver()
    assert said(chat) == ["hello again"]
    assert (await row(chat)).error is None


@pytest.mark.parametrize("later", [None, "scored"])
async def test_a_courier_that_dies_between_sending_and_noting_sends_once(chat, monkeypatch, later):
    await put(chat, "queued")
    with monkeypatch.context() as crash:
        crash.setattr(chat.core.database, "write", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await chat.courier.round()
    assert said(chat) == ["queued"]
    if later:
        await put(chat, later)
    reborn = Courier(chat.core.database, chat.clock)
    reborn.chats["local"] = chat.room
    await reborn.round()
    await reborn.round()
    assert said(chat) == [later or "queued"]
    assert (await row(chat)).waiting is False


async def test_a_change_while_a_message_is_being_sent_is_not_lost(chat):
    send = chat.room.send

    async def slow(place, message, *, key, since=None):
        ref = await send(place, message, key=key)
        chat.room.send = send
        await put(chat, "scored")
        return ref

    chat.room.send = slow
    await put(chat, "queued")
    await chat.deliver()
    assert said(chat) == ["scored"]


async def test_what_is_rolled_back_is_never_sent(chat):
    async def fail():
        async with chat.core.work("tests") as work:
            place = Place(platform="local", channel="x")
            await put_message(work.session, place, words("no"), key="k", now=work.now)
            await put_job(
                work.session, key="ab12:1", queue="cpu", lock="l", payload=JOB, now=work.now
            )
            await work.session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await chat.deliver()
    assert said(chat) == []
    assert not chat.engine.jobs


async def test_the_place_of_a_message_is_known_before_it_is_sent(chat):
    await put(chat, "hello")
    async with chat.core.database.read() as session:
        assert await place_of(session, "k") == Place(platform="local", channel="x")
        assert await place_of(session, "nothing") is None


async def test_a_job_is_handed_to_the_engine_once(chat):
    async with chat.core.work("tests") as work:
        await put_job(work.session, key="ab12:1", queue="cpu", lock="l", payload=JOB, now=work.now)
    async with chat.core.database.read() as session:
        assert await jobs_on_the_way(session) == {"ab12:1"}
    await chat.deliver()
    assert chat.engine.queues == {"ab12:1": "cpu"}
    async with chat.core.database.read() as session:
        assert await jobs_on_the_way(session) == set()


async def test_jobs_wait_while_the_engine_is_away_and_messages_do_not(chat):
    chat.engine.away = True
    async with chat.core.work("tests") as work:
        await put_job(work.session, key="ab12:1", queue="cpu", lock="l", payload=JOB, now=work.now)
    await put(chat, "queued")
    await chat.deliver()
    assert said(chat) == ["queued"]
    chat.engine.away = False
    await pass_time(chat, 30 * SECOND)
    assert "ab12:1" in chat.engine.jobs
    async with chat.core.database.read() as session:
        assert (await session.scalars(select(OutboxJob.waiting))).all() == [False]


async def test_a_job_that_is_taken_back_before_it_went_ends_cancelled(chat):
    async with chat.core.work("tests") as work:
        await put_job(work.session, key="ab12:1", queue="cpu", lock="l", payload=JOB, now=work.now)
        await put_cancel(work.session, key="ab12:1", now=work.now)
    await chat.deliver()
    assert chat.engine.jobs == {}
    assert chat.engine.cancelled == ["ab12:1"]


async def test_a_cancel_never_overtakes_its_job(chat):
    """The dispatch fails once and waits; the cancel must wait behind it, or the job would run."""
    chat.engine.away = True
    async with chat.core.work("tests") as work:
        await put_job(work.session, key="ab12:1", queue="cpu", lock="l", payload=JOB, now=work.now)
    await chat.deliver()
    chat.engine.away = False
    async with chat.core.work("tests") as work:
        await put_cancel(work.session, key="ab12:1", now=work.now)
    await chat.deliver()
    await pass_time(chat, 30 * SECOND)
    assert chat.engine.jobs == {}


async def test_a_courier_that_runs_wakes_for_what_is_written(chat):
    await chat.courier.start()
    try:
        await put(chat, "hello")
        chat.courier.wake()
        for _ in range(200):
            if said(chat):
                break
            await chat.courier.round()
    finally:
        await chat.courier.stop()
    assert said(chat) == ["hello"]


class Forgetful:
    """A platform that finds what was said before only where it is asked to look for it."""

    lanes = 1

    def __init__(self):
        self.posted = []
        self.looked = 0
        self.before, self.after = deque(), deque()  # raised before, and after, it took something

    async def send(self, place, message, *, key, since=None):
        if self.before:
            raise self.before.popleft()
        self.looked += since is not None
        if since is None or key not in self.posted:
            self.posted.append(key)
        if self.after:
            raise self.after.popleft()
        return MessageRef(platform="local", channel=place.channel, id=key)

    async def edit(self, ref, message):
        return ref


@pytest.fixture
async def forgetful(chat):
    """The platform of a courier that has been at work for a while."""
    chat.courier.chats["local"] = platform = Forgetful()
    await chat.courier.start()
    await chat.courier.stop()
    chat.clock.moment += SECOND
    return platform


@pytest.mark.parametrize(
    "lost", [ConnectionError("no answer"), Retry(SECOND, "the second part was too fast")]
)
@pytest.mark.parametrize("later", [None, "other words"])
async def test_what_may_have_arrived_is_looked_for_and_not_said_again(chat, forgetful, lost, later):
    forgetful.after.append(lost)
    await put(chat, "words")
    await chat.deliver()
    if later:
        await put(chat, later)
    await pass_time(chat, timedelta(minutes=1))
    assert (forgetful.posted, forgetful.looked) == (["k"], 1)
    assert (await row(chat)).sent_version == (2 if later else 1)


async def test_what_arrived_and_could_not_be_noted_is_looked_for(chat, forgetful, monkeypatch):
    await put(chat, "words")
    with monkeypatch.context() as outage:
        outage.setattr(chat.core.database, "write", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await chat.courier.round()
    await chat.deliver()
    assert (forgetful.posted, forgetful.looked) == (["k"], 1)


async def test_what_was_sent_and_not_yet_brought_up_to_date_is_looked_for(chat, forgetful):
    await put(chat, "words")
    await put(chat, "other words")

    async def brought_down(ref, message):
        del forgetful.edit
        raise Retry(SECOND)

    forgetful.edit = brought_down
    await chat.deliver()
    await pass_time(chat, SECOND)
    assert (forgetful.posted, forgetful.looked) == (["k"], 1)


async def test_what_surely_did_not_arrive_is_not_looked_for(chat, forgetful):
    forgetful.before.append(Retry(SECOND, unsent=True))
    await put(chat, "words")
    await chat.deliver()
    await pass_time(chat, SECOND)
    assert (forgetful.posted, forgetful.looked) == (["k"], 0)


async def test_long_keys_that_differ_only_at_their_end_are_two_messages(chat):
    long = "x" * 300
    for end in "ab":
        await put(chat, f"words {end}", key=f"{long}{end}")
        await chat.deliver()
    await put(chat, "other words", key=f"{long}b")
    await chat.deliver()
    assert said(chat) == ["words a", "other words"]
