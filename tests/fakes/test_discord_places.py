"""The real discord.py in the channels, threads and private rooms of the Discord of the tests."""

import datetime as dt
import io

import discord as library
import pytest

from tests.fakes import discord_app
from tests.fakes.discord.asking import ask
from tests.fakes.discord.permissions import bits


@pytest.fixture
def guild(discord):
    return discord.guild("Book Club")


@pytest.fixture
def general(discord, guild):
    return discord.channel(guild, "general")


@pytest.fixture
def ada(discord, guild):
    return discord.member(guild, "Ada")


@pytest.fixture
async def app(discord, general, ada):
    async with discord_app.running(discord) as app:
        yield app


async def test_a_direct_message_arrives_unless_it_is_closed(app, discord, ada):
    person = app.get_user(ada.id)
    message = await person.send("hello", nonce="one")
    assert discord.direct(ada).last.id == message.id
    assert [m.content for m in discord.seen_by(ada)] == ["hello"]
    ada.user.dms_closed = True
    with pytest.raises(library.Forbidden) as raised:
        await person.send("again")
    assert raised.value.code == 50007


async def test_a_message_with_a_picture_is_edited_read_and_deleted(app, discord, general):
    embed = library.Embed(title="Ranking").set_image(url="attachment://ranking.png")
    file = library.File(io.BytesIO(b"png"), "ranking.png", description="A ranking")
    channel = app.get_channel(general.id)
    message = await channel.send(embed=embed, file=file)
    assert general.last.text == "Ranking"
    assert general.last.files == {"ranking.png": b"png"}
    assert await message.attachments[0].read() == b"png"
    assert f"/attachments/{message.attachments[0].id}/" in message.embeds[0].image.url
    file = library.File(io.BytesIO(b"csv"), "ranking.csv")
    message = await message.edit(attachments=[*message.attachments, file])
    assert set(general.last.files) == {"ranking.png", "ranking.csv"}
    assert general.last.edits == 1
    again = await channel.fetch_message(message.id)
    assert again.embeds[0].title == "Ranking"
    assert [m.id async for m in channel.history(limit=5)] == [message.id]
    await message.delete()
    assert not general.said
    with pytest.raises(library.NotFound):
        await channel.fetch_message(message.id)


async def test_a_card_is_edited_into_another(app, discord, general):
    channel = app.get_channel(general.id)
    file = library.File(io.BytesIO(b"one"), "report.txt")
    message = await channel.send(view=discord_app.card("One"), file=file)
    file = library.File(io.BytesIO(b"two"), "report.txt")
    # discord.py leaves allowed_mentions out of an edit without content.
    await message.edit(
        view=discord_app.card("Two"),
        attachments=[file],
        allowed_mentions=library.AllowedMentions.none(),
    )
    assert general.last.text == "Two\n[Again]\nreport.txt"
    assert general.last.files == {"report.txt": b"two"}
    with pytest.raises(library.HTTPException):
        await message.edit(content="words beside components")
    assert "content" in discord.violations.pop()


async def test_a_file_that_no_component_shows_is_noticed(app, discord, general):
    view = library.ui.LayoutView().add_item(library.ui.TextDisplay("hello"))
    file = library.File(io.BytesIO(b"x"), "hidden.txt")
    await app.get_channel(general.id).send(view=view, file=file)
    assert discord.violations == ["hidden.txt is shown by no component"]
    discord.violations.clear()


async def test_a_link_to_a_file_expires(app, discord, general):
    channel = app.get_channel(general.id)
    message = await channel.send(file=library.File(io.BytesIO(b"x"), "x.txt"))
    assert await message.attachments[0].read() == b"x"
    discord.pass_minutes(25 * 60)
    with pytest.raises(library.NotFound):
        await message.attachments[0].read()
    fresh = await channel.fetch_message(message.id)
    assert [d.status for d in discord.cdn.downloads] == [200, 404]
    assert {d.authorization for d in discord.cdn.downloads} == {None}
    assert fresh.attachments[0].url != message.attachments[0].url


async def test_threads_open_at_messages_alone_and_in_forums(app, discord, guild, general, ada):
    channel = app.get_channel(general.id)
    message = await channel.send("Circle 4")
    thread = await message.create_thread(name="circle-4")
    assert (thread.id, general.last.thread.name) == (message.id, "circle-4")
    await thread.send("welcome")
    assert discord.find_channel(thread.id).last.content == "welcome"
    with pytest.raises(library.HTTPException) as raised:
        await message.create_thread(name="once more")
    assert raised.value.code == 160004

    private = await channel.create_thread(name="mentors", invitable=False)
    room = discord.find_channel(private.id)
    assert room.kind == "private_thread"
    await private.send("psst")
    assert "psst" not in [m.content for m in discord.seen_by(ada)]
    await private.add_user(app.get_user(ada.id))
    assert "psst" in [m.content for m in discord.seen_by(ada)]
    assert {m.id for m in await private.fetch_members()} == {ada.id, app.user.id}
    await private.remove_user(app.get_user(ada.id))
    assert "psst" not in [m.content for m in discord.seen_by(ada)]

    forum = discord.channel(guild, "questions", kind="forum")
    await discord.until(lambda: app.get_channel(forum.id))
    opened = await app.get_channel(forum.id).create_thread(name="How?", content="Thus.")
    assert discord.find_channel(opened.thread.id).last.content == "Thus."
    assert len(await app.get_guild(guild.id).active_threads()) == 3


async def test_an_archived_thread_wakes_up_and_a_locked_one_only_for_who_may(
    app, discord, guild, general
):
    thread = await app.get_channel(general.id).create_thread(
        name="old", type=library.ChannelType.public_thread
    )
    room = discord.find_channel(thread.id)
    await thread.edit(archived=True)
    assert room.archived
    await thread.send("awake")
    assert not room.archived
    discord.archive(room, locked=True)
    guild.bot.roles[0].permissions &= ~bits("manage_threads")
    with pytest.raises(library.HTTPException) as raised:
        await thread.send("hello?")
    assert raised.value.code == 160005
    with pytest.raises(library.HTTPException) as raised:
        await (
            app.get_partial_messageable(room.id)
            .get_partial_message(room.last.id)
            .edit(content="other", allowed_mentions=library.AllowedMentions.none())
        )
    assert raised.value.code == 50083


async def test_channels_that_the_bot_may_not_see_or_write_in_refuse_it(app, discord, guild):
    secret = discord.channel(guild, "secret", closed=True, bot=False)
    with pytest.raises(library.Forbidden) as raised:
        await app.get_partial_messageable(secret.id, guild_id=guild.id).send("hello")
    assert raised.value.code == 50001
    rules = discord.channel(guild, "rules")
    discord.close_to(rules, guild.everyone, "send_messages")
    discord.close_to(rules, guild.bot, "send_messages")
    with pytest.raises(library.Forbidden) as raised:
        await app.get_partial_messageable(rules.id, guild_id=guild.id).send("hello")
    assert raised.value.code == 50013
    discord.delete_channel(rules)
    with pytest.raises(library.NotFound):
        await app.get_partial_messageable(rules.id, guild_id=guild.id).send("hello")


async def test_an_event_is_planned_moved_and_called_off(app, discord, guild):
    now = dt.datetime.now(dt.UTC)
    server = app.get_guild(guild.id)
    more = {
        "entity_type": library.EntityType.external,
        "privacy_level": library.PrivacyLevel.guild_only,
        "location": "The library",
    }
    start, end = now + dt.timedelta(hours=1), now + dt.timedelta(hours=2)
    event = await server.create_scheduled_event(
        name="Session 4", start_time=start, end_time=end, **more
    )
    assert guild.events[0].name == "Session 4"
    await discord.until(lambda: server.get_scheduled_event(event.id))
    await event.edit(name="Session 5")
    assert guild.events[0].name == "Session 5"
    with pytest.raises(library.HTTPException):
        await event.edit(start_time=now - dt.timedelta(hours=1))
    discord.violations.clear()
    await event.cancel()
    assert not guild.events
    voice = discord.channel(guild, "Stage", kind="voice")
    await discord.until(lambda: app.get_channel(voice.id))
    event = await server.create_scheduled_event(
        name="Talk",
        start_time=start,
        channel=app.get_channel(voice.id),
        privacy_level=library.PrivacyLevel.guild_only,
    )
    await event.delete()
    with pytest.raises(library.NotFound):
        await server.fetch_scheduled_event(event.id)


async def test_what_becomes_of_members_and_roles_is_told(app, discord, guild, ada):
    server = app.get_guild(guild.id)
    mentors = discord.role(guild, "Mentors")
    discord.give_role(ada, mentors)
    discord.rename(ada, "Countess")
    seen = server.get_member(ada.id)
    await discord.until(lambda: seen.display_name == "Countess")
    assert [r.name for r in seen.roles] == ["@everyone", "Mentors"]
    discord.take_role(ada, mentors)
    await discord.until(lambda: len(seen.roles) == 1)
    discord.delete_role(mentors)
    await discord.until(lambda: server.get_role(mentors.id) is None)
    bo = discord.member(guild, "Bo", admin=True)
    await discord.until(lambda: server.get_member(bo.id))
    assert server.get_member(bo.id).guild_permissions.administrator
    discord.remove(ada)
    await discord.until(lambda: server.get_member(ada.id) is None)
    with pytest.raises(library.NotFound):
        await server.fetch_member(ada.id)


async def test_a_route_that_the_fake_lacks_is_noticed(discord):
    assert (await ask(discord, "GET", "/voice/regions"))[0] == 404
    assert discord.unknown_requests == ["GET /api/v10/voice/regions"]
    discord.unknown_requests.clear()
