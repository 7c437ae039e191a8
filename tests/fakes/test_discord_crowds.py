"""What Discord does about crowds and about bots that go too far, the fake does."""

import pytest

from tests.fakes.discord.asking import ask
from tests.fakes.discord.permissions import OF_THE_BOT, bits

HELLO = {"content": "hello", "allowed_mentions": {"parse": []}}


@pytest.fixture
def guild(discord):
    return discord.guild("Book Club")


async def write_to(discord, person):
    """Write somebody a direct message; give status and code."""
    status, answer = await ask(discord, "POST", "/users/@me/channels", recipient(person))
    assert status == 200, answer
    status, answer = await ask(discord, "POST", f"/channels/{answer['id']}/messages", HELLO)
    return status, answer.get("code")


def recipient(person):
    return {"recipient_id": person.id}


async def test_many_new_direct_messages_are_too_fast_and_then_a_quarantine(discord, guild):
    people = [discord.member(guild, f"Member {n}") for n in range(32)]
    found = [await write_to(discord, person) for person in people]
    assert found[:25] == [(200, None)] * 25
    assert found[25:30] == [(403, 40003)] * 5
    assert found[30:] == [(403, 20026)] * 2
    assert discord.crowd.quarantined
    # Who was written to before can still be.
    assert await write_to(discord, people[0]) == (200, None)
    discord.say(people[31], discord.direct(people[31]), "may I ask")
    assert await write_to(discord, people[31]) == (200, None)


async def test_direct_messages_that_are_far_apart_are_fine(discord, guild):
    for number in range(30):
        assert await write_to(discord, discord.member(guild, f"Member {number}")) == (200, None)
        discord.pass_minutes(1)


async def test_who_closed_their_messages_left_or_deleted_the_account_is_not_reached(discord, guild):
    ada = discord.member(guild, "Ada", dms_closed=True)
    assert await write_to(discord, ada) == (403, 50007)
    bo = discord.member(guild, "Bo")
    discord.remove(bo)
    assert await write_to(discord, bo) == (403, 50278)
    discord.delete_account(bo.user)
    status, answer = await ask(discord, "POST", "/users/@me/channels", recipient(bo))
    assert (status, answer["code"]) == (404, 10013)


async def test_a_server_has_room_for_so_many_channels_roles_events_and_threads(discord):
    may = OF_THE_BOT | bits("manage_channels", "manage_roles")
    guild = discord.guild("Full", permissions=may)
    general = discord.channel(guild, "general")
    for number in range(499):
        discord.channel(guild, f"c{number}")
    for number in range(248):
        discord.role(guild, f"r{number}")
    event = {
        "name": "Session", "privacy_level": 2, "entity_type": 3,
        "entity_metadata": {"location": "here"},
        "scheduled_start_time": "2099-01-01T10:00:00+00:00",
        "scheduled_end_time": "2099-01-01T11:00:00+00:00",
    }  # fmt: skip
    for number in range(100):
        status, answer = await ask(discord, "POST", f"/guilds/{guild.id}/scheduled-events", event)
        assert status == 200, (number, answer)
    for number in range(1000):
        discord.open_thread(general, f"t{number}")
    for path, body, code in [
        (f"/guilds/{guild.id}/channels", {"name": "more"}, 30013),
        (f"/guilds/{guild.id}/roles", {"name": "more"}, 30005),
        (f"/guilds/{guild.id}/scheduled-events", event, 30038),
        (f"/channels/{general.id}/threads", {"name": "more", "type": 11}, 160006),
    ]:
        status, answer = await ask(discord, "POST", path, body)
        assert (status, answer["code"]) == (400, code)
    discord.archive(guild.threads[0])
    body = {"name": "more", "type": 11}
    assert (await ask(discord, "POST", f"/channels/{general.id}/threads", body))[0] == 200


async def test_too_many_invalid_requests_are_a_ban_for_ten_minutes(discord, guild):
    discord.crowd.most_invalid = 20
    secret = discord.channel(guild, "secret", closed=True, bot=False)
    for _ in range(20):
        status, answer = await ask(discord, "GET", f"/channels/{secret.id}")
        assert (status, answer["code"]) == (403, 50001)
    assert await ask(discord, "GET", "/users/@me") == (429, "error code: 1015")
    discord.pass_minutes(11)
    assert (await ask(discord, "GET", "/users/@me"))[0] == 200


async def test_another_token_is_not_let_in(discord):
    status, _ = await ask(discord, "GET", "/users/@me", token="somebody's")
    assert status == 401
