"""One community on Discord and on Slack at once, through both client libraries."""

import io
import re
from datetime import timedelta

import aiohttp
import pytest
from sqlalchemy import func, select

from bot.chat.discord.adapter import DiscordChat
from bot.chat.slack.adapter import SlackChat
from bot.community.models import Member, Space
from bot.kit.message import Place
from tests.chat.discord.conftest import Server
from tests.chat.discord.conftest import settings_of as on_discord
from tests.chat.slack.conftest import Workspace
from tests.chat.slack.conftest import settings_of as on_slack
from tests.fakes.discord import CannotDo
from tests.fakes.discord.fixtures import discord  # noqa: F401 - a fixture
from tests.fakes.slack.fixtures import slack_fake  # noqa: F401 - a fixture
from tests.features.boards import MANIFEST, MODEL, with_files
from tests.opening import open_benchmark

LONG = timedelta(hours=2)
RESULT = "93.0 %"


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite+aiosqlite:///{tmp_path}/bookwiz.db"


@pytest.fixture
async def both(bot, discord, slack_fake):  # noqa: F811 - fixtures
    """A server and a workspace, and the bot in both."""
    server = Server(discord, bot, discord.guild("Book Club"))
    server.chat = DiscordChat(bot.core, on_discord(discord))
    workspace = Workspace(slack_fake, bot, SlackChat(bot.core, on_slack(slack_fake)), "")
    chats = {"discord": server.chat, "slack": workspace.chat}
    bot.courier.chats |= chats
    bot.platforms |= chats
    for chat in chats.values():
        await chat.start()
    await discord.gateway_server.ready()
    await slack_fake.sockets.connected()
    yield server, workspace
    for chat in chats.values():
        await chat.stop()


async def type_on_discord(server, who, line, **values):
    deed = await server.fake.command(who, server.general, line, values)
    return await deed.replied()


async def type_on_slack(workspace, who, group, text):
    deed = await workspace.fake.slash(who, workspace.general, group, text)
    await deed.acked()
    return await workspace.answered(deed)


async def test_somebody_is_one_member_on_both_and_told_where_they_spoke_last(bot, both):
    server, workspace = both
    await type_on_discord(server, server.ada, "/bookwiz ping")
    code = re.search(
        "[A-Z2-9]{4}-[A-Z2-9]{4}",
        (await type_on_slack(workspace, workspace.ada, "/profile", "link")).words,
    )[0]
    asked = await type_on_discord(server, server.ada, "/profile link", code=code)
    deed = await server.fake.press(server.ada, asked, "Join them")
    assert "Your accounts are one now" in (await deed.replied()).text
    async with bot.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Member)) == 1
        [ada] = await session.scalars(select(Member.id))
    for type_there, platform in (
        (lambda: type_on_slack(workspace, workspace.ada, "/bookwiz", "ping"), "slack"),
        (lambda: type_on_discord(server, server.ada, "/bookwiz ping"), "discord"),
    ):
        bot.clock.moment += LONG
        await type_there()
        async with bot.database.read() as session:
            direct = await bot.core.services.people.direct(session, ada)
        assert direct.platform == platform


async def test_who_administers_one_looks_after_both(bot, both):
    server, workspace = both
    await type_on_slack(workspace, workspace.ada, "/bookwiz", "ping")
    said = await type_on_discord(server, server.moira, "/admin spaces")
    assert [name in said.text for name in ("Book Club", workspace.fake.team.name)] == [True] * 2
    async with bot.database.read() as session:
        spaces = (await session.scalars(select(Space).order_by(Space.platform))).all()
    assert [(s.platform, s.admitted_at is not None) for s in spaces] == [
        ("discord", True),
        ("slack", True),
    ]
    key = f"slack/{spaces[1].space}"
    await type_on_discord(server, server.moira, "/admin spaces", space=key, action="refuse")
    refused = await type_on_slack(workspace, workspace.ada, "/bookwiz", "ping")
    assert "is not part of the community" in refused.words


async def test_discord_says_which_channels_it_sees(bot, both):
    server, _ = both
    sees = bot.core.services.sees
    await server.fake.until(server.chat.client.is_ready)
    assert await sees(server.place()) is True
    assert await sees(Place(platform="discord", channel="1")) is False
    assert await sees(Place(platform="slack", channel="C1")) is None


async def test_slacks_home_is_the_home_of_every_platform(both):
    _, workspace = both
    await workspace.fake.open_home(workspace.ada)
    view = await workspace.fake.until(lambda: workspace.fake.screens.home(workspace.ada))
    assert [heading in view.words for heading in ("My check-in", "My models")] == [True] * 2


async def test_a_message_is_reported_by_discords_menu(bot, both):
    server, _ = both
    await type_on_discord(server, server.moira, "/bookwiz ping")
    spam = server.fake.say(server.moira, server.general, "buy @everyone")
    deed = await server.fake.menu(server.ada, spam, "Report")
    assert "The moderators see it now" in (await deed.replied()).text
    told = await server.until(lambda: server.from_bot(server.fake.direct(server.moira)))
    assert "buy" in told[0].text
    assert str(spam.id) in told[0].text


async def test_discords_menu_shows_a_profile_that_is_closed_as_closed(both):
    server, _ = both
    await type_on_discord(server, server.moira, "/profile timezone", zone="Asia/Kathmandu")
    deed = await server.fake.menu(server.ada, server.moira, "Show profile", channel=server.general)
    said = await deed.replied()
    assert "They keep the rest to themselves" in said.text
    assert "Kathmandu" not in said.text


async def test_a_model_too_large_for_a_chat_comes_by_link_and_its_result_edits_one_message(
    bot, both
):
    server, workspace = both
    await open_benchmark(bot.core, MANIFEST)
    await bot.web.start()
    big = MODEL + bytes(12_000_000)
    refused = server.fake.file("big.onnx", big)
    with pytest.raises(CannotDo):  # as Discord's own client says
        await type_on_discord(server, server.ada, "/model submit", benchmark="digits", file=refused)
    on_server = await type_on_discord(server, server.ada, "/model link", benchmark="digits")
    in_workspace = await type_on_slack(workspace, workspace.ada, "/model", "link benchmark:digits")
    said = {"discord": on_server.text, "slack": in_workspace.words}
    for number, (platform, words) in enumerate(said.items()):
        before = set(bot.engine.jobs)
        await put_at_link(words, big + bytes(number))
        [key] = await server.until(lambda known=before: set(bot.engine.jobs) - known)
        await bot.courier.round()
        await bot.engine.report(await with_files(bot, bot.engine.jobs[key], 0.93))
        channel = server.general if platform == "discord" else workspace.general
        [card] = await server.until(
            lambda there=channel: [m for m in there.said if RESULT in read(m)]
        )
        assert card.edits
    await bot.web.stop()


def read(message):
    """The words of a message of either platform."""
    return message.words if hasattr(message, "words") else message.text


async def put_at_link(words, data):
    """Send *data* as members do: to the address that stands in what they were told."""
    address = re.search(r"http://127\.0\.0\.1:\d+/[\w/.-]+", words)[0].rstrip("/.")
    async with (
        aiohttp.ClientSession() as client,
        client.put(f"{address}/net.onnx", data=io.BytesIO(data)) as got,
    ):
        assert got.status == 201, await got.text()
