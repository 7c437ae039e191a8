"""What the outbox holds comes to Slack once, at its pace, and nobody is pinged."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.chat.slack.adapter import SlackChat
from bot.kit.courier import Courier
from bot.kit.message import File, Image, Message, MessageRef, Place, Room, Table, Text
from bot.kit.outbox import OutboxMessage
from tests.chat.slack.conftest import said, settings_of

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


async def row(bot, key="k"):
    async with bot.database.read() as session:
        return (await session.scalars(select(OutboxMessage).filter_by(key=key))).one()


async def test_a_message_is_posted_and_edited_where_it_stands(workspace):
    await workspace.put(workspace.place(), "First *words*")
    await workspace.bot.courier.round()
    await workspace.put(workspace.place(), "Other words")
    await workspace.bot.courier.round()
    [message] = workspace.general.said
    assert "Other words" in message.words
    assert message.edits == 1


async def test_who_dies_between_sending_and_noting_it_has_said_it_once(workspace):
    """The courier was killed after Slack took the message; the next one finds it there."""
    bot = workspace.bot
    await workspace.put(workspace.place(), "Once only")

    def cut():
        raise InterruptedError

    first = Courier(bot.database, bot.clock)
    first.chats = {"slack": workspace.chat}
    write, bot.database.write = bot.database.write, cut
    with pytest.raises(InterruptedError):
        await first.round()
    bot.database.write = write
    assert len(workspace.general.said) == 1
    assert (await row(bot)).sent_version == 0

    bot.clock.moment += timedelta(minutes=10)
    second = Courier(bot.database, bot.clock)
    second.chats = {"slack": SlackChat(bot.core, settings_of(workspace.fake))}
    await second.start()
    async with asyncio.timeout(5):
        while (await row(bot)).sent_version == 0:
            await asyncio.sleep(0.01)
    await second.stop()
    assert len(workspace.general.said) == 1
    assert (await row(bot)).ref["id"] == workspace.general.said[0].ts


async def test_an_answer_that_was_lost_is_looked_for_before_it_is_said_again(workspace):
    workspace.fake.lose_answer("chat.postMessage")
    await workspace.put(workspace.place(), "Once only")
    await workspace.bot.courier.round()
    assert (await row(workspace.bot)).waiting
    assert len(workspace.general.said) == 1
    workspace.bot.clock.moment += timedelta(minutes=5)
    workspace.chat.sending._gate._until.clear()  # that much time has passed for it, too
    await workspace.bot.courier.round()
    assert len(workspace.general.said) == 1
    assert (await row(workspace.bot)).sent_version == 1


async def test_a_storm_of_too_fast_is_waited_out(workspace):
    workspace.fake.storm("chat.postMessage", 3, 7)
    await workspace.put(workspace.place())
    for _ in range(3):
        await workspace.bot.courier.round()
        waits = (await row(workspace.bot)).not_before - workspace.bot.clock.moment
        assert timedelta(seconds=1) <= waits <= timedelta(seconds=7)
        workspace.bot.clock.moment += timedelta(seconds=8)
        workspace.chat.sending._gate._until.clear()  # that much time has passed for it, too
    await workspace.bot.courier.round()
    assert len(workspace.general.said) == 1
    assert (await row(workspace.bot)).failures == 0


async def test_a_channel_takes_one_message_a_second_and_others_do_not_wait_for_it(workspace):
    other = workspace.fake.channel("other")
    for number in range(3):
        await workspace.put(workspace.place(), f"word {number}", key=f"g{number}")
    await workspace.put(workspace.place(other), "elsewhere", key="o")
    await workspace.bot.courier.round()
    assert [m.words.strip() for m in workspace.general.said] == ["word 0"]
    assert len(other.said) == 1


@pytest.mark.parametrize(
    ("close", "why"),
    [
        ("archive", "archived"),
        ("delete", "gone"),
        ("leave", "invite"),
        ("revoke", "revoked"),
    ],
)
async def test_where_nothing_can_be_said_the_reason_is_told(workspace, close, why):
    fake, private = workspace.fake, workspace.fake.channel("secret", private=True)
    if close == "archive":
        await fake.archive(private, workspace.moira)
    elif close == "delete":
        await fake.delete_channel(private)
    elif close == "leave":
        await fake.leave(fake.team.bot, private)
    else:
        fake.revoke()
    await workspace.put(workspace.place(private))
    await workspace.bot.courier.round()
    given_up = await row(workspace.bot)
    assert not given_up.waiting
    assert given_up.error.startswith("Undeliverable: ")
    assert why in given_up.error or "never in it" in given_up.error


async def test_a_direct_message_is_opened_once_and_reaches_one(workspace):
    place = Place(platform="slack", channel=f"@{workspace.ada.id}", private_to=workspace.ada.id)
    ref = await workspace.chat.send(place, said("For you", private=True), key="a")
    await workspace.chat.edit(ref, said("For you alone", private=True))
    [message] = workspace.fake.direct(workspace.ada).said
    assert "For you alone" in message.words
    assert len(workspace.fake.calls("conversations.open")) == 1


async def test_pictures_stand_in_the_message_and_files_in_its_thread_once(workspace):
    files = workspace.bot.files
    picture, page = await files.add(PNG), await files.add(b"<p>report</p>")
    message = Message(
        blocks=(
            Text(markdown="# Result"),
            Image(sha256=picture.sha256, name="confusion.png", alt="eights taken for threes"),
            File(sha256=page.sha256, name="report.html", label="The report"),
        )
    )
    ref = await workspace.chat.send(workspace.place(), message, key="k")
    again = await workspace.chat.edit(ref, message)
    assert again.files == (page.sha256,)
    [card, shared] = workspace.general.said
    [image] = [b for b in card.blocks if b["type"] == "image"]
    assert image["alt_text"] == "eights taken for threes"
    assert workspace.fake.files.get(image["slack_file"]["id"]).content == PNG
    assert shared.thread_ts == card.ts
    assert [f.content for f in shared.files] == [b"<p>report</p>"]
    assert len(workspace.fake.calls("files.getUploadURLExternal")) == 2


async def test_thirty_thousand_characters_come_in_parts_and_as_a_file(workspace, monkeypatch):
    monkeypatch.setattr(workspace.chat.sending._gate, "_every", 0.0)
    words = " ".join(f"word{i}" for i in range(30_000 // 8))
    ref = await workspace.chat.send(workspace.place(), said(words), key="long")
    shown = [m for m in workspace.general.said if m.blocks]
    assert len(shown) == len(ref.id.split(",")) <= 5
    heard = "".join(m.words for m in shown)
    whole = [f.content.decode() for m in workspace.general.said for f in m.files]
    assert all(word in heard for word in words.split()) or whole == [words]
    short = await workspace.chat.edit(ref, said("Short now"))
    assert len(short.id.split(",")) == 1
    standing = [m for m in workspace.general.said if m.blocks and not m.deleted]
    assert [m.words.strip() for m in standing] == ["Short now"]


async def test_blocks_that_slack_does_not_take_come_as_plain_words(workspace, monkeypatch):
    from bot.chat.slack import sending
    from bot.chat.slack.blocks import Part

    broken = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 4000}}]
    monkeypatch.setattr(sending, "parts", lambda *_: [Part(broken, "The words")])
    await workspace.chat.send(workspace.place(), said("The words"), key="k")
    [message] = workspace.general.said
    assert (message.text, message.blocks) == ("The words", [])


async def test_a_mention_bomb_pings_nobody(workspace):
    from bot.kit.render import escape

    bomb = f"<!channel> <!here> <@{workspace.ada.id}> @channel @everyone `<!everyone>` @here"
    table = Table(head=("a", "b"), rows=((escape(bomb), "1"),), align=("left", "left"))
    message = Message(blocks=(Text(markdown=escape(bomb)), table, Text(markdown=f"`{bomb}`")))
    await workspace.chat.send(workspace.place(), message, key="k")
    [posted] = workspace.general.said
    assert not posted.pings
    assert not workspace.fake.pinged
    assert "<!channel>" in posted.words  # and it reads as it was written


async def test_a_message_that_somebody_deleted_cannot_be_edited_and_that_is_told(workspace):
    ref = MessageRef(platform="slack", channel=workspace.general.id, id="1.000001")
    from bot.kit.outbox import Undeliverable

    with pytest.raises(Undeliverable, match="deleted"):
        await workspace.chat.edit(ref, said("x"))


@pytest.fixture
def at_ease(workspace, monkeypatch):
    """The workspace, taking several messages a second; the courier has been at work for a while."""
    monkeypatch.setattr(workspace.chat.sending._gate, "_every", 0.0)
    workspace.bot.courier._started = workspace.bot.clock.moment
    workspace.bot.clock.moment += timedelta(minutes=1)
    return workspace


def standing(channel):
    return [m for m in channel.said if not m.deleted]


LONG = " ".join(f"word{i}" for i in range(3_000))


async def again(workspace):
    workspace.bot.clock.moment += timedelta(minutes=5)
    await workspace.bot.courier.round()
    assert not (await row(workspace.bot)).waiting


def fail_at(workspace, monkeypatch, call):
    """Let the *call*-th message that is posted come too fast."""
    post, calls = workspace.chat.sending._post, 0

    async def counted(*args, **more):
        nonlocal calls
        calls += 1
        if calls == call:
            workspace.fake.storm("chat.postMessage")
        return await post(*args, **more)

    monkeypatch.setattr(workspace.chat.sending, "_post", counted)


@pytest.mark.parametrize("part", [1, 2, 3])
async def test_a_long_message_that_broke_off_goes_on_where_it_was(at_ease, monkeypatch, part):
    fail_at(at_ease, monkeypatch, part)
    await at_ease.put(at_ease.place(), LONG)
    await at_ease.bot.courier.round()
    assert len(at_ease.general.said) == part - 1
    looked = len(at_ease.fake.calls("conversations.history"))
    await again(at_ease)
    assert "".join(m.words for m in at_ease.general.said).split() == LONG.split()
    assert (await row(at_ease.bot)).ref["id"] == ",".join(m.ts for m in at_ease.general.said)
    assert len(at_ease.fake.calls("conversations.history")) - looked == (part > 1)


async def test_what_broke_off_and_became_shorter_leaves_no_part_behind(at_ease, monkeypatch):
    fail_at(at_ease, monkeypatch, 3)
    await at_ease.put(at_ease.place(), LONG)
    await at_ease.bot.courier.round()
    await at_ease.put(at_ease.place(), "Short now")
    await again(at_ease)
    assert [m.words.strip() for m in standing(at_ease.general)] == ["Short now"]


async def test_an_edit_that_became_longer_and_broke_off_goes_on_where_it_was(at_ease, monkeypatch):
    await at_ease.put(at_ease.place(), "Short")
    await at_ease.bot.courier.round()
    fail_at(at_ease, monkeypatch, 2)
    await at_ease.put(at_ease.place(), LONG)
    await at_ease.bot.courier.round()
    assert len(at_ease.general.said) == 2
    await again(at_ease)
    assert "".join(m.words for m in at_ease.general.said).split() == LONG.split()


@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "files.completeUploadExternal"])
async def test_files_whose_sharing_broke_off_are_shared_once(at_ease, step):
    files = at_ease.bot.files
    pages = [await files.add(f"<p>{n}</p>".encode() * (n + 1)) for n in range(2)]
    message = Message(
        blocks=(
            Text(markdown="# Result"),
            *(
                File(sha256=page.sha256, name=f"report{n}.html", label="A report")
                for n, page in enumerate(pages)
            ),
        )
    )
    await at_ease.bot.core.post(at_ease.place(), message, key="k")
    at_ease.chat.sending._pictures.offer = _once_broken(at_ease, step)
    await at_ease.bot.courier.round()
    assert len(at_ease.general.said) == 2
    await again(at_ease)
    card, *shared = at_ease.general.said
    assert [f.name for m in shared for f in m.files] == ["report0.html", "report1.html"]
    assert {m.thread_ts for m in shared} == {card.ts}


def _once_broken(workspace, step):
    """Share the first file, and let Slack say "too fast" in the middle of the second."""
    offer, calls = workspace.chat.sending._pictures.offer, 0

    async def counted(*args):
        nonlocal calls
        calls += 1
        if calls == 2:
            workspace.fake.storm(step)
        await offer(*args)

    return counted


@pytest.mark.parametrize("status", [502, 503])
async def test_an_outage_of_slack_gives_nothing_up(at_ease, status):
    at_ease.fake.break_down("chat.postMessage", 15, status)
    await at_ease.put(at_ease.place())
    for _ in range(15):
        at_ease.bot.clock.moment += timedelta(minutes=5)
        await at_ease.bot.courier.round()
    assert at_ease.general.said == []
    await again(at_ease)
    assert len(at_ease.general.said) == 1


async def test_a_room_for_everybody_is_a_thread_and_one_for_a_few_a_conversation(at_ease):
    workspace = at_ease
    open_to_all = workspace.place(room=Room(name="Circle Blue"))
    ref = await workspace.chat.send(open_to_all, said("Welcome"), key="circle")
    assert ref.room == workspace.place(thread=workspace.general.last.ts)
    bo = workspace.fake.person("Bo")
    people = (workspace.ada.id, bo.id)
    few = workspace.place(room=Room(name="Ada and Bo", people=people))
    ref = await workspace.chat.send(few, said("You two meet"), key="pair")
    await workspace.chat.send(ref.room, said("Did you meet?"), key="later")
    assert ref.channel != workspace.general.id
    talk = next(m.channel for m in workspace.fake.messages if "You two meet" in m.words)
    assert [m.words.strip() for m in talk.said] == ["You two meet", "Did you meet?"]
    assert "You two meet" not in [m.words.strip() for m in workspace.general.said]
