"""The real slack-bolt and slack_sdk on the Slack of the tests, by Socket Mode and by HTTP."""

import aiohttp
import pytest

from tests.fakes import slack_app
from tests.fakes.slack import NeverHappened


@pytest.fixture(params=["socket", "http"])
async def app(request, slack_fake):
    if request.param == "socket":
        app, handler = await slack_app.by_socket(slack_fake)
        yield app
        await handler.close_async()
    else:
        app, runner = await slack_app.by_http(slack_fake)
        yield app
        await runner.cleanup()


@pytest.fixture
def ada(slack_fake):
    return slack_fake.person("Ada")


@pytest.fixture
def general(slack_fake, ada):
    return slack_fake.channel("general")


async def test_a_command_is_acknowledged_with_what_the_person_alone_sees(
    app, slack_fake, ada, general
):
    deed = await slack_fake.slash(ada, general, "/model", "hello <@U1> a<b")
    ack = await deed.acked()
    assert ack.payload["text"] == "you said hello <@U1> a&lt;b"
    assert deed.reply.ephemeral
    assert not general.said
    assert general.seen_by(ada) == [deed.reply]


async def test_a_command_is_answered_later_by_response_url(app, slack_fake, ada, general):
    deed = await slack_fake.slash(ada, general, "/model", "later")
    assert (await deed.replied()).text == "for all"
    assert general.last is deed.reply


async def test_a_modal_opens_suggests_refuses_and_is_submitted(app, slack_fake, ada, general):
    deed = await slack_fake.slash(ada, general, "/model", "form")
    view = await deed.opened()
    assert view.title == "Submit a model"
    typing = await slack_fake.suggest(ada, view, "Benchmark", "d")
    await typing.acked()
    assert [o["value"] for o in typing.options] == ["digits"]

    refused = await slack_fake.submit_view(ada, view, {"Name": "taken", "Benchmark": "Digits"})
    await refused.acked()
    assert refused.errors == view.errors == {"name": "That name is taken."}
    assert slack_fake.screens.top(ada) is view

    file = slack_fake.file("net.onnx", b"weights", person=ada)
    await (await slack_fake.submit_view(ada, view, {"Name": "net"}, {"Model": [file]})).acked()
    assert slack_fake.screens.top(ada) is None
    await slack_fake.until(lambda: slack_fake.direct(ada).said)
    metadata, values = app.heard[0]
    assert metadata == "kept"
    assert values["benchmark"]["benchmarks"]["selected_option"]["value"] == "digits"
    assert values["model"]["file"]["files"][0]["url_private_download"].endswith("/net.onnx")


async def test_a_button_of_a_message_from_before_the_start_works(app, slack_fake, ada, general):
    old = slack_fake.post(
        general, slack_fake.team.bot, "old", blocks=slack_app.card("Old"), by_app=True
    )
    deed = await slack_fake.press(ada, old, "Again")
    await deed.acked()
    await deed.replied()
    assert old.text == "again 42"


async def test_shortcuts_open_a_modal_and_answer_about_a_message(app, slack_fake, ada, general):
    view = await (await slack_fake.shortcut(ada, "check_in")).opened()
    await (await slack_fake.close_view(ada, view)).acked()
    assert app.heard == ["closed"]
    await slack_fake.say(ada, general, "something rude")
    deed = await slack_fake.message_shortcut(ada, general.last, "report")
    assert (await deed.replied()).words == "reported something rude"


async def test_the_app_hears_what_is_said_and_the_same_event_twice(app, slack_fake, ada, general):
    bot = slack_fake.team.bot
    deed = await slack_fake.say(ada, general, f"{bot.mention} hello @ada")
    await deed.acked()
    await slack_fake.until(lambda: len(app.heard) == 2)
    assert {kind for kind, _ in app.heard} == {"message", "app_mention"}
    assert deed.payload["event"]["text"] == f"{bot.mention} hello {ada.mention}"
    await slack_fake.redeliver(deed)
    await slack_fake.until(lambda: len(app.heard) == 3)
    assert app.heard[2] == ("message", deed.event_id)
    assert deed.attempts == 2


async def test_the_app_hears_nothing_where_it_is_no_member(app, slack_fake, ada):
    away = slack_fake.channel("away", bot=False)
    assert (await slack_fake.say(ada, away, "hello")).payload == {}


async def test_a_file_is_announced_and_fetched_with_the_token(app, slack_fake, ada, general):
    file = slack_fake.file("net.onnx", b"weights", person=ada)
    await slack_fake.say(ada, general, "mine", files=[file])
    await slack_fake.until(lambda: "file_shared" in [kind for kind, _ in app.heard])
    told = (await app.client.files_info(file=file.id))["file"]
    async with aiohttp.ClientSession() as session:
        bearer = {"Authorization": f"Bearer {slack_fake.bot_token}"}
        async with session.get(told["url_private_download"], headers=bearer) as answer:
            assert await answer.read() == b"weights"
        async with session.get(told["url_private_download"]) as answer:
            assert answer.content_type == "text/html"
    first, second = slack_fake.files.downloads
    assert (first.host, first.authorization) == ("slack", f"Bearer {slack_fake.bot_token}")
    assert second.authorization is None


async def test_an_app_that_does_not_answer_is_given_up(slack_fake, ada, general):
    deed = await slack_fake.slash(ada, general, "/model", "hello")
    assert deed.trouble == ["dispatch_failed: no connection is open"]
    with pytest.raises(NeverHappened):
        await deed.acked(within=0.01)
