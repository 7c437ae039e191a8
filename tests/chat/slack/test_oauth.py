"""Several workspaces install the bot by OAuth, lose it, and get it back."""

import asyncio
import logging
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from sqlalchemy import select

from bot.chat.slack.adapter import SlackChat
from bot.chat.slack.models import BOTS, INSTALLATIONS, STATES
from bot.community.models import Account
from bot.kit.message import Place
from bot.kit.outbox import OutboxMessage
from tests.chat.slack.conftest import by_http, said, served
from tests.fakes.slack.fixtures import slack_fake  # noqa: F401 - a fixture


class Club:
    """A workspace with an admin and a member, not installed yet."""

    def __init__(self, town, name):
        self.town, self.team = town, town.fake.workspace(name)
        self.moira = town.fake.person("Moira", team=self.team, admin=True)
        self.ada = town.fake.person("Ada", team=self.team)
        self.general = town.fake.channel("general", team=self.team)

    async def install(self, **how):
        return await self.town.fake.installs.install(
            self.moira, f"{self.town.url}/slack/install", **how
        )

    @property
    def place(self):
        return Place(platform="slack", channel=f"{self.team.id}/{self.general.id}")


class Town:
    """The Slack, the bot that may be installed, and what tests say of both."""

    def __init__(self, fake, bot, chat, url):
        self.fake, self.bot, self.chat, self.url = fake, bot, chat, url
        self.north, self.south = Club(self, "North"), Club(self, "South")

    async def rows(self, table):
        async with self.bot.database.read() as session:
            return (await session.execute(select(table))).all()

    async def until(self, true):
        async with asyncio.timeout(5):
            while not true():
                await asyncio.sleep(0.01)

    async def say(self, club, words, key):
        await self.bot.core.post(club.place, said(words), key=key)
        await self.bot.courier.round()
        async with self.bot.database.read() as session:
            return (await session.scalars(select(OutboxMessage).filter_by(key=key))).one()


def settings(fake, **more):
    client_id, client_secret = fake.client
    own = {"bot_token": None, "client_id": client_id, "client_secret": client_secret}
    return by_http(fake, **own | more)


@pytest.fixture
async def town(bot, slack_fake):  # noqa: F811 - fixtures
    chat = SlackChat(bot.core, settings(slack_fake))
    chat.sending._gate._every = 0.0  # what is said here is not about pace
    bot.courier.chats["slack"] = chat
    async with served(bot, chat) as url:
        await chat.start()
        slack_fake.by_http(f"{url}/slack/events")
        slack_fake.redirect_uri = f"{url}/slack/oauth_redirect"
        yield Town(slack_fake, bot, chat, url)
        await chat.stop()


async def test_each_workspace_is_spoken_to_with_its_own_token(town):
    for club in (town.north, town.south):
        status, page = await club.install()
        assert (status, club.team.name in page) == (200, True)
        await town.say(club, f"Hello {club.team.name}", club.team.name)
    assert [m.words.strip() for m in town.north.general.said] == ["Hello North"]
    assert [m.words.strip() for m in town.south.general.said] == ["Hello South"]
    posted = {call.token for call in town.fake.calls("chat.postMessage")}
    assert posted == {town.north.team.token.value, town.south.team.token.value}


async def test_people_and_places_bear_their_workspace(town):
    await town.north.install()
    await town.south.install()
    deed = await town.fake.slash(town.south.ada, town.south.general, "/checkin", "streak")
    assert "streak" in (await deed.replied()).words.lower()
    async with town.bot.database.read() as session:
        [account] = await session.scalars(select(Account).filter_by(platform="slack"))
    assert account.handle == f"{town.south.team.id}/{town.south.ada.id}"
    place = Place(platform="slack", channel=f"@{account.handle}", private_to=account.handle)
    await town.chat.send(place, said("For you"), key="k")
    [message] = town.fake.direct(town.south.ada).said
    assert "For you" in message.words


async def test_a_workspace_that_did_not_install_is_not_served(town):
    await town.north.install()
    town.fake.issue(town.south.team)  # somewhere else, say: the bot knows nothing of it
    deed = await town.fake.slash(town.south.ada, town.south.general, "/checkin", "streak")
    await deed.acked()
    assert town.south.team.token.value not in {c.token for c in town.fake.requests}
    row = await town.say(town.south, "Hello", "k")
    assert "not installed in that workspace" in row.error


@pytest.mark.parametrize("told", [True, False], ids=["told of it", "told nothing"])
async def test_a_workspace_that_takes_the_bot_out_can_have_it_back(town, told):
    await town.north.install()
    await town.south.install()
    await town.say(town.north, "Hello", "a")
    if told:
        deed = await town.fake.uninstall(town.north.team)
        await deed.acked()
        await town.until(lambda: town.north.team.id in town.chat.state)
    else:
        town.fake.revoke(town.north.team)
    lost = await town.say(town.north, "Are you there?", "b")
    assert lost.error.startswith("Undeliverable: ")
    assert not lost.waiting
    assert town.north.team.id in town.chat.state
    assert [row.team_id for row in await town.rows(BOTS)] == [town.south.team.id]
    assert [row.team_id for row in await town.rows(INSTALLATIONS)] == [town.south.team.id]
    await town.say(town.south, "Nothing changed here", "c")
    assert len(town.south.general.said) == 1

    await town.north.install()
    await town.say(town.north, "Good to be back", "d")
    assert [m.words.strip() for m in town.north.general.said] == ["Hello", "Good to be back"]
    assert town.chat.state == "listens for Slack's requests"


async def test_word_of_an_old_farewell_that_comes_late_takes_nothing_away(town):
    await town.north.install()
    deed = await town.fake.uninstall(town.north.team)
    await deed.acked()
    deed.payload["event_time"] -= 100
    await town.north.install()
    await town.fake.redeliver(deed)
    deed.acks.clear()
    await deed.acked()
    await town.say(town.north, "Still here", "a")
    assert len(town.north.general.said) == 1


async def test_a_token_that_was_replaced_is_not_kept(town):
    await town.north.install()
    first = town.north.team.token.value
    await town.north.install()
    assert [row.bot_token for row in await town.rows(BOTS)] == [town.north.team.token.value]
    kept = [row.bot_token for row in await town.rows(INSTALLATIONS)]
    assert first not in kept


async def test_who_says_no_or_comes_by_a_strange_way_installs_nothing(town):
    status, page = await town.north.install(approve=False)
    assert (status, "Nothing was installed" in page) == (200, True)
    async with aiohttp.ClientSession() as browser:
        back = f"{town.url}/slack/oauth_redirect"
        for query, words, status in (
            ({"code": "x", "state": "guessed"}, "did not begin in this browser", 400),
            ({"error": "<script>alert(1)</script>"}, "did not let the bot in", 200),
        ):
            async with browser.get(back, params=query) as answer:
                page = await answer.text()
                assert (answer.status, words in page) == (status, True), page
                assert "<script" not in page
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert await town.rows(BOTS) == []


async def test_an_approval_is_good_once(town):
    await town.north.install()
    assert await town.rows(STATES) == []  # used up
    jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=[town.url])
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(f"{town.url}/slack/install", allow_redirects=False) as first:
            [state] = parse_qs(urlsplit(first.headers["Location"]).query)["state"]
        for words in ("did not take its own code", "took too long, or was done already"):
            query = {"code": "invented", "state": state}
            async with browser.get(f"{town.url}/slack/oauth_redirect", params=query) as answer:
                assert (answer.status, words in await answer.text()) == (401, True)


async def test_the_way_to_slack_asks_for_what_the_manifest_asks(town, bot):
    from bot.chat.slack.manifest import SCOPES

    chat = SlackChat(bot.core, settings(town.fake), public_url="https://book.example/")
    async with (
        served(bot, chat) as url,
        aiohttp.ClientSession() as browser,
        browser.get(f"{url}/slack/install", allow_redirects=False) as answer,
    ):
        assert answer.status == 302
        onward = answer.headers["Location"]
    assert onward.startswith(town.fake.authorize_url)
    asked = parse_qs(urlsplit(onward).query)
    assert set(asked["scope"][0].split(",")) == set(SCOPES)
    assert asked["redirect_uri"] == ["https://book.example/slack/oauth_redirect"]


async def test_no_token_and_no_secret_is_ever_logged(town, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    await town.north.install()
    await town.say(town.north, "Hello", "a")
    await town.fake.uninstall(town.north.team)
    await town.until(lambda: town.north.team.id in town.chat.state)
    logged = caplog.text + "".join(capsys.readouterr())
    assert "slack.installed" in logged  # what is logged was looked at
    for secret in (town.north.team.token.value, town.fake.client[1], town.fake.signing_secret):
        assert secret not in logged


@pytest.mark.parametrize("lacking", [{"client_secret": None}, {"bot_token": "xoxb-1"}])
async def test_without_a_secret_or_with_a_token_of_its_own_there_is_nothing_to_install(
    bot,
    slack_fake,  # noqa: F811 - a fixture
    lacking,
):
    chat = SlackChat(bot.core, settings(slack_fake, **lacking))
    async with (
        served(bot, chat) as url,
        aiohttp.ClientSession() as browser,
        browser.get(f"{url}/slack/install") as answer,
    ):
        assert answer.status == 404
