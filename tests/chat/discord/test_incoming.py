"""What people do at Discord is carried out once, and answered where and how they expect it."""

import asyncio

import pytest
from sqlalchemy import select

from bot.features.checkins.models import CheckIn
from bot.kit.message import Button, Buttons, Message, Text
from tests.features.boards import MANIFEST, MODEL, with_files
from tests.opening import open_benchmark


async def rows(bot, table):
    async with bot.database.read() as session:
        return list((await session.scalars(select(table))).all())


async def submitted(server, **more):
    """Ada hands a model in by attachment; gives what came of it."""
    await open_benchmark(server.bot.core, MANIFEST)
    file = server.fake.file("net.onnx", MODEL)
    values = {"benchmark": "digits", "file": file} | more
    deed = await server.fake.command(server.ada, server.general, "/model submit", values)
    await deed.replied()
    await server.until(lambda: server.bot.engine.jobs)
    return deed


async def report(server, value=0.93):
    [evaluation] = server.bot.engine.jobs.values()
    await server.bot.engine.report(await with_files(server.bot, evaluation, value))
    await server.bot.courier.round()


async def test_a_command_is_answered_to_one_or_to_all_as_it_declares(server):
    fake = server.fake
    private = await fake.command(server.ada, server.general, "/checkin streak")
    assert (await private.replied()).ephemeral
    public = await fake.command(server.ada, server.general, "/leaderboard list")
    assert not (await public.replied()).ephemeral
    assert max(private.acked_after, public.acked_after) < 3


async def test_a_form_opens_where_there_is_much_to_say_and_is_carried_out(server):
    fake, ada = server.fake, server.ada
    deed = await fake.command(ada, server.general, "/checkin now")
    modal = await deed.opened()
    sent = await fake.submit(ada, modal, {"done": "Read a paper", "next": "Write"})
    assert "Read a paper" in (await sent.replied()).text
    [made] = await rows(server.bot, CheckIn)
    assert (made.done, made.next) == ("Read a paper", "Write")


async def test_a_refused_form_says_why_and_opens_again_with_what_was_typed(server):
    fake, ada = server.fake, server.ada
    modal = await (await fake.command(ada, server.general, "/checkin now")).opened()
    said = await (
        await fake.submit(ada, modal, {"done": " \u200a", "next": "Write it up"})
    ).replied()
    assert said.ephemeral
    assert "Done is missing" in said.text
    again = await (await fake.press(ada, said, "Mend it")).opened()
    assert "Write it up" in again.text
    assert "⚠️" in again.text
    done = await fake.submit(ada, again, {"done": "Read"})
    await done.replied()
    [made] = await rows(server.bot, CheckIn)
    assert (made.done, made.next) == ("Read", "Write it up")


async def test_a_form_of_several_pages_keeps_what_was_typed_on_each(server):
    fake, ada = server.fake, server.ada
    await open_benchmark(server.bot.core, MANIFEST)
    modal = await (await fake.command(ada, server.general, "/model submit")).opened()
    assert "(1/" in modal.title
    here = {"benchmark": "digits", "file": fake.file("net.onnx", MODEL)}
    kept = await (await fake.submit(ada, modal, here)).replied()
    assert kept.ephemeral
    while "Go on" in kept.buttons:
        modal = await (await fake.press(ada, kept, "Go on")).opened()
        deed = await fake.submit(ada, modal, {})
        kept = await deed.replied()
    await server.until(lambda: server.bot.engine.jobs)


async def test_a_file_of_a_form_that_will_not_do_is_told_and_the_form_opens_again(server):
    fake, ada = server.fake, server.ada
    await open_benchmark(server.bot.core, MANIFEST)
    modal = await (await fake.command(ada, server.general, "/model submit")).opened()
    here = {"benchmark": "digits", "file": fake.file("net.onnx", b"")}
    said = await (await fake.submit(ada, modal, here)).replied()
    assert said.text.startswith("The file is empty.")
    assert "**" not in said.text
    again = await (await fake.press(ada, said, "Mend it")).opened()
    assert "(1/" in again.title


async def test_a_file_that_was_given_need_not_be_given_again(server):
    fake, ada = server.fake, server.ada
    await open_benchmark(server.bot.core, MANIFEST)
    modal = await (await fake.command(ada, server.general, "/model submit")).opened()
    here = {"benchmark": "digits", "file": fake.file("net.onnx", MODEL)}
    said = await (await fake.submit(ada, modal, here)).replied()
    modal = await (await fake.press(ada, said, "Go on")).opened()
    said = await (await fake.submit(ada, modal, {"baseline": "linear"})).replied()  # not hers to do
    modal = await (await fake.press(ada, said, "Mend it")).opened()
    while "baseline" not in str(modal.components):
        assert "Kept: net.onnx" in modal.text
        said = await (await fake.submit(ada, modal, {})).replied()
        modal = await (await fake.press(ada, said, "Go on")).opened()
    await (await fake.submit(ada, modal, {"baseline": ""})).replied()
    await server.until(lambda: server.bot.engine.jobs)


async def test_a_form_that_others_began_is_not_theirs_to_go_on_with(server):
    fake = server.fake
    await open_benchmark(server.bot.core, MANIFEST)
    modal = await (await fake.command(server.ada, server.general, "/model submit")).opened()
    here = {"benchmark": "digits", "file": fake.file("net.onnx", MODEL)}
    kept = await (await fake.submit(server.ada, modal, here)).replied()
    kept.only_for, kept.flags = None, kept.flags & ~64  # as if somebody else could see it
    deed = await fake.press(server.moira, kept, "Go on")
    assert "came too late" in (await deed.replied()).text


async def test_a_button_from_before_the_start_works(server):
    buttons = Buttons(buttons=(Button(label="My streak", command="/checkin streak"),))
    old = Message(blocks=(Text(markdown="old"), buttons))
    await server.chat.send(server.place(), old, key="old")
    deed = await server.fake.press(server.ada, server.general.last, "My streak")
    answer = await deed.replied()
    assert answer.ephemeral
    assert "streak" in answer.text.lower()


async def test_values_are_suggested_while_somebody_types(server):
    await open_benchmark(server.bot.core, MANIFEST)
    fake = server.fake
    found = await fake.autocomplete(server.ada, server.general, "/model submit", "benchmark", "dig")
    assert [value for _name, value in found] == ["digits"]
    found = await fake.autocomplete(
        server.ada, server.general, "/profile timezone", "zone", "Berlin"
    )
    assert "Europe/Berlin" in [value for _name, value in found]


async def test_the_result_edits_the_same_message_long_after_the_command(server):
    await submitted(server)
    await server.bot.courier.round()
    live = server.from_bot(server.general)[-1]
    server.fake.pass_minutes(120)
    await report(server)
    assert [m for m in server.general.said if "93.0 %" in m.text] == [live]


async def test_who_asks_alone_is_answered_alone_and_gets_the_result_there(server):
    await open_benchmark(server.bot.core, MANIFEST)
    await (await server.fake.command(server.ada, server.general, "/bookwiz ping")).replied()
    dm = server.fake.direct(server.ada)
    file = server.fake.file("net.onnx", MODEL)
    deed = await server.fake.command(
        server.ada, dm, "/model submit", {"benchmark": "digits", "file": file}
    )
    await deed.replied()
    await server.until(lambda: server.bot.engine.jobs)
    await report(server)
    assert [m for m in dm.said if "93.0 %" in m.text]


async def test_an_answer_that_takes_twenty_minutes_still_comes(server, monkeypatch):
    fake, core = server.fake, server.bot.core
    handle = core.handle

    async def slowly(invocation):
        answer = await handle(invocation)
        await asyncio.sleep(1.5)  # so that it has been acknowledged
        fake.pass_minutes(20)
        return answer

    monkeypatch.setattr(core, "handle", slowly)
    deed = await fake.command(server.ada, server.general, "/checkin streak")
    await deed.acked()
    dm = fake.direct(server.ada)
    [answer] = await server.until(lambda: dm.said)
    assert deed.deferred
    assert "streak" in answer.text.lower()


async def test_what_turns_out_private_after_all_is_shown_to_one(server, monkeypatch):
    """A public command that is refused late: "is thinking" was public, the reason is not."""
    fake, core = server.fake, server.bot.core
    handle = core.handle

    async def slowly(invocation):
        await asyncio.sleep(1.5)
        return await handle(invocation)

    monkeypatch.setattr(core, "handle", slowly)
    monkeypatch.setattr(
        "bot.chat.discord.incoming.Incoming._private", lambda *_: False, raising=True
    )
    deed = await fake.command(server.ada, server.general, "/checkin streak")
    await deed.acked()
    assert deed.ephemeral is False
    answer = await deed.replied()
    assert answer.ephemeral
    assert server.from_bot(server.general) == []


async def test_an_interaction_that_comes_again_is_carried_out_once(server):
    fake = server.fake
    values = {"done": "Read", "next": "Write"}
    deed = await fake.command(server.ada, server.general, "/checkin now", values)
    await deed.replied()
    fake.gateway_server.emit("INTERACTION_CREATE", deed.payload)
    await asyncio.sleep(0.3)
    await server.bot.courier.round()
    assert len(await rows(server.bot, CheckIn)) == 1
    assert len(deed.seen) == 1


async def test_the_address_of_a_file_never_gets_the_token(server):
    await submitted(server)
    [download] = server.fake.cdn.downloads
    assert download.authorization is None


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "E_EMPTY_FILE"), (b"x" * 2_000_001, "E_TOO_LARGE")]
)
async def test_files_that_will_not_do_are_refused_with_the_way_out(server, data, code):
    server.bot.files.cap = 2_000_000
    file = server.fake.file("pets.zip", data)
    deed = await server.fake.command(
        server.ada, server.general, "/dataset check", {"archive": file}
    )
    answer = await deed.replied()
    assert answer.ephemeral
    assert code in answer.text.replace("\\", "")


async def test_a_file_of_nearly_ten_megabytes_is_taken(server):
    data = MODEL + bytes(9_900_000 - len(MODEL))
    await open_benchmark(server.bot.core, MANIFEST)
    values = {"benchmark": "digits", "file": server.fake.file("net.onnx", data)}
    deed = await server.fake.command(server.ada, server.general, "/model submit", values)
    answer = await deed.replied()
    assert "E_FETCH" not in answer.text


async def test_a_file_that_discord_does_not_give_is_told_with_the_way_out(server):
    await open_benchmark(server.bot.core, MANIFEST)
    file = server.fake.file("net.onnx", MODEL)
    server.fake.cdn.broken = True
    deed = await server.fake.command(
        server.ada, server.general, "/model submit", {"benchmark": "digits", "file": file}
    )
    answer = await deed.replied()
    assert answer.ephemeral
    assert "could not be fetched" in answer.text
    assert "/model link" in answer.text
