"""The real slack-bolt and slack_sdk on the Slack of the tests, by Socket Mode and by HTTP."""

import pytest

from tests.fakes import slack_app


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
