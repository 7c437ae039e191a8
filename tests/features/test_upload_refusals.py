"""What an upload link does not take, from whom not, and that it opens nothing else."""

import asyncio
import errno
import hashlib
import io
import logging
import os
import shutil
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, select

from bot.community.members import set_setting
from bot.community.models import Account, Member
from bot.features.leaderboards.models import Benchmark
from bot.kit import log, partial
from bot.kit.references import is_named
from bot.kit.uploads import UploadLink
from bot.web import upload_ends
from bot.web import uploads as web_uploads
from tests.features.boards import MODEL, submit
from tests.features.sending import (
    BIG,
    ask,
    kept,
    piece,
    pieces,
    send,
    submissions,
)

PICKLE = b"\x80\x04" + bytes(50_000)


async def test_a_refused_file_leaves_the_link_good_for_another(links, client):
    url = await ask(links)
    status, words, _ = await send(client, "PUT", f"{url}m.pt", PICKLE)
    assert (status, "pickle" in words, "Code:" in words) == (422, True, True)
    await links.deliver()
    [told] = [s for s in links.room.said.values() if s.key.startswith("upload:")]
    assert told.message.failed
    assert (pieces(links), kept(links)) == ([], [])
    assert (await send(client, "PUT", f"{url}m.onnx", BIG))[0] == 201


async def test_a_no_to_curl_gives_its_code_once_and_ends_its_sentences_once(links, client):
    _, words, _ = await send(client, "PUT", f"{await ask(links)}m.pt", PICKLE)
    assert words.count("E_") == 1
    url = await ask(links)
    assert (await send(client, "PUT", f"{url}m.onnx", BIG))[0] == 201
    _, words, _ = await send(client, "PUT", f"{url}m.onnx", BIG)
    assert (words.count("E_LINK_USED"), ".." in words) == (1, False)
    assert "\\" not in words


async def test_a_refused_file_that_was_there_before_stays(links, client):
    """Somebody else may have sent it to the chat, and be about to say what it is for."""
    await links.upload("m.pt", PICKLE)
    assert (await send(client, "PUT", f"{await ask(links)}m.pt", PICKLE))[0] == 422
    assert len(kept(links)) == 1


async def test_a_refused_file_that_comes_again_meanwhile_stays(links, client, monkeypatch):
    async def sent_again(session, sha256):
        await links.upload("m.pt", PICKLE)
        return await is_named(session, sha256)

    monkeypatch.setattr(upload_ends, "is_named", sent_again)
    assert (await send(client, "PUT", f"{await ask(links)}m.pt", PICKLE))[0] == 422
    assert len(kept(links)) == 1


async def test_a_refused_file_that_a_row_names_stays(links, client):
    """It had been lost, and came back."""
    async with links.core.work("tests") as work:
        await set_setting(work.session, 1, "somewhere", hashlib.sha256(PICKLE).hexdigest())
    assert (await send(client, "PUT", f"{await ask(links)}m.pt", PICKLE))[0] == 422
    assert len(kept(links)) == 1


async def test_what_is_too_large_is_refused_before_it_is_sent(links, client, bot):
    async with bot.database.write() as session:
        row = (await session.scalars(select(Benchmark))).one()
        row.limits = {**row.limits, "model_mb": 1}
    url = await ask(links)

    async def never():
        raise AssertionError("it was sent all the same")
        yield b""

    async with client.put(
        f"{url}m", data=never(), headers={"Content-Length": "1000001"}, expect100=True
    ) as response:
        assert (response.status, "at most 1 MB" in await response.text()) == (413, True)
    status, said, _ = await piece(client, url, 0, b"x", 1_000_001)
    assert (status, "E_TOO_LARGE" in said) == (413, True)
    # and what says less than it sends
    status, said, _ = await piece(client, url, 0, bytes(2000), 1000)
    assert (status, pieces(links)) == (409, [])


async def test_an_expired_link_and_what_came_by_it_are_swept(links, client):
    url = await ask(links)
    await piece(client, url, 0, BIG[:1000], len(BIG))
    assert len(pieces(links)) == 1
    await links.wait(hours=25)
    assert pieces(links) == []
    for method, at in (("PUT", f"{url}m"), ("HEAD", url), ("GET", url), ("GET", f"{url}state")):
        assert (await send(client, method, at, b"x" if method == "PUT" else None))[0] == 410
    async with links.core.database.read() as session:
        assert (await session.scalars(select(UploadLink))).all() == []


async def test_a_newer_link_for_the_same_takes_the_place_of_the_older(links, client):
    old, new = await ask(links), await ask(links)
    status, words, _ = await send(client, "PUT", f"{old}m", MODEL)
    assert (status, "newer one" in words) == (404, True)
    assert (await send(client, "PUT", f"{new}m", MODEL))[0] == 201


async def test_nothing_but_what_was_signed_opens_anything(links, client):
    url = await ask(links)
    key, expires, signature = urlsplit(url).path.strip("/").split("/")[1:]
    base = url.split("/upload/")[0] + "/upload"
    for path in (
        f"{key}/{int(expires) + 1}/{signature}/",
        f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}/{expires}/{signature}/",
        f"{key}/{expires}/{'0' * 64}/",
        f"{key}/{expires}/é/",
        f"..%2f{key}/{expires}/{signature}/",
    ):
        assert (await send(client, "PUT", f"{base}/{path}", MODEL))[0] == 404, path
    for name in ("..%2f..%2fevil", "%2e%2e%5cevil", "a%00b"):
        again = await ask(links, who=f"who{len(name)}")
        assert (await send(client, "PUT", f"{again}{name}", MODEL + name.encode()))[0] == 201
    assert {row.file_name for row in await submissions(links)} == {"evil", "ab"}
    assert not (links.core.services.data / "evil").exists()


async def test_somebody_who_left_and_a_benchmark_that_froze_are_refused(links, client, bot):
    ada, bob = await ask(links, "ada"), await ask(links, "bob")
    async with bot.database.write() as session:
        member = await session.scalar(select(Member).join(Account).where(Account.handle == "ada"))
        member.left_at = links.now
    status, words, _ = await send(client, "PUT", f"{ada}m", MODEL)
    assert (status, "no longer a member" in words) == (422, True)
    async with bot.database.write() as session:
        (await session.scalars(select(Benchmark))).one().frozen_at = links.now
    status, words, _ = await send(client, "PUT", f"{bob}m", MODEL)
    assert (status, "takes no more models" in words) == (422, True)
    assert await submissions(links) == []


async def test_somebody_who_was_deleted_does_not_come_back_by_a_link(links, client, bot):
    url = await ask(links)
    async with bot.database.write() as session:
        await session.execute(delete(Account).where(Account.handle == "ada"))
    assert (await send(client, "PUT", f"{url}m", MODEL))[0] == 422
    async with bot.database.read() as session:
        assert await session.scalar(select(Account).filter_by(handle="ada")) is None


async def test_a_used_up_day_is_said_before_anything_is_sent(links, client):
    url = await ask(links)
    for byte in range(2):
        await submit(links, data=MODEL + bytes([byte]))
    status, said, _ = await piece(client, url, 0, BIG[:1000], len(BIG))
    assert (status, "E_QUOTA" in said, pieces(links)) == (422, True, [])
    answer = await links.say("ada", "/model link benchmark:digits")
    assert answer.code == "E_QUOTA"


async def test_a_member_holds_a_few_links_only(links, bot):
    for number in range(4):
        async with bot.core.work("leaderboards") as work:
            first = (await work.session.scalars(select(Benchmark).limit(1))).one()
            work.session.add(
                Benchmark(
                    **{
                        c.key: getattr(first, c.key)
                        for c in Benchmark.__table__.columns
                        if c.key not in {"id", "name", "title"}
                    },
                    name=f"digits-{number}",
                    title=f"Digits {number}",
                )
            )
    for number in range(3):
        await ask(links, line=f"/model link benchmark:digits-{number}")
    answer = await links.say("ada", "/model link benchmark:digits-3")
    assert answer.code == "E_LINKS"
    await ask(links, line="/model link benchmark:digits-2")


async def test_who_sends_next_to_nothing_is_sent_away(links, client, bot):
    bot.uploads._patience = 0.4
    url = await ask(links)

    async def drip():
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    async with asyncio.timeout(10):
        async with client.put(
            f"{url}m", data=drip(), headers={"Content-Length": "100000"}
        ) as response:
            assert (response.status, "E_SLOW" in await response.text()) == (408, True)
    assert int((await send(client, "GET", f"{url}offset"))[1]) > 0


async def test_a_full_disk_is_said_and_nothing_is_kept(links, client, monkeypatch):
    """The one thing that cannot be had for real here without root: a write that finds no space."""
    url = await ask(links)
    written, write = [], os.write

    def full(descriptor, data):
        if sum(written) > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(write(descriptor, data))
        return written[-1]

    with monkeypatch.context() as patch:
        patch.setattr(partial.os, "write", full)
        status, words, _ = await send(client, "PUT", f"{url}m", BIG)
    assert (status, "disk is full" in words) == (507, True)
    assert pieces(links) == []
    with monkeypatch.context() as patch:
        usage = shutil.disk_usage("/")._replace(free=100)
        patch.setattr(partial.shutil, "disk_usage", lambda _path: usage)
        assert (await send(client, "PUT", f"{url}m", BIG))[0] == 507
    assert (await send(client, "PUT", f"{url}m", BIG))[0] == 201


async def test_two_files_that_do_not_fit_together_are_not_both_begun(links, client, monkeypatch):
    first, second = await ask(links, "ada"), await ask(links, "bob")
    free = web_uploads._RESERVE_BYTES + len(BIG) + 1_000_000
    usage = shutil.disk_usage("/")._replace(free=free)
    monkeypatch.setattr(partial.shutil, "disk_usage", lambda _path: usage)
    go_on = asyncio.Event()

    async def slowly():
        yield BIG[:1000]
        await go_on.wait()
        yield BIG[1000:]

    sending = asyncio.create_task(
        send(client, "PUT", f"{first}m", slowly(), Content_Length=len(BIG))
    )
    async with asyncio.timeout(10):
        while not pieces(links):
            await asyncio.sleep(0.01)
    status, words, _ = await send(client, "PUT", f"{second}m", BIG + b"x")
    assert (status, "disk is full" in words, len(pieces(links))) == (507, True, 1)
    go_on.set()
    assert (await sending)[0] == 201
    assert (await send(client, "PUT", f"{second}m", BIG + b"x"))[0] == 201


async def test_another_web_page_can_send_nothing(links, client):
    url = await ask(links)
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await send(client, "PUT", f"{url}m", MODEL, **headers))[0] == 403
    assert (await send(client, "OPTIONS", url))[0] == 405
    origin = "https://" + urlsplit(url).netloc  # as behind a proxy that speaks TLS
    assert (await send(client, "PUT", f"{url}m", MODEL, Origin=origin))[0] == 201


async def test_the_page_runs_one_script_and_tells_nobody_where_it_is(links, client):
    status, page, headers = await send(client, "GET", await ask(links))
    assert (status, "Send a model for Digits" in page, "curl -T FILE" in page) == (
        200,
        True,
        True,
    )
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")


@pytest.fixture
def logged():
    """Everything that is logged while the test runs, however unimportant."""
    out, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log.set_up("debug", "json")
    root.handlers[0].setStream(out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_no_log_holds_an_address(links, client, logged, monkeypatch):
    url = await ask(links)
    key = urlsplit(url).path.split("/")[2]

    async def broken(_session, _key):
        raise RuntimeError(url)

    await send(client, "PUT", f"{url}m", b"\x80\x04" + bytes(100))
    monkeypatch.setattr(web_uploads, "find", broken)
    assert (await send(client, "PUT", f"{url}m", MODEL))[0] == 500
    said = logged.getvalue()
    assert "web.failed" in said
    assert key not in said
    shown = log.redact(None, "", {"url": url})["url"]
    assert shown == url.split("/upload/")[0] + "/upload/[secret]"


async def test_what_the_chat_cannot_take_is_sent_to_the_link(links, client, bot):
    bot.files.cap = 1000
    headers = {"X-Bookwiz": "1"}
    async with client.post(
        f"{bot.web.url}/api/uploads?name=m.onnx", data=bytes(2000), headers=headers
    ) as response:
        assert response.status == 413
        assert "/model link" in (await response.json())["fix"]
    url = await ask(links)
    assert (await send(client, "PUT", f"{url}m", BIG))[0] == 201
