"""Files that a runner on another host fetches and sends, over real HTTP."""

import asyncio
import hashlib
import io
import resource
from contextlib import contextmanager

import numpy as np
import pytest
from aiohttp import web

from runner import blobs, transfer
from runner.cache import Cache
from runner.contract import HANDED_BACK, Blob
from runner.datasets.version import read_manifest
from runner.failures import Refusal
from runner.inputs import inputs_of
from tests.jobs.files import KEY, serving
from tests.runner.models import good_model

DATA = bytes(range(256)) * 1000


def named(data, url):
    return Blob(sha256=hashlib.sha256(data).hexdigest(), size=len(data), url=url)


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr(transfer, "_PAUSES", (0.01, 0.01))


@pytest.fixture
async def server(tmp_path):
    async with serving(tmp_path / "bot") as server:
        server.dataset(KEY, "board", DATA)
        server.images = named(DATA, server.links.images(KEY, "board", attempt="a:1"))
        yield server


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", most=1_000_000)


@pytest.fixture
async def strange():
    """Serve DATA by a handler of the test's own."""
    runners = []

    async def serve(handler):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield serve
    for runner in runners:
        await runner.cleanup()


def fetched(cache, *wanted):
    with cache.files(wanted) as paths:
        return [path.read_bytes() for path in paths]


def opened(blob):
    with blobs.opened(blob) as file:
        return file.read(10) + file.read()


async def fetch(cache, *wanted):
    return await asyncio.to_thread(fetched, cache, *wanted)


async def refusal(run, *arguments, **more):
    with pytest.raises(Refusal) as refused:
        await asyncio.to_thread(run, *arguments, **more)
    assert "signature" not in str(vars(refused.value))
    return refused.value


def kept(cache):
    return sorted(path.name for path in cache.folder.iterdir())


@contextmanager
def a_full_disk(most):
    """Files of this process cannot grow beyond *most* bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_images_are_fetched_once(server, cache):
    assert await fetch(cache, server.images) == [DATA]
    await server.web.stop()
    assert await fetch(cache, server.images) == [DATA]
    assert kept(cache) == [server.images.sha256]
    assert cache.folder.stat().st_mode & 0o077 == 0


async def test_images_that_arrive_changed_are_refused_and_not_kept(server, cache):
    lie = server.images.model_copy(update={"sha256": "0" * 64})
    found = await refusal(fetched, cache, lie)
    assert (found.code, found.ours, found.expected) == ("E_RUNNER_FETCH", True, "0" * 12)
    assert kept(cache) == []


async def test_images_of_another_size_than_announced_are_refused(server, cache):
    found = await refusal(fetched, cache, server.images.model_copy(update={"size": 10}))
    assert found.code == "E_RUNNER_FETCH"
    assert "256000 bytes" in found.got


async def test_a_connection_that_breaks_off_is_taken_up_where_it_broke(strange, cache):
    asked = []

    async def breaking(request):
        asked.append(request.headers.get("Range"))
        start = int((asked[-1] or "bytes=0-")[6:-1])
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = len(DATA) - start
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        await response.prepare(request)
        await response.write(DATA[start:] if start else DATA[:100_000])
        if not start:
            await asyncio.sleep(0.1)
            request.transport.close()
        return response

    url = await strange(breaking)
    assert await fetch(cache, named(DATA, url)) == [DATA]
    assert asked == [None, "bytes=100000-"]
    model = await asyncio.to_thread(opened, named(DATA, url))
    assert model == DATA


async def test_what_has_come_stays_for_the_next_attempt(strange, cache):
    asked = []

    async def short(request):
        asked.append(request.headers.get("Range"))
        start = int((asked[-1] or "bytes=0-")[6:-1])
        response = web.StreamResponse(status=206 if start else 200)
        response.content_length = len(DATA) - start
        response.headers["Content-Range"] = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        await response.prepare(request)
        await response.write(DATA[start : start + 100_000])
        if start + 100_000 < len(DATA):
            await asyncio.sleep(0.05)
            request.transport.close()
        return response

    blob = named(DATA, await strange(short))
    found = await refusal(fetched, cache, blob)
    assert "broke off after 200000 of 256000 bytes" in found.got
    assert await fetch(cache, blob) == [DATA]
    assert asked == [None, "bytes=100000-", "bytes=200000-"]


async def test_what_a_dead_runner_left_wrong_is_not_believed(server, cache):
    cache.folder.mkdir(mode=0o700)
    (cache.folder / f"{server.images.sha256}.partial").write_bytes(b"rubbish")
    assert (await refusal(fetched, cache, server.images)).code == "E_RUNNER_FETCH"
    assert await fetch(cache, server.images) == [DATA]


async def test_a_redirect_to_another_host_is_not_followed(strange, cache):
    reached = []

    async def elsewhere(request):
        reached.append(request.path_qs)
        return web.Response(body=DATA)

    other = await strange(elsewhere)

    async def redirecting(request):
        if request.path == "/here":
            return web.Response(body=DATA)
        raise web.HTTPFound("/here" if request.path == "/near" else f"{other}/?stolen")

    url = await strange(redirecting)
    found = await refusal(fetched, cache, named(DATA, f"{url}/far?signature=1"))
    assert found.code == "E_RUNNER_FETCH"
    assert reached == []
    assert await fetch(cache, named(DATA, f"{url}/near")) == [DATA]


async def test_an_expired_link_is_handed_back(server, cache, tmp_path):
    model = await server.store.add(DATA)
    link = server.links.file(model.sha256, attempt="a:1")
    made = server.links.made(attempt="a:1")
    server.later(days=1)
    for found in (
        await refusal(fetched, cache, server.images),
        await refusal(blobs.fetch_model, named(DATA, link), most=10**9),
        await refusal(blobs.store, made, b"x", name="x", media_type="x"),
    ):
        assert (found.code, found.ours) == (HANDED_BACK, True)


async def test_a_store_that_lost_a_file_is_ours(server, cache):
    (server.datasets / KEY / "images" / "board.npy").unlink()
    found = await refusal(fetched, cache, server.images)
    assert (found.code, found.ours) == ("E_RUNNER_FETCH", True)
    assert "404: There is no such file" in found.got


async def test_a_bot_that_is_away_for_a_moment_is_waited_for(strange, cache):
    answers = [502, 503, 200]

    async def restarting(_request):
        return web.Response(status=answers.pop(0), body=DATA)

    assert await fetch(cache, named(DATA, await strange(restarting))) == [DATA]


async def test_a_bot_that_stays_away_is_ours(server, cache):
    await server.web.stop()
    found = await refusal(fetched, cache, server.images)
    assert (found.code, found.ours) == ("E_RUNNER_FETCH", True)
    assert "127.0.0.1 cannot be reached" in found.got
    made = server.links.made(attempt="a:1")
    found = await refusal(blobs.store, made, b"x", name="x", media_type="x")
    assert (found.code, found.ours) == ("E_RUNNER_STORE", True)


async def test_the_least_recently_used_makes_room_but_nothing_in_use(strange, tmp_path):
    async def some(request):
        return web.Response(body=request.path[1:].encode() * 400)

    url = await strange(some)
    a, b, c = (named(name.encode() * 400, f"{url}/{name}") for name in "abc")
    cache = Cache(tmp_path / "cache", most=1000)
    await fetch(cache, a)
    await fetch(cache, b)
    await fetch(cache, a)
    await fetch(cache, c)
    assert set(kept(cache)) == {a.sha256, c.sha256}
    with cache.files((a, c)):
        found = await refusal(fetched, cache, b)
    assert (found.code, found.ours) == ("E_RUNNER_FETCH", True)
    assert set(kept(cache)) == {a.sha256, c.sha256}
    small = Cache(tmp_path / "cache", most=300)
    assert "--cache-gb" in (await refusal(fetched, small, b)).expected
    assert set(kept(cache)) == {a.sha256, c.sha256}


async def test_runners_that_want_the_same_at_once_fetch_it_once(strange, cache):
    asked = []

    async def slow(request):
        asked.append(request.path)
        await asyncio.sleep(0.2)
        return web.Response(body=DATA)

    blob = named(DATA, await strange(slow))
    assert await asyncio.gather(*(fetch(cache, blob) for _ in range(4))) == [[DATA]] * 4
    assert len(asked) == 1


async def test_a_full_disk_at_the_runners_is_ours_and_nothing_half_is_kept(server, cache):
    with a_full_disk(100_000):
        found = await refusal(fetched, cache, server.images)
    assert (found.code, found.ours) == ("E_RUNNER_FETCH", True)
    assert "no space" in found.got
    assert kept(cache) == []
    assert await fetch(cache, server.images) == [DATA]


async def test_a_full_disk_at_the_bots_is_ours_and_nothing_half_is_kept(server):
    made = server.links.made(attempt="a:1")
    with a_full_disk(100_000):
        found = await refusal(blobs.store, made, DATA, name="x", media_type="x")
    assert (found.code, found.ours) == ("E_RUNNER_STORE", True)
    assert "507: No space is left" in found.got
    assert list((server.store.root / "incoming").iterdir()) == []
    stored = await asyncio.to_thread(blobs.store, made, DATA, name="x", media_type="x")
    assert server.received.of("a:1") == {stored.sha256: len(DATA)}


def test_a_full_disk_in_a_shared_folder_leaves_nothing_half(tmp_path):
    with a_full_disk(1000), pytest.raises(Refusal) as refused:
        blobs.store(tmp_path, DATA, name="x", media_type="x")
    assert refused.value.code == "E_RUNNER_STORE"
    assert str(tmp_path) not in str(vars(refused.value))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.sandbox
async def test_a_model_is_run_on_fetched_images_and_its_predictions_arrive(
    server, bench, evaluator, tmp_path, monkeypatch
):
    monkeypatch.setenv("BOOKWIZ_RUNNER_CACHE", str(tmp_path / "cache"))
    model, manifest = good_model(), read_manifest(bench.folder / "datasets", bench.manifest.key)
    images = (bench.folder / "datasets" / manifest.key / "images" / "board.npy").read_bytes()
    server.dataset(manifest.key, "board", images)
    stored = await server.store.add(model)
    asked = bench.evaluation(
        model,
        datasets="",
        manifest=manifest,
        inputs=(named(images, server.links.images(manifest.key, "board", attempt="7:1")),),
        artifacts=server.links.made(attempt="7:1"),
    )
    link = server.links.file(stored.sha256, attempt="7:1")
    asked = asked.model_copy(update={"model": named(model, link)})
    outcome = await asyncio.to_thread(evaluator.evaluate, asked, lambda _: None)
    assert outcome.failure is None
    assert outcome.scores == ()
    [predictions] = outcome.predictions
    assert server.received.of("7:1") == {predictions.sha256: predictions.size}
    found = np.load(io.BytesIO(server.store.path(predictions.sha256).read_bytes()))
    trusted = await asyncio.to_thread(evaluator.evaluate, bench.evaluation(model), lambda _: None)
    assert trusted.scores
    assert trusted.predictions[0].sha256 == predictions.sha256
    assert len(found) == 80


def test_images_that_are_none_are_refused(bench):
    asked = bench.evaluation(good_model(), datasets="", manifest=bench.manifest)
    with pytest.raises(Refusal) as refused, inputs_of(asked):
        pass
    assert refused.value.code == "E_RUNNER_DATASET"
