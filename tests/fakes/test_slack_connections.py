"""How the app and the Slack of the tests reach each other: sockets, signatures, installations."""

import pytest
from slack_sdk.errors import SlackApiError

from tests.fakes import slack_app


@pytest.fixture
async def by_socket(slack_fake):
    app, handler = await slack_app.by_socket(slack_fake)
    yield app
    await handler.close_async()


@pytest.fixture
async def by_http(slack_fake):
    app, runner = await slack_app.by_http(slack_fake)
    yield app
    await runner.cleanup()


@pytest.fixture
def ada(slack_fake):
    return slack_fake.person("Ada")


@pytest.fixture
def general(slack_fake, ada):
    return slack_fake.channel("general")


@pytest.mark.parametrize("how", [{"forged": True}, {"age": 301}, {"unsigned": True}])
async def test_a_request_that_is_not_signed_rightly_is_refused(
    by_http, slack_fake, ada, general, how
):
    slack_fake.by_http(slack_fake.address.url, **how)
    deed = await slack_fake.slash(ada, general, "/model", "hello")
    assert (await deed.refused()).status == 401
    assert not deed.acks


async def test_a_signature_of_a_minute_ago_is_taken(by_http, slack_fake, ada, general):
    slack_fake.by_http(slack_fake.address.url, age=60)
    await (await slack_fake.slash(ada, general, "/model", "hello")).acked()


@pytest.mark.parametrize("politely", [True, False])
async def test_a_dropped_socket_is_opened_again_and_events_come_again(
    by_socket, slack_fake, ada, general, politely
):
    await slack_fake.sockets.drop(politely=politely)
    deed = await slack_fake.say(ada, general, "said while nobody listened")
    await deed.acked()
    assert slack_fake.sockets.opened == 2
    assert by_socket.heard == [("message", deed.event_id)]


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_the_app_reconnects_when_it_is_asked_to(by_socket, slack_fake, ada, general, reason):
    await slack_fake.sockets.ask_to_reconnect(reason)
    await slack_fake.until(lambda: slack_fake.sockets.opened == 2)
    await slack_fake.until(lambda: len(slack_fake.sockets.open) == 1)
    await (await slack_fake.slash(ada, general, "/model", "hello")).acked()


async def test_a_socket_that_answers_no_ping_is_given_up(by_socket, slack_fake):
    slack_fake.sockets.mute = True
    await slack_fake.until(lambda: slack_fake.sockets.opened > 1)
    slack_fake.sockets.mute = False
    await slack_fake.sockets.connected()


async def test_a_token_that_was_revoked_is_told_to_the_app(by_socket, slack_fake, ada, general):
    await slack_fake.uninstall()
    await slack_fake.until(lambda: len(by_socket.heard) == 2)
    assert [kind for kind, _ in by_socket.heard] == ["tokens_revoked", "app_uninstalled"]
    with pytest.raises(SlackApiError, match="account_inactive"):
        await by_socket.client.chat_postMessage(channel=general.id, text="hi")
