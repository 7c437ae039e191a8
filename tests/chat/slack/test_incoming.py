"""What people do at Slack is carried out once, and answered where and how they expect it."""

import asyncio

import pytest

from bot.community.models import Account
from bot.features.checkins.models import CheckIn
from bot.kit.requests import HandledRequest
from tests.features.boards import MANIFEST, MODEL, with_files
from tests.opening import open_benchmark


@pytest.fixture(params=["socket", "http"])
def way(request):
    return request.param


async def rows(bot, table):
    from sqlalchemy import select

    async with bot.database.read() as session:
        return list((await session.scalars(select(table))).all())


async def test_a_bare_group_explains_itself_and_so_does_help(workspace):
    for text in ("", "help"):
        deed = await workspace.fake.slash(workspace.ada, workspace.general, "/checkin", text)
        answer = await workspace.answered(deed)
        assert answer.ephemeral
        assert "/checkin now" in answer.words


async def test_a_form_says_what_is_wrong_at_its_field_and_keeps_the_rest(workspace):
    fake, ada = workspace.fake, workspace.ada
    view = await (
        await fake.slash(ada, workspace.general, "/checkin", "pause until:yesterday")
    ).replied()
    assert "a date such as 2026-11-30" in view.words
    view = await (await fake.slash(ada, workspace.general, "/profile", "edit")).opened()
    await workspace.answered(
        await fake.slash(workspace.moira, workspace.general, "/checkin", "streak")
    )
    taken = await fake.submit_view(ada, view, {"name": "Moira"})
    await taken.acked()
    assert "name" in taken.errors
    assert view.open


async def test_a_refused_form_stays_open_with_the_reason(workspace):
    fake = workspace.fake
    view = await (
        await fake.slash(workspace.ada, workspace.general, "/profile", "timezone")
    ).opened()
    asked = await fake.suggest(workspace.ada, view, "zone", "Berlin")
    await asked.acked()
    assert asked.options[0]["value"] == "Europe/Berlin"
    sent = await fake.submit_view(workspace.ada, view, {"zone": asked.options[0]})
    await sent.acked()
    assert not sent.errors
    assert not view.open


async def test_a_button_from_before_the_start_works(workspace):
    fake = workspace.fake
    block = {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "say:0",
                "value": "/checkin streak",
                "text": {"type": "plain_text", "text": "My streak"},
            }
        ],
    }
    old = fake.post(workspace.general, fake.team.bot, "old", blocks=[block], by_app=True)
    answer = await workspace.answered(await fake.press(workspace.ada, old, "My streak"))
    assert answer.ephemeral
    assert "streak" in answer.words.lower()


async def test_in_a_thread_the_bot_is_mentioned_and_an_event_that_comes_again_does_nothing(
    workspace,
):
    fake = workspace.fake
    root = fake.post(workspace.general, workspace.moira, "How are you all?")
    line = f"{fake.team.bot.mention} checkin now done:“Read a paper” next:more"
    await fake.say(workspace.ada, workspace.general, line, thread=root)
    deed = next(d for d in fake.deeds if d.payload.get("event", {}).get("type") == "app_mention")
    await deed.acked()
    async with asyncio.timeout(5):
        while not await rows(workspace.bot, CheckIn):
            await asyncio.sleep(0.01)
    for _ in range(3):
        await fake.redeliver(deed)
    await asyncio.sleep(0.3)
    [made] = await rows(workspace.bot, CheckIn)
    assert made.done == "Read a paper"
    assert len(await rows(workspace.bot, HandledRequest)) == 1
    await workspace.bot.courier.round()
    assert len([m for m in fake.direct(workspace.ada).said if m.by_app]) == 1


async def test_a_direct_message_is_a_command_and_brings_its_files(workspace):
    fake, bot = workspace.fake, workspace.bot
    await open_benchmark(bot.core, MANIFEST)
    dm = fake.direct(workspace.ada)
    file = fake.file("net.onnx", MODEL, person=workspace.ada)
    await fake.say(workspace.ada, dm, "model submit benchmark:digits", files=[file])
    async with asyncio.timeout(5):
        while not bot.engine.jobs:
            await bot.courier.round()
            await asyncio.sleep(0.01)
    [evaluation] = bot.engine.jobs.values()
    await bot.engine.report(await with_files(Holder(bot), evaluation, 0.93))
    await bot.courier.round()
    live = [m for m in dm.said if m.by_app and "93.0 %" in m.words]
    assert live, [m.words for m in dm.said]


class Holder:
    """What ``with_files`` asks of a chat."""

    def __init__(self, bot):
        self.core = bot.core


async def test_the_result_edits_the_same_message_long_after_the_command(workspace):
    fake, bot = workspace.fake, workspace.bot
    await open_benchmark(bot.core, MANIFEST)
    view = await (await fake.slash(workspace.ada, workspace.general, "/model", "submit")).opened()
    await (await fake.suggest(workspace.ada, view, "benchmark", "dig")).acked()
    file = fake.file("net.onnx", MODEL, person=workspace.ada)
    sent = await fake.submit_view(workspace.ada, view, {"benchmark": "digits"}, {"file": [file]})
    await sent.acked()
    async with asyncio.timeout(5):
        while not bot.engine.jobs:
            await bot.courier.round()
            await asyncio.sleep(0.01)
    [live] = workspace.general.said
    fake.clock.turn(2 * 3600)
    [evaluation] = bot.engine.jobs.values()
    await bot.engine.report(await with_files(Holder(bot), evaluation, 0.93))
    await bot.courier.round()
    assert [m for m in workspace.general.said if "93.0 %" in m.words] == [live]


async def test_an_answer_that_takes_forty_minutes_still_comes(workspace, monkeypatch):
    fake, core = workspace.fake, workspace.bot.core
    handle = core.handle

    async def slowly(invocation):
        answer = await handle(invocation)
        fake.clock.turn(40 * 60)
        monkeypatch.setattr("bot.chat.slack.answering._URL_SECONDS", -1)
        return answer

    monkeypatch.setattr(core, "handle", slowly)
    deed = await fake.slash(workspace.ada, workspace.general, "/checkin", "streak")
    answer = await workspace.answered(deed)
    assert answer.channel is fake.direct(workspace.ada)
    assert "streak" in answer.words.lower()


async def test_the_address_for_answers_that_slack_gave_up_is_not_the_end(workspace):
    fake = workspace.fake
    real = workspace.bot.core.handle

    async def late(invocation):
        answer = await real(invocation)
        fake.clock.turn(31 * 60)
        return answer

    workspace.bot.core.handle = late
    answer = await workspace.answered(
        await fake.slash(workspace.ada, workspace.general, "/checkin", "streak")
    )
    assert answer.channel is fake.direct(workspace.ada)


async def test_a_file_elsewhere_is_refused_and_never_sent_the_token(workspace):
    fake = workspace.fake
    file = fake.file("net.onnx", MODEL, person=workspace.ada, host=fake.stranger_base)
    await fake.say(
        workspace.ada, fake.direct(workspace.ada), "model submit benchmark:digits", files=[file]
    )
    async with asyncio.timeout(5):
        while not [m for m in fake.direct(workspace.ada).said if m.by_app]:
            await workspace.bot.courier.round()
            await asyncio.sleep(0.01)
    [answer] = [m for m in fake.direct(workspace.ada).said if m.by_app]
    assert "E_FILE_HOST" in answer.words
    assert fake.files.downloads == []


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "E_EMPTY_FILE"), (b"x" * 2_000_001, "E_TOO_LARGE")]
)
async def test_files_that_will_not_do_are_refused_with_the_way_out(workspace, data, code):
    fake = workspace.fake
    workspace.bot.files.cap = 2_000_000
    view = await (await fake.slash(workspace.ada, workspace.general, "/dataset", "check")).opened()
    file = fake.file("pets.zip", data, person=workspace.ada)
    deed = await fake.submit_view(workspace.ada, view, {}, {"archive": [file]})
    await deed.acked()
    async with asyncio.timeout(5):
        while not [m for m in fake.messages if m.by_app and code in m.words]:
            await workspace.bot.courier.round()
            await asyncio.sleep(0.01)


async def test_home_shows_what_there_is_for_this_person(workspace):
    await workspace.fake.open_home(workspace.ada)
    view = await workspace.fake.until(lambda: workspace.fake.screens.home(workspace.ada))
    assert "Ada" in view.words or "Welcome" in view.words


async def test_a_button_at_home_answers_its_person_alone(workspace):
    fake, ada = workspace.fake, workspace.ada
    await fake.open_home(ada)
    view = await fake.until(lambda: fake.screens.home(ada))
    assert view.buttons
    deed = await fake.press(ada, view, view.buttons[0])
    await deed.acked()
    async with asyncio.timeout(5):
        while not (deed.views or [m for m in fake.direct(ada).said if m.by_app]):
            await workspace.bot.courier.round()
            await asyncio.sleep(0.01)
    assert not workspace.general.said


async def test_who_left_the_workspace_is_written_to_no_more_until_they_speak(workspace):
    fake, bot, ada = workspace.fake, workspace.bot, workspace.ada

    async def account():
        [found] = [a for a in await rows(bot, Account) if a.handle == ada.id]
        return found

    await workspace.answered(await fake.slash(ada, workspace.general, "/checkin", "streak"))
    await fake.change(ada, display_name="Ada L.")
    await asyncio.sleep(0.1)
    assert (await account()).left_at is None
    await fake.change(ada, deactivated=True)
    async with asyncio.timeout(5):
        while (await account()).left_at is None:
            await asyncio.sleep(0.01)
    ada.deactivated = False
    await workspace.answered(await fake.slash(ada, workspace.general, "/checkin", "streak"))
    assert (await account()).left_at is None


@pytest.mark.parametrize("way", ["socket"])
async def test_a_lost_socket_is_opened_again(workspace):
    await workspace.fake.sockets.drop()
    await workspace.fake.sockets.connected(within=15)
    deed = await workspace.fake.slash(workspace.ada, workspace.general, "/checkin", "streak")
    assert (await workspace.answered(deed)).words


async def test_our_own_words_and_those_of_other_bots_are_no_commands(workspace):
    fake = workspace.fake
    bot = fake.person("Robo", is_bot=True)
    await fake.say(bot, workspace.general, f"{fake.team.bot.mention} checkin now done:a next:b")
    await asyncio.sleep(0.2)
    assert await rows(workspace.bot, CheckIn) == []


async def test_a_refusal_wrote_nothing_so_that_the_request_may_come_again(workspace):
    from bot.kit.core import Invocation

    core = workspace.bot.core
    asked = Invocation(
        "slack", workspace.ada.id, "Ada", workspace.place(), line="/checkin pause until:1999-01-01",
        once="slack:1",
    )  # fmt: skip
    first = await core.handle(asked)
    again = await core.handle(asked)
    assert first.refused
    assert again.refused
    assert not again.repeated
