"""Rooms of their own and the server's calendar: what Discord has natively, it is given."""

from datetime import timedelta

import pytest

from bot.kit.message import Message, Occasion, Room, Text
from bot.kit.outbox import Undeliverable, room_of
from tests.chat.discord.conftest import said
from tests.fakes.discord.permissions import OF_THE_BOT, bits
from tests.fakes.discord.world import Event

EVENTS = "POST /guilds/{guild}/scheduled-events"


def session_at(server, hours, **more):
    starts = server.bot.clock.now() + timedelta(hours=hours)
    given = {"name": "Reading ViT", "where": "#papers", "starts": starts}
    return Occasion(**given | {"ends": starts + timedelta(hours=1)} | more)


def announcing(occasion, words="The next session"):
    return Message(blocks=(Text(markdown=words),), occasion=occasion)


async def put(server, message, *, key="k", place=None):
    await server.bot.core.post(place or server.place(), message, key=key)
    await server.bot.courier.round()


@pytest.fixture
def now(server):
    """The bot's clock shows what everybody's does: Discord refuses events in the past."""
    from datetime import UTC, datetime

    server.bot.clock.moment = datetime.now(UTC).replace(microsecond=0)


@pytest.mark.usefixtures("now")
async def test_what_is_announced_stands_in_the_calendar_and_follows_its_message(server):
    occasion = session_at(server, 48)
    await put(server, announcing(occasion))
    [event] = server.guild.events
    assert event.fields["name"] == "Reading ViT"
    await put(server, announcing(occasion.model_copy(update={"where": "Voice"}), "Moved"))
    [event] = server.guild.events
    assert event.fields["entity_metadata"]["location"] == "Voice"
    await put(server, announcing(occasion.model_copy(update={"called_off": True}), "Off"))
    assert server.guild.events == []
    assert "Off" in server.general.last.text


@pytest.mark.usefixtures("now")
async def test_an_event_of_which_nobody_knows_whether_it_was_made_is_made_once(server):
    server.fake.lose_answer(EVENTS)
    await put(server, announcing(session_at(server, 48)))
    server.bot.clock.moment += timedelta(minutes=10)
    await server.bot.courier.round()
    assert len(server.guild.events) == 1
    assert len(server.from_bot(server.general)) == 1


@pytest.mark.usefixtures("now")
async def test_a_full_calendar_stops_no_message(server):
    starts = session_at(server, 24).starts.isoformat()
    fields = {"name": "x", "scheduled_start_time": starts, "scheduled_end_time": starts}
    fields |= {"entity_type": 3, "entity_metadata": {"location": "x"}}
    server.guild.events += [Event(server.fake.ids(), server.guild, fields) for _ in range(100)]
    await put(server, announcing(session_at(server, 48)))
    assert len(server.guild.events) == 100
    assert len(server.from_bot(server.general)) == 1


@pytest.mark.usefixtures("now")
async def test_who_may_not_make_events_says_it_all_the_same(server):
    server.fake.remove_bot(server.guild)
    server.fake.add_bot(server.guild, permissions=OF_THE_BOT & ~bits("create_events"))
    await put(server, announcing(session_at(server, 48)))
    assert server.guild.events == []
    assert len(server.from_bot(server.general)) == 1


async def test_a_thread_for_everybody_is_opened_by_its_first_message_and_goes_on(server):
    place = server.place(room=Room(name="Circle Blue"))
    await put(server, said("Welcome"), key="circle", place=place)
    async with server.bot.database.read() as session:
        inside = await room_of(session, "circle")
    await put(server, said("Next meeting: Monday"), key="more", place=inside)
    thread = server.fake.find_channel(int(inside.thread))
    assert thread.name == "Circle Blue"
    assert [m.text for m in server.from_bot(thread)] == ["Welcome", "Next meeting: Monday"]
    assert server.from_bot(server.general) == []


async def test_a_talk_of_a_few_is_seen_by_these_alone(server):
    bo = server.fake.member(server.guild, "Bo")
    people = (str(server.ada.id), str(bo.id))
    place = server.place(room=Room(name="Ada and Bo", people=people))
    ref = await server.chat.send(place, said("You two meet this week."), key="pair")
    thread = server.fake.find_channel(int(ref.channel))
    assert "You two" in thread.last.text
    cleo = server.fake.member(server.guild, "Cleo")
    assert thread.last in server.fake.seen_by(server.ada)
    assert thread.last in server.fake.seen_by(bo)
    assert thread.last not in server.fake.seen_by(cleo)
    assert not server.fake.pinged


async def test_a_room_whose_opening_was_lost_is_found_again(server):
    place = server.place(room=Room(name="Circle Blue"))
    server.fake.lose_answer("POST /channels/{channel}/threads")
    await put(server, said("Welcome"), key="circle", place=place)
    server.bot.clock.moment += timedelta(minutes=10)
    await server.bot.courier.round()
    threads = [c for c in server.guild.channels if c.name == "Circle Blue"]
    assert len(threads) == 1
    assert len(server.from_bot(threads[0])) == 1


async def test_where_there_are_no_threads_that_is_told(server):
    voice = server.fake.channel(server.guild, "Voice", kind="voice")
    with pytest.raises(Undeliverable, match="no threads"):
        await server.chat.send(server.place(voice, room=Room(name="x")), said("x"), key="k")
