"""slack_sdk's client on the Slack of the tests: what is kept, what is refused, what goes wrong."""

import asyncio

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)

from tests.fakes import slack_app
from tests.fakes.slack import limits


@pytest.fixture
def client(slack_fake):
    return slack_app.client_of(slack_fake)


@pytest.fixture
def ada(slack_fake):
    return slack_fake.person("Ada")


@pytest.fixture
def general(slack_fake, ada):
    return slack_fake.channel("general")


async def refusal(call):
    """Give the word with which Slack refuses."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value.response["error"]


async def test_a_message_is_posted_edited_found_by_metadata_and_deleted(client, general):
    key = {"event_type": "sent", "event_payload": {"key": "k1"}}
    posted = await client.chat_postMessage(channel=general.id, text="one", metadata=key)
    await client.chat_update(channel=general.id, ts=posted["ts"], text="two")
    found = await client.conversations_history(channel=general.id, include_all_metadata=True)
    assert [(m["text"], m["metadata"]) for m in found["messages"]] == [("two", key)]
    plain = await client.conversations_history(channel=general.id)
    assert "metadata" not in plain["messages"][0]
    link = await client.chat_getPermalink(channel=general.id, message_ts=posted["ts"])
    assert link["permalink"].endswith("/p" + posted["ts"].replace(".", ""))
    await client.chat_delete(channel=general.id, ts=posted["ts"])
    assert general.said == []
    gone = client.chat_update(channel=general.id, ts=posted["ts"], text="three")
    assert await refusal(gone) == "message_not_found"


async def test_a_thread_is_told_apart_from_the_channel(client, general):
    root = await client.chat_postMessage(channel=general.id, text="root")
    await client.chat_postMessage(channel=general.id, text="in it", thread_ts=root["ts"])
    history = (await client.conversations_history(channel=general.id))["messages"]
    assert [(m["text"], m["reply_count"]) for m in history] == [("root", 1)]
    thread = await client.conversations_replies(channel=general.id, ts=root["ts"])
    assert [m["text"] for m in thread["messages"]] == ["root", "in it"]


async def test_direct_messages_go_to_people_but_not_to_bots_and_those_who_left(
    client, slack_fake, ada
):
    await client.chat_postMessage(channel=ada.id, text="to you")
    opened = await client.conversations_open(users=ada.id)
    assert slack_fake.direct(ada).id == opened["channel"]["id"]
    assert slack_fake.direct(ada).last.text == "to you"
    ada.deactivated = True
    assert await refusal(client.conversations_open(users=ada.id)) == "user_disabled"
    other = slack_fake.person("Robot", is_bot=True)
    assert await refusal(client.chat_postMessage(channel=other.id, text="hi")) == "cannot_dm_bot"
    assert await refusal(client.users_info(user="U0")) == "user_not_found"


async def test_a_channel_refuses_those_outside_the_archived_and_the_unknown(client, slack_fake):
    secret = slack_fake.channel("secret", private=True, bot=False)
    away = slack_fake.channel("away", bot=False)
    old = slack_fake.channel("old", archived=True)
    slack_fake.team.token.scopes.discard("chat:write.public")
    for channel, word in (
        (secret.id, "channel_not_found"),
        ("C0", "channel_not_found"),
        (away.id, "not_in_channel"),
        (old.id, "is_archived"),
    ):
        assert await refusal(client.chat_postMessage(channel=channel, text="hi")) == word
    await client.conversations_join(channel=away.id)
    await client.chat_postMessage(channel=away.id, text="hi")
    assert away.last.text == "hi"


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
BUTTON = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}}


def actions(**more):
    return [{"type": "actions", "elements": [BUTTON | more]}]


@pytest.mark.parametrize(
    "blocks",
    [
        [SECTION] * (limits.BLOCKS_OF_A_MESSAGE + 1),
        [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
        [{"type": "section", "text": {"type": "mrkdwn", "text": ""}}],
        [{"type": "section", "fields": [SECTION["text"]] * 11}],
        [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
        [{"type": "context", "elements": [SECTION["text"]] * 11}],
        [{"type": "actions", "elements": [BUTTON | {"action_id": f"{i}"} for i in range(26)]}],
        actions(text={"type": "plain_text", "text": "x" * 76}),
        actions(value="x" * 2001),
        actions(action_id="x" * 256),
        actions(url="https://example.org/" + "x" * 3000),
        [SECTION | {"block_id": "x" * 256}],
        [SECTION | {"block_id": "same"}] * 2,
        [{"type": "image", "image_url": "https://example.org/a.png", "alt_text": "x" * 2001}],
        [{"type": "image", "image_url": "https://example.org/a.png"}],
        actions(type="static_select", options=[slack_app.option(f"{i}") for i in range(101)]),
        actions(type="static_select", options=[slack_app.option("x" * 76)]),
        [{"type": "nothing"}],
        [{"type": "section"}],
    ],
)
async def test_blocks_over_a_limit_are_refused_with_the_place(client, general, blocks):
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=general.id, text="x", blocks=blocks)
    assert refused.value.response["error"] == "invalid_blocks"
    (first, *_) = refused.value.response["response_metadata"]["messages"]
    assert "[json-pointer:/blocks" in first


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"title": {"type": "plain_text", "text": "x" * 25}}, "/view/title"),
        ({"submit": None}, "/view"),
        ({"private_metadata": "x" * 3001}, "/view/private_metadata"),
        ({"callback_id": "x" * 256}, "/view/callback_id"),
        ({"blocks": [SECTION] * 101}, "/view/blocks"),
        ({"blocks": [{"type": "markdown", "text": "x"}]}, "/view/blocks/0/type"),
        ({"type": "home", "blocks": [SECTION]}, "/view/type"),
    ],
)
async def test_a_modal_over_a_limit_is_refused(client, slack_fake, ada, changed, place):
    deed = await slack_fake.shortcut(ada, "check_in")
    view = {k: v for k, v in (slack_app.FORM | changed).items() if v is not None}
    with pytest.raises(SlackApiError) as refused:
        await client.views_open(trigger_id=deed.payload["trigger_id"], view=view)
    assert refused.value.response["error"] == "invalid_arguments"
    assert f"[json-pointer:{place}" in refused.value.response["response_metadata"]["messages"][0]


async def test_a_trigger_is_good_once_and_for_three_seconds(client, slack_fake, ada):
    trigger = (await slack_fake.shortcut(ada, "check_in")).payload["trigger_id"]
    await client.views_open(trigger_id=trigger, view=slack_app.FORM)
    again = client.views_open(trigger_id=trigger, view=slack_app.FORM)
    assert await refusal(again) == "exchanged_trigger_id"
    late = (await slack_fake.shortcut(ada, "check_in")).payload["trigger_id"]
    slack_fake.clock.turn(3.1)
    assert (
        await refusal(client.views_open(trigger_id=late, view=slack_app.FORM))
        == "expired_trigger_id"
    )


async def test_three_modals_lie_on_each_other_and_no_more(client, slack_fake, ada):
    for call, number in ((client.views_open, 1), (client.views_push, 2), (client.views_push, 3)):
        trigger = (await slack_fake.shortcut(ada, "check_in")).payload["trigger_id"]
        await call(trigger_id=trigger, view=slack_app.FORM)
        assert len(slack_fake.screens.stack(ada)) == number
    trigger = (await slack_fake.shortcut(ada, "check_in")).payload["trigger_id"]
    fourth = client.views_push(trigger_id=trigger, view=slack_app.FORM)
    assert await refusal(fourth) == "push_limit_reached"


async def test_a_home_that_changed_meanwhile_is_not_overwritten(client, ada):
    view = {"type": "home", "blocks": [SECTION]}
    first = await client.views_publish(user_id=ada.id, view=view)
    await client.views_publish(user_id=ada.id, view=view, hash=first["view"]["hash"])
    old = client.views_publish(user_id=ada.id, view=view, hash=first["view"]["hash"])
    assert await refusal(old) == "hash_conflict"


async def test_a_response_url_is_good_five_times_and_half_an_hour(slack_fake, ada, general):
    deed = await slack_fake.slash(ada, general, "/model", "x")
    url = deed.payload["response_url"]
    async with aiohttp.ClientSession() as session:
        for _ in range(5):
            assert (await session.post(url, json={"text": "hi"})).status == 200
        assert (await (await session.post(url, json={"text": "hi"})).json())["error"] == "used_url"
        late = (await slack_fake.slash(ada, general, "/model", "x")).payload["response_url"]
        slack_fake.clock.turn(1801)
        answer = await session.post(late, json={"text": "hi"})
        assert (answer.status, (await answer.json())["error"]) == (404, "expired_url")
    assert len(deed.replies) == 5


async def test_a_storm_is_raised_without_the_retry_handler_and_sat_out_with_it(
    client, slack_fake, general
):
    slack_fake.storm("chat.postMessage", times=2, retry_after=0)
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=general.id, text="hi")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "0"
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    await client.chat_postMessage(channel=general.id, text="hi")
    assert [r.status for r in slack_fake.calls("chat.postMessage")] == [429, 429, 200]
    assert [m.text for m in general.said] == ["hi"]


async def test_the_rate_limits_hold_when_they_are_turned_on(client, slack_fake, general):
    other = slack_fake.channel("other")
    slack_fake.rates.on = True
    for _ in range(limits.POSTS_AT_ONCE):
        await client.chat_postMessage(channel=general.id, text="hi")
    assert await refusal(client.chat_postMessage(channel=general.id, text="hi")) == "ratelimited"
    await client.chat_postMessage(channel=other.id, text="hi")
    slack_fake.clock.turn(3)
    await client.chat_postMessage(channel=general.id, text="hi")
    for _ in range(limits.TIERS[2]):
        await client.users_list()
    assert await refusal(client.users_list()) == "ratelimited"


async def test_an_answer_that_is_lost_was_done_all_the_same(client, slack_fake, general):
    client.retry_handlers.clear()
    slack_fake.lose_answer("chat.postMessage")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=general.id, text="hi")
    assert [m.text for m in general.said] == ["hi"]


async def test_slow_and_broken_answers(client, slack_fake, general):
    slack_fake.slow("chat.postMessage", 0.1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await client.chat_postMessage(channel=general.id, text="hi")
    slack_fake.break_down("auth.test", status=503)
    client.retry_handlers.append(AsyncServerErrorRetryHandler())
    assert (await client.auth_test())["user_id"] == slack_fake.team.bot.id
    assert [r.status for r in slack_fake.calls("auth.test")] == [503, 200]


async def test_tokens_are_looked_at(client, slack_fake):
    team = slack_fake.team
    assert await refusal(slack_app.client_of(slack_fake, "xoxb-no").auth_test()) == "invalid_auth"
    wrong = slack_app.client_of(slack_fake, slack_fake.app_token.value)
    assert await refusal(wrong.auth_test()) == "not_allowed_token_type"
    team.token.scopes -= {"users:read"}
    with pytest.raises(SlackApiError) as refused:
        await client.users_list()
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "users:read"
    slack_fake.revoke()
    assert await refusal(client.auth_test()) == "token_revoked"
    team.gone = True
    assert await refusal(client.auth_test()) == "account_inactive"


async def test_a_file_is_sent_in_three_steps(client, slack_fake, general):
    await client.files_upload_v2(
        channel=general.id, filename="plot.png", content=b"png", initial_comment="look"
    )
    (file,) = general.last.files
    assert (general.last.text, file.name, file.content) == ("look", "plot.png", b"png")


async def test_pings_are_seen_wherever_they_stand(client, slack_fake, ada, general):
    mentors = slack_fake.group("mentors", [ada])
    for text in ("<!channel>", "<!here|here>", f"{ada.mention}", f"{mentors.mention}"):
        await client.chat_postMessage(channel=general.id, text=text)
        assert slack_fake.notified_by(general.last) == [ada]
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "<!everyone>"}}
    await client.chat_postMessage(channel=general.id, text="x", blocks=[section])
    assert general.last.pings == {"everyone"}
    assert len(slack_fake.pinged) == 5
    for text in ("@channel", "&lt;!channel&gt;", "mail@channel.org"):
        await client.chat_postMessage(channel=general.id, text=text)
        assert not general.last.pings
    await client.chat_postMessage(channel=general.id, text="@here", link_names=True)
    assert general.last.pings == {"here"}
    await client.chat_postMessage(channel=general.id, text="`@here`", link_names=True)
    assert not general.last.pings


async def test_who_and_what_is_there_is_told(client, slack_fake, ada, general):
    ada.owner, ada.tz = True, "Asia/Tokyo"
    user = (await client.users_info(user=ada.id))["user"]
    assert (user["is_admin"], user["tz_offset"]) == (True, 9 * 3600)
    mentors = slack_fake.group("mentors", [ada])
    groups = (await client.usergroups_list())["usergroups"]
    assert [g["id"] for g in groups] == [mentors.id]
    assert (await client.usergroups_users_list(usergroup=mentors.id))["users"] == [ada.id]
    listed = [
        c async for page in await client.conversations_list(limit=1) for c in page["channels"]
    ]
    assert [c["id"] for c in listed] == [general.id]
    members = (await client.conversations_members(channel=general.id))["members"]
    assert members == [ada.id, slack_fake.team.bot.id]
    assert (await client.team_info())["team"]["name"] == "Book Club"
    await client.reactions_add(
        channel=general.id,
        timestamp=slack_fake.post(general, ada, "hi").ts,
        name="tada",
    )
    assert general.last.reactions == {"tada": [slack_fake.team.bot.id]}
