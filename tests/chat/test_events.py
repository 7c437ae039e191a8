import asyncio
import json
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.chat.local.streams import Event, Streams
from bot.kit.message import Message, Place, Text


@asynccontextmanager
async def listening(town, who, **headers):
    """The events that *who*'s page gets, as a function that waits for the next."""
    url = f"{town.url}/api/events"
    async with town.client.get(url, params={"as": who}, headers=headers) as response:
        assert response.headers["Content-Type"] == "text/event-stream"

        async def following(kind=None):
            while True:
                lines = []
                while line := (await asyncio.wait_for(response.content.readline(), 5)).strip():
                    lines.append(line.decode())
                event = dict(line.split(": ", 1) for line in lines if not line.startswith(":"))
                if event and kind in (None, event["event"]):
                    return event["event"], json.loads(event["data"]), event.get("id")
                if not event and kind == "beat":
                    return "beat", None, None

        await following("hello")
        yield following


async def test_what_happens_arrives_in_order(town):
    async with listening(town, "bob") as following:
        for word in ("one", "two", "three"):
            await town.say("ada", word)
        heard = [(await following("message"))[1]["message"]["blocks"][0]["markdown"] for _ in "123"]
    assert heard == ["one", "two", "three"]


async def test_an_edit_arrives(town):
    async with listening(town, "bob") as following:
        await town.say("ada", "/trial run name:r1")
        await town.say("ada", "/trial step name:r1 share:1")
        _, data, _ = await following("edit")
    assert data["version"] == 2
    assert data["pending"] is False


async def test_a_private_answer_reaches_only_its_addressee(town):
    async with listening(town, "ada") as ada, listening(town, "bob") as bob:
        await town.say("ada", "/trial secret hush")
        await town.say("ada", "loud")
        assert (await ada("message"))[1]["private"] is True
        _, data, _ = await bob("message")
    assert data["message"]["blocks"][0]["markdown"] == "loud"


async def test_a_page_that_comes_back_is_told_what_it_missed(town):
    async with listening(town, "bob") as following:
        await town.say("ada", "before")
        _, _, last = await following("message")
    town.bot.clock.moment += timedelta(minutes=1)
    await town.say("ada", "meanwhile")
    await town.say("ada", "/trial run name:r9")
    await town.say("ada", "/trial secret hush")
    async with listening(town, "bob", **{"Last-Event-ID": last}) as following:
        missed = [(await following("message"))[1] for _ in range(4)]
    words = [m["message"]["blocks"][0]["markdown"].replace("\\", "") for m in missed]
    # What may have been missed is told again; a page knows it by its id and version.
    assert words == ["before", "meanwhile", "/trial run name:r9", "r9 is on its way."]


async def test_a_quiet_stream_says_that_it_is_alive(town):
    async with listening(town, "bob") as following:
        assert (await following("beat"))[0] == "beat"


async def test_a_page_too_slow_is_sent_away_and_the_others_are_not():
    streams = Streams()
    with streams.opened("ada") as slow, streams.opened("bob") as quick:
        for number in range(300):
            streams.publish(Event("message", {"n": number}))
            while not quick.waiting.empty():
                quick.waiting.get_nowait()
        assert slow.closed.is_set()
        assert not quick.closed.is_set()
        assert [e async for e in slow.events(1)] == []


async def test_a_cause_stands_above_its_effect(town):
    """The courier is often quicker than the answer; it waits for it."""
    place = Place(platform="local", channel="general")
    with town.chat._answering("general"):
        sending = asyncio.create_task(
            town.chat.send(place, Message(blocks=(Text(markdown="effect"),)), key="k")
        )
        await asyncio.sleep(0.05)
        assert not sending.done()
    await asyncio.wait_for(sending, 1)
