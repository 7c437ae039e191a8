"""Models that come by upload link, through the real server: whole, in pieces, after a cut."""

import asyncio
import hashlib
import os
import shutil
import subprocess

import pytest
from sqlalchemy import select

from bot.kit.uploads import UploadLink
from tests.features.boards import MODEL, given, scored, submit
from tests.features.sending import (
    BIG,
    TUS,
    ask,
    cut_off,
    piece,
    pieces,
    send,
    submissions,
)


async def test_what_is_put_goes_on_as_if_it_had_been_attached(links, client):
    url = await ask(links, line="/model link benchmark:digits notes:deeper", channel="results")
    status, words, _ = await send(client, "PUT", f"{url}my%20model.onnx", BIG)
    assert status == 201
    assert words.startswith("Taken. Submission ")
    [row] = await submissions(links)
    assert (row.file_name, row.size, row.notes) == ("my model.onnx", len(BIG), "deeper")
    assert row.sha256 == hashlib.sha256(BIG).hexdigest()
    assert links.core.services.files.path(row.sha256).read_bytes() == BIG
    await links.deliver()
    await links.engine.report(scored(given(links), 0.93))
    await links.deliver()
    card = links.room.said[f"submission:{row.id}"]
    assert card.place.channel == "results"
    assert "93.0 %" in card.text
    [told] = [s for s in links.room.said.values() if s.key.startswith("upload:")]
    assert (told.place.private_to, told.message.private) == ("ada", True)
    assert pieces(links) == []


async def test_after_a_cut_the_rest_is_enough(links, client):
    url = await ask(links)
    await cut_off(url, BIG[:1_000_000], total=len(BIG))
    _, said, _ = await send(client, "GET", f"{url}offset")
    come = int(said)
    assert 0 < come <= 1_000_000
    _, _, headers = await send(client, "HEAD", url)
    assert (headers["Upload-Offset"], headers["Upload-Length"]) == (str(come), str(len(BIG)))
    rest = f"bytes {come}-{len(BIG) - 1}/{len(BIG)}"
    status, _, _ = await send(client, "PUT", f"{url}model.onnx", BIG[come:], Content_Range=rest)
    assert status == 201
    [row] = await submissions(links)
    assert row.sha256 == hashlib.sha256(BIG).hexdigest()


async def test_a_restart_in_between_loses_nothing_that_came(links, client, bot):
    url = await ask(links)
    assert (await piece(client, url, 0, BIG[:900_000], len(BIG)))[0] == 204
    bot.files.clear_incoming()
    bot.uploads._partial._digests.clear()  # what only the old process knew
    status, _, headers = await piece(client, url, 900_000, BIG[900_000:], len(BIG))
    assert (status, headers["Upload-Offset"]) == (204, str(len(BIG)))
    [row] = await submissions(links)
    assert (row.sha256, row.file_name) == (hashlib.sha256(BIG).hexdigest(), "modèle.onnx")


async def test_what_was_whole_when_the_bot_died_is_finished_at_its_start(links, client, bot):
    url = await ask(links)
    await piece(client, url, 0, BIG[:-1], len(BIG))
    [path] = pieces(links)
    with path.open("ab") as file:
        file.write(BIG[-1:])
    async with bot.database.write() as session:
        row = (await session.scalars(select(UploadLink))).one()
        row.sha256 = hashlib.sha256(BIG).hexdigest()
    await bot.uploads.ends.finish_all()
    await bot.uploads.ends.finish_all()
    assert len(await submissions(links)) == 1
    assert '"used": true' in (await send(client, "GET", f"{url}state"))[1]


async def test_a_piece_that_does_not_fit_is_refused_and_says_where_to_go_on(links, client):
    url = await ask(links)
    await piece(client, url, 0, BIG[:1000], len(BIG))
    for offset, total in ((0, len(BIG)), (2000, len(BIG)), (1000, 5000)):
        status, said, _ = await piece(client, url, offset, b"x" * 10, total)
        assert (status, "E_OFFSET" in said) == (409, True)
    assert (await send(client, "GET", f"{url}offset"))[1] == "1000\n"
    assert (await send(client, "PATCH", url, b"x", **TUS, Upload_Offset=1000))[0] == 415
    assert (await send(client, "PATCH", url, b"x", Upload_Offset=1000))[0] == 412
    bad = await send(client, "PUT", f"{url}m", b"xy", Content_Range="bytes 1000-1000/2000")
    assert (bad[0], "E_OFFSET" in bad[1]) == (409, True)


async def test_a_link_takes_one_model(links, client):
    url = await ask(links)
    await send(client, "PUT", f"{url}model.onnx", BIG)
    for answer in (
        await send(client, "PUT", f"{url}model.onnx", MODEL),
        await piece(client, url, 0, MODEL, len(MODEL)),
    ):
        assert (answer[0], "E_LINK_USED" in answer[1]) == (409, True)
    assert len(await submissions(links)) == 1
    assert "This link was used" in (await send(client, "GET", url))[1]


async def test_two_at_once_submit_once(links, client):
    url = await ask(links)

    answered = asyncio.Event()

    async def held():
        yield BIG[:500_000]
        await answered.wait()
        yield BIG[500_000:]

    first = asyncio.create_task(
        send(client, "PUT", f"{url}a.onnx", held(), Content_Length=len(BIG))
    )
    while not pieces(links):
        await asyncio.sleep(0.01)
    second = await send(client, "PUT", f"{url}b.onnx", BIG)
    answered.set()
    assert (second[0], "E_BUSY" in second[1]) == (423, True)
    assert (await first)[0] == 201
    [row] = await submissions(links)
    assert row.file_name == "a.onnx"


async def test_the_same_model_has_the_same_answer(links, client):
    await submit(links, data=BIG)
    [before] = await submissions(links)
    status, words, _ = await send(client, "PUT", f"{await ask(links)}model.onnx", BIG)
    assert (status, before.id in words, "very file before" in words) == (201, True, True)
    assert len(await submissions(links)) == 1


@pytest.mark.slow
async def test_a_large_file_takes_little_memory(links, client):
    psutil = pytest.importorskip("psutil")
    url = await ask(links)
    block = os.urandom(1 << 20)
    here, most = psutil.Process(), 0
    before = here.memory_info().rss

    async def chunks():
        nonlocal most
        yield MODEL
        for _ in range(180):
            yield block
            most = max(most, here.memory_info().rss)

    total = len(MODEL) + 180 * len(block)
    status, _, _ = await send(client, "PUT", f"{url}m", chunks(), Content_Length=total)
    assert status == 201
    assert most - before < 30_000_000  # of which much is the client's


async def test_curl_sends_a_model_and_then_the_rest_of_another(links, client, tmp_path):
    curl = shutil.which("curl")
    assert curl, "curl is what members are told to use: install it to test that"
    model = tmp_path / "my net.onnx"
    model.write_bytes(BIG)

    async def run(*words):
        done = await asyncio.to_thread(
            subprocess.run, [curl, "-sS", "--noproxy", "*", *words], capture_output=True, check=True
        )
        return done.stdout.decode()

    url = await ask(links)
    assert "Taken. Submission" in await run("-T", str(model), url)
    url = await ask(links, "bob")
    await cut_off(url, BIG[:700_000], total=len(BIG))
    offset = (await run(f"{url}offset")).strip()
    assert int(offset) > 0
    assert "Taken. Submission" in await run("-C", offset, "-T", str(model), url)
    first, second = await submissions(links)
    assert first.sha256 == second.sha256
    assert first.file_name == "my net.onnx"
