"""Files for runners elsewhere: what a link opens, and that it opens nothing else."""

import asyncio
import errno
import hashlib
import os
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import aiohttp
import pytest

from bot.app import Bot
from bot.config import Settings
from bot.kit.links import secret_in
from bot.kit.received import Received
from bot.web.files import HASH_HEADER
from tests.jobs.files import KEY, serving

DATA = b"a model" * 1000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
async def server(tmp_path):
    async with serving(tmp_path) as server:
        await server.store.add(DATA)
        server.dataset(KEY, "board", b"images")
        (server.datasets / KEY / "labels").mkdir()
        (server.datasets / KEY / "labels" / "board.npy").write_bytes(b"secret")
        yield server


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as client:
        yield client


async def get(client, url, method="GET", **more):
    async with client.request(method, url, **more) as response:
        return response.status, await response.read(), response.headers


async def put(client, url, data, *, sha256=None, **headers):
    headers = {HASH_HEADER: sha256 or hashlib.sha256(data).hexdigest(), **headers}
    return await get(client, url, "PUT", data=data, headers=headers)


def changed(url, **query):
    parts = urlsplit(url)
    known = {k: v[0] for k, v in parse_qs(parts.query).items()}
    return urlunsplit(parts._replace(query=urlencode(known | query)))


async def test_a_link_gives_the_file_it_names_and_no_browser_runs_it(server, client):
    status, body, headers = await get(client, server.links.file(SHA, attempt="a:1"))
    assert (status, body) == (200, DATA)
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == "attachment"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in headers["Cache-Control"]
    status, body, _ = await get(client, server.links.images(KEY, "board", attempt="a:1"))
    assert (status, body) == (200, b"images")


async def test_the_rest_of_a_file_can_be_asked_for(server, client):
    link = server.links.file(SHA, attempt="a:1")
    status, body, headers = await get(client, link, headers={"Range": "bytes=6990-"})
    assert (status, body) == (206, DATA[6990:])
    assert headers["Content-Range"] == f"bytes 6990-6999/{len(DATA)}"
    assert (await get(client, link, headers={"Range": "bytes=9000-"}))[0] == 416


@pytest.mark.parametrize(
    "change",
    [
        {"attempt": "a:2"},
        {"attempt": "b:1"},
        {"expires": "99999999999"},
        {"signature": "0" * 64},
        {"signature": "é"},
        {"more": "1"},
    ],
)
async def test_a_link_that_was_changed_opens_nothing(server, client, change):
    for method, link in (
        ("GET", server.links.file(SHA, attempt="a:1")),
        ("GET", server.links.images(KEY, "board", attempt="a:1")),
        ("PUT", server.links.made(attempt="a:1")),
    ):
        headers = {HASH_HEADER: SHA}
        status, body, _ = await get(client, changed(link, **change), method, headers=headers)
        assert (status, b"E_LINK" in body) == (403, True)
    assert server.received.of("a:1") == server.received.of("b:1") == {}


async def test_a_link_opens_one_path_by_one_method(server, client):
    other = (await server.store.add(b"another model")).sha256
    link = server.links.file(SHA, attempt="a:1")
    assert (await get(client, link.replace(SHA, other)))[0] == 403
    assert (await get(client, link, "HEAD"))[0] == 405
    assert (await get(client, link, "PUT"))[0] == 405
    images = server.links.images(KEY, "board", attempt="a:1")
    assert (await get(client, images.replace("board", "shadow")))[0] == 403
    assert (await get(client, server.links.made(attempt="a:1")))[0] == 405


@pytest.mark.parametrize(
    "path",
    [
        "/runner/files/",
        "/runner/files/..%2f..%2fdatasets",
        f"/runner/images/{KEY}/labels.npy",
        f"/runner/images/{KEY}/..%2flabels%2fboard.npy",
        f"/runner/images/{KEY}/train.npy",
        "/runner/images/../board.npy",
        f"/runner/images/{KEY}/board.json",
        "/runner/",
        "/runner/files",
    ],
)
async def test_there_is_no_other_path_even_with_a_signature(server, client, path):
    signed = server.links._signed("GET", path, "a:1", timedelta(hours=1))
    assert (await get(client, signed))[0] == 404


async def test_an_expired_link_says_so(server, client):
    given = {"attempt": "a:1", "lasts": timedelta(hours=1)}
    link, made = server.links.file(SHA, **given), server.links.made(**given)
    server.later(minutes=59)
    assert (await get(client, link))[0] == 200
    server.later(minutes=1)
    for status, body, _ in (await get(client, link), await put(client, made, b"late")):
        assert (status, b"E_LINK_EXPIRED" in body) == (410, True)


async def test_what_a_runner_made_is_kept_under_its_own_hash_and_noted_for_its_attempt(
    server, client
):
    made = hashlib.sha256(b"made").hexdigest()
    status, _, _ = await put(client, server.links.made(attempt="a:1"), b"made")
    assert status == 201
    assert server.store.path(made).read_bytes() == b"made"
    assert server.received.of("a:1") == {made: 4}
    assert server.received.of("a:2") == {}


async def test_another_file_than_was_announced_is_not_kept(server, client):
    status, body, _ = await put(client, server.links.made(attempt="a:1"), b"lie", sha256=SHA[::-1])
    assert (status, b"E_HASH" in body) == (422, True)
    assert not server.store.path(hashlib.sha256(b"lie").hexdigest()).exists()
    assert server.received.of("a:1") == {}


async def test_all_that_an_attempt_sends_shares_one_cap(tmp_path, client):
    async with serving(tmp_path, cap=1000) as server:
        link = server.links.made(attempt="a:1")
        assert (await put(client, link, bytes(600)))[0] == 201
        assert (await put(client, link, b"x" * 600))[0] == 413
        assert (await put(client, link, b"x" * 400))[0] == 201
        assert (await put(client, server.links.made(attempt="a:2"), b"y" * 600))[0] == 201
        assert list((tmp_path / "files" / "incoming").iterdir()) == []


async def test_a_file_without_a_length_or_a_hash_is_not_taken(server, client):
    async def endless():
        yield b"some"

    link = server.links.made(attempt="a:1")
    assert (await get(client, link, "PUT", data=endless(), headers={HASH_HEADER: SHA}))[0] == 411
    assert (await get(client, link, "PUT", data=b"x"))[0] == 411


async def test_a_full_disk_is_told_and_nothing_half_is_kept(server, client, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, body, _ = await put(client, server.links.made(attempt="a:1"), b"made")
    assert (status, b"No space is left" in body) == (507, True)
    assert list((server.store.root / "incoming").iterdir()) == []
    assert server.received.of("a:1") == {}


async def test_an_upload_that_breaks_off_leaves_nothing(server):
    link = urlsplit(server.links.made(attempt="a:1"))
    _, writer = await asyncio.open_connection("127.0.0.1", link.port)
    head = (
        f"PUT {link.path}?{link.query} HTTP/1.1\r\nHost: x\r\n{HASH_HEADER}: {SHA}\r\n"
        f"Content-Length: {len(DATA)}\r\n\r\n"
    )
    writer.write(head.encode() + DATA[:100])
    await writer.drain()
    incoming = server.store.root / "incoming"
    while not list(incoming.iterdir()):
        await asyncio.sleep(0.01)
    writer.close()
    while list(incoming.iterdir()):
        await asyncio.sleep(0.01)
    assert server.received.of("a:1") == {}


async def test_a_runner_that_holds_on_without_sending_is_sent_away(tmp_path, client):
    """It would keep the other files of its attempt waiting, and a connection of ours for ever."""

    async def drip():
        while True:
            yield b"x"
            await asyncio.sleep(0.05)

    async with serving(tmp_path, patience_seconds=0.4) as server, asyncio.timeout(10):
        link, headers = server.links.made(attempt="a:1"), {HASH_HEADER: SHA}
        dripping = get(
            client, link, "PUT", data=drip(), headers=headers | {"Content-Length": "100000"}
        )
        (status, body, _), (then, _, _) = await asyncio.gather(dripping, later(client, link))
        assert (status, b"E_SLOW" in body, then) == (408, True, 201)
        assert list((server.store.root / "incoming").iterdir()) == []


async def later(client, link):
    await asyncio.sleep(0.1)
    return await put(client, link, b"made")


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path):
    secret = secret_in(tmp_path / "new")
    assert secret == secret_in(tmp_path / "new")
    [file] = (tmp_path / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret_in(tmp_path / "other") != secret


def test_a_secret_that_others_can_read_or_that_was_cut_is_refused(tmp_path):
    secret_in(tmp_path)
    [file] = tmp_path.iterdir()
    file.chmod(0o640)
    with pytest.raises(PermissionError, match="others can read"):
        secret_in(tmp_path)
    file.chmod(0o600)
    file.write_bytes(b"short")
    with pytest.raises(ValueError, match="5 bytes"):
        secret_in(tmp_path)


def test_what_was_received_is_forgotten_long_after(tmp_path):

    received = Received(tmp_path / "received")
    received.note("a:1", SHA, 1)
    received.note("b:1", SHA, 1)
    os.utime(tmp_path / "received" / "a.1", (0, 0))
    received.clear()
    assert (received.of("a:1"), received.of("b:1")) == ({}, {SHA: 1})
    for wrong in ("..:1", "a/b:1", "a", ""):
        with pytest.raises(KeyError):
            received.note(wrong, SHA, 1)


def test_runners_are_sent_where_they_reach_the_bot(tmp_path):
    settings = Settings(
        _env_file=None,
        data=tmp_path,
        web={"port": 0, "public_url": "https://public", "runner_url": "http://bot:8080/"},
    )
    links = Bot(settings).core.services.links
    assert links.file(SHA, attempt="a:1").startswith(f"http://bot:8080/runner/files/{SHA}?")
