"""By HTTP, the bot hears Slack alone, and Slack reaches nothing but what is meant for it."""

import json
import time
from types import SimpleNamespace

import aiohttp
import pytest

from bot.kit.requests import HandledRequest
from tests.chat.slack.test_incoming import rows
from tests.fakes.slack import signed


@pytest.fixture
def way():
    return "http"


async def send(workspace, payload, **how):
    """Send an event as Slack does; gives the status and the answer."""
    deed = SimpleNamespace(kind="events_api", payload=payload, attempts=0)
    address = signed.Address(f"{workspace.url}/slack/events", workspace.fake.signing_secret, **how)
    return await signed.post(deed, address)


async def post(workspace, data, path="/slack/events", **headers):
    stamp = str(int(time.time()))
    headers |= {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=0"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(workspace.url + path, data=data, headers=headers) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    "how",
    [{"forged": True}, {"age": 301}, {"age": -301}, {"unsigned": True}],
    ids=["forged", "old", "of the future", "unsigned"],
)
async def test_what_is_not_signed_rightly_is_refused_and_nothing_happens(workspace, how):
    fake = workspace.fake
    fake.by_http(f"{workspace.url}/slack/events", **how)
    before = len(fake.requests)
    said = await fake.slash(workspace.ada, workspace.general, "/checkin", "streak")
    assert (await said.refused()).status == 401
    told = await fake.say(workspace.ada, fake.direct(workspace.ada), "checkin now done:a next:b")
    assert (await told.refused()).status == 401
    assert await rows(workspace.bot, HandledRequest) == []
    assert len(fake.requests) == before
    assert not said.replies


async def test_slack_makes_sure_of_the_address(workspace):
    asked = {"type": "url_verification", "challenge": "c0ffee", "token": "old"}
    status, answer = await send(workspace, asked)
    assert (status, json.dumps(answer).count("c0ffee")) == (200, 1)
    assert (await send(workspace, asked, forged=True))[0] == 401


async def test_more_than_slack_ever_sends_is_not_read(workspace):
    assert await post(workspace, b"x" * 1_000_000) == 401
    assert await post(workspace, b"x" * 1_000_001) == 413
    assert await post(workspace, b"\xff\xfe") == 400


async def test_slack_reaches_its_own_door_and_no_other(workspace):
    public = {"Host": "book.example"}
    assert await post(workspace, b"{}", **public) == 401
    assert await post(workspace, b"{}", "/slack/other", **public) == 404
    assert await post(workspace, b"{}", "/api/say", **public) == 403
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{workspace.url}/slack/events") as answer,
    ):
        assert answer.status == 405


@pytest.mark.parametrize("way", ["socket"])
async def test_with_a_socket_there_is_no_door(workspace):
    assert await post(workspace, b"{}") == 404


async def test_its_state_says_how_it_listens(workspace):
    assert workspace.chat.state == "listens for Slack's requests"
