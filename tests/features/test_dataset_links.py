"""Datasets that come by upload link: looked through as if attached, and deleted when that is done."""

import pytest
from sqlalchemy import select

from bot.community.models import Account, Member
from bot.kit.message import File, Image
from bot.kit.uploads import UploadLink
from runner.errands import Made
from tests.features.sending import ask, piece, pieces, send
from tests.runner import messy

LINE = "/dataset link"


@pytest.fixture
def pets(tmp_path):
    return messy.zipped(tmp_path / "pets.zip", messy.messy_folders()).read_bytes()


@pytest.fixture
def glance(desk):
    """A desk that has looked as soon as it is asked: for tests of what becomes of the file."""
    desk.says["dataset"] = Made(artifacts=(), words="All is well.")


async def hash_of_sent(chat):
    async with chat.core.database.read() as session:
        return (await session.scalars(select(UploadLink.sha256).distinct())).one()


async def reports(chat, who="@ada"):
    await chat.deliver()
    return [said for said in chat.to(who) if said.key.startswith("dataset:")]


async def test_a_dataset_by_link_is_looked_through_as_if_it_had_been_attached(links, client, pets):
    url = await ask(links, line=LINE, channel="general")
    _, page, _ = await send(client, "GET", url)
    assert "Send a dataset to look through" in page
    assert "Up to 500" in page
    assert (await piece(client, url, 0, pets[:1000], len(pets)))[0] == 204
    assert (await piece(client, url, 1000, pets[1000:], len(pets)))[0] == 204
    [said] = await reports(links)
    assert not said.message.failed
    assert said.message.private
    assert "modèle.onnx" in said.text  # what the client called it
    assert "nearly the same image again, in two splits" in said.text
    assert {type(block) for block in said.message.blocks} >= {Image, File}
    [told] = [s for s in links.room.said.values() if s.key.startswith("upload:")]
    assert (told.place.private_to, told.message.private) == ("ada", True)
    assert pieces(links) == []
    assert (await send(client, "PUT", f"{url}pets.zip", pets))[0] == 409


async def test_what_is_no_dataset_is_said_in_the_report(links, client):
    url = await ask(links, line=LINE)
    assert (await send(client, "PUT", f"{url}model.onnx", b"\x08\x08" + bytes(100)))[0] == 201
    [said] = await reports(links)
    assert said.message.failed
    assert "cannot be unpacked" in said.text


async def test_what_is_too_large_for_a_look_is_refused_before_it_is_sent(links, client):
    url = await ask(links, line=LINE)
    status, said, _ = await piece(client, url, 0, b"PK", 500_000_001)
    assert (status, "at most 500 MB" in said) == (413, True)


async def ends(chat, who):
    """What a member was given has had its day, and is cleared away."""
    async with chat.core.work("kit") as work:
        rows = await work.session.scalars(select(UploadLink).filter_by(handle=who))
        for row in rows.all():
            row.expires_at = work.now
    await chat.wait(minutes=11)


async def test_an_archive_is_deleted_when_the_last_link_that_brought_it_ends(
    links, client, pets, glance
):
    for who in ("ada", "bob"):
        await send(client, "PUT", f"{await ask(links, who, LINE)}pets.zip", pets)
        await reports(links)
    path = links.core.services.files.path(await hash_of_sent(links))
    await ends(links, "ada")
    assert path.exists(), "bob's link is good for some hours more"
    await ends(links, "bob")
    assert not path.exists()


async def test_an_archive_that_something_else_names_stays(links, client, pets, glance):
    await send(client, "PUT", f"{await ask(links, line=LINE)}pets.zip", pets)
    await reports(links)
    sha256 = await hash_of_sent(links)
    async with links.core.work("kit") as work:
        row = (await work.session.scalars(select(Member).limit(1))).one()
        row.name = sha256
    await ends(links, "ada")
    assert links.core.services.files.path(sha256).exists()


async def test_a_bot_that_died_before_it_noted_the_end_sends_one_report(
    links, client, bot, pets, glance
):
    await send(client, "PUT", f"{await ask(links, line=LINE)}pets.zip", pets)
    async with bot.database.write() as session:
        (await session.scalars(select(UploadLink))).one().used_at = None
    await bot.uploads.ends.finish_all()
    assert len(await reports(links)) == 1


async def test_a_day_has_room_for_five(links, client, glance):
    for number in range(5):
        url = await ask(links, line=LINE)
        assert (await send(client, "PUT", f"{url}a.zip", b"PK%d" % number))[0] == 201
    answer = await links.say("ada", LINE)
    assert answer.code == "E_LINKS"
    assert "bookwiz-runner dataset check" in answer.message.plain().replace("\\", "")
    await ends(links, "ada")
    await ask(links, line=LINE)


async def test_somebody_who_left_sends_no_dataset(links, client, bot, pets):
    url = await ask(links, line=LINE)
    async with bot.database.write() as session:
        member = await session.scalar(select(Member).join(Account).where(Account.handle == "ada"))
        member.left_at = links.now
    status, words, _ = await send(client, "PUT", f"{url}pets.zip", pets)
    assert (status, "no longer a member" in words) == (422, True)
