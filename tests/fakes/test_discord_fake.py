"""The real discord.py on the Discord of the tests."""

import pytest

from tests.fakes import discord_app
from tests.fakes.discord import CannotDo


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
async def app(discord, guild, general, ada):
    async with discord_app.running(discord) as app:
        yield app


async def test_a_bot_logs_in_and_knows_the_server_and_its_members(app, discord, guild, ada):
    assert app.user.name == "Bookwiz"
    assert app.application_id == discord.app_id
    seen = app.get_guild(guild.id)
    assert seen.name == "Book Club"
    assert {m.display_name for m in seen.members} == {"Olga", "Ada", "Bookwiz"}
    assert seen.me.guild_permissions.attach_files
    assert discord.gateway_server.heartbeats >= 1


async def test_a_command_with_a_file_is_deferred_and_followed_up_with_a_file(
    app, discord, general, ada
):
    file = discord.file("net.onnx", b"weights")
    options = {"benchmark": "digits", "file": file, "mentor": ada}
    deed = await discord.command(ada, general, "/model submit", options)
    message = await deed.replied()
    assert message.content == "digits 7 Ada"
    assert message.files == {"report.txt": b"sthgiew"}
    assert deed.deferred
    assert message.ephemeral
    assert not general.said
    assert discord.seen_by(ada) == [message]
    assert not discord.seen_by(general.guild.owner)
    assert [d.authorization for d in discord.cdn.downloads] == [None]


async def test_the_client_refuses_what_no_command_takes(app, discord, general, ada):
    for name, options in [
        ("/nothing", {}),
        ("/model", {}),
        ("/model nothing", {}),
        ("/model submit", {"benchmark": "digits"}),
        ("/model submit", {"benchmark": "digits", "file": "net.onnx"}),
        ("/model card", {"size": 3}),
        ("/model card", {"size": 2, "colour": "red"}),
    ]:
        with pytest.raises(CannotDo):
            await discord.command(ada, general, name, options)


async def test_an_option_suggests_while_somebody_types(app, discord, general, ada):
    found = await discord.autocomplete(ada, general, "/model submit", "benchmark", "d")
    assert found == [("Digits", "digits")]


async def test_a_modal_takes_text_a_choice_and_a_file(app, discord, general, ada):
    modal = await (await discord.command(ada, general, "/model form")).opened()
    assert modal.title == "Submit a model"
    with pytest.raises(CannotDo):
        await discord.submit(ada, modal, {"Name": "x" * 41, "Benchmark": "Digits"})
    file = discord.file("net.onnx", b"weights")
    values = {"Name": "net", "Benchmark": "Digits", "Model": file}
    message = await (await discord.submit(ada, modal, values)).replied()
    assert message.content == "net on digits: b'weights'"
    assert not modal.open


async def test_a_card_of_components_shows_its_words_and_file_and_pings_nobody(
    app, discord, general, ada
):
    deed = await discord.command(ada, general, "/model card", {"size": "Large"})
    message = await deed.replied()
    assert message.text == "A card of size 2 for @everyone\n[Again]\nreport.txt"
    assert message.buttons == ["Again"]
    assert general.said == [message]
    assert not discord.pinged


async def test_a_button_of_a_message_from_before_the_start_works(app, discord, general, ada):
    old = discord.say(discord.bot_user, general, "old")
    button = {"type": 2, "style": 1, "label": "Again", "custom_id": "again:42", "id": 2}
    old.components = [{"type": 1, "id": 1, "components": [button]}]
    deed = await discord.press(ada, old, "Again")
    assert (await deed.updated()).content == "again 42"


async def test_menus_of_messages_and_of_members_work(app, discord, general, ada):
    said = discord.say(ada, general, "hello")
    message = await (await discord.menu(ada, said, "Report")).replied()
    assert message.content == "reported hello"
    message = await (await discord.menu(ada, ada, "Greet", channel=general)).replied()
    assert message.content == "hello Ada"


async def test_events_missed_while_the_socket_was_gone_come_after_a_resume(
    app, discord, general, ada
):
    discord.say(ada, general, "one")
    await discord.until(lambda: app.heard)
    await discord.gateway_server.drop()
    discord.say(ada, general, "two")
    await discord.until(lambda: discord.gateway_server.resumes, within=10)
    await discord.until(lambda: len(app.heard) == 2, within=10)
    assert discord.gateway_server.identifies == 1


async def test_a_command_works_in_a_thread_and_in_private(app, discord, general, ada):
    thread = discord.open_thread(general, "circle-4", kind="private_thread", owner=ada)
    dm = discord.direct(ada)
    for channel in (thread, dm):
        deed = await discord.command(ada, channel, "/model card", {"size": 2})
        assert await deed.replied() is channel.last
    said = discord.say(ada, thread, "hello")
    assert (await (await discord.menu(ada, said, "Report")).replied()).content == "reported hello"


async def test_an_interaction_that_comes_twice_is_answered_once(app, discord, general, ada):
    deed = await discord.command(ada, general, "/model card", {"size": 2})
    await deed.replied()
    await discord.redeliver(deed)
    callback = "POST /interactions/{interaction}/{token}/callback"
    await discord.until(lambda: len(discord.calls(callback)) == 2)
    assert [r.status for r in discord.calls(callback)] == [200, 400]
    assert len(general.said) == 1
