"""Nobody but this machine's own pages and programs gets in."""

import asyncio
import io
import json

import pytest


async def test_a_rebound_name_is_turned_away(town):
    for host in ("evil.example", "127.0.0.1.evil.example:80", "localhost.evil.example"):
        async with town.client.get(town.url + "/api/people", headers={"Host": host}) as response:
            assert response.status == 403
            assert (await response.json())["code"] == "E_HOST"


async def test_localhost_is_this_machine_too(town):
    port = town.web.port
    async with town.client.get(
        town.url + "/api/people", headers={"Host": f"localhost:{port}"}
    ) as response:
        assert response.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_another_web_page_cannot_speak(town, headers):
    body = {"as": "ada", "text": "hacked"}
    async with town.client.post(town.url + "/api/say", json=body, headers=headers) as response:
        assert response.status == 403
    assert await town.seen("ada") == []


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_what_a_plain_form_elsewhere_could_send_is_turned_away(town, kind):
    body = json.dumps({"as": "ada", "text": "hacked"}).encode()
    for path in ("/api/say", "/api/people", "/api/uploads?name=x"):
        async with town.client.post(
            town.url + path, data=body, headers={"Content-Type": kind}
        ) as response:
            assert response.status == 415


async def test_an_upload_needs_the_header_that_no_form_can_send(town):
    headers = {"Content-Type": "application/json"}
    async with town.client.post(
        town.url + "/api/uploads?name=x", data=b"x", headers=headers
    ) as response:
        assert response.status == 415


async def test_the_page_may_run_its_own_scripts_only(town):
    async with town.client.get(town.url + "/") as response:
        assert response.status == 200
        policy = response.headers["Content-Security-Policy"]
        page = await response.text()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "style=" not in page
    assert "http://" not in page
    assert "https://" not in page


async def test_only_the_pages_own_files_are_served(town):
    for name in ("..%2f..%2fapi.py", "%2e%2e/api.py", "nothing.js"):
        async with town.client.get(f"{town.url}/chat/{name}") as response:
            assert response.status == 404


async def test_a_file_that_could_run_is_only_ever_downloaded(town):
    for name, data in (
        ("x.html", b"<script>alert(1)</script>"),
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("x.png", b"<script>"),
    ):
        upload = await town.upload(name, data)
        async with town.client.get(f"{town.url}/api/files/{upload['sha256']}/{name}") as response:
            assert response.headers["Content-Disposition"].startswith("attachment")
            assert response.headers["Content-Type"] == "application/octet-stream"
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert "sandbox" in response.headers["Content-Security-Policy"]
            assert await response.read() == data


async def test_a_picture_is_shown_and_its_name_breaks_no_header(town):
    upload = await town.upload("x.png", b"\x89PNG\r\n\x1a\n....")
    name = '%22%0d%0aX-Evil: 1".png'
    async with town.client.get(f"{town.url}/api/files/{upload['sha256']}/{name}") as response:
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["Content-Disposition"].startswith("inline")
        assert "X-Evil" not in response.headers


async def test_a_path_is_no_file(town):
    for sha256 in ("..%2f..%2fetc%2fpasswd", "a" * 64, "xyz"):
        async with town.client.get(f"{town.url}/api/files/{sha256}/x") as response:
            assert response.status == 404


async def test_an_upload_announced_too_large_is_refused_before_it_is_sent(town):
    cap = town.bot.files.cap
    status, answer, sent = await _raw_upload(town, announced=cap + 1)
    assert (status, answer["code"], sent) == (413, "E_TOO_LARGE", 0)
    assert answer["expected"] == "at most 500 MB"
    assert answer["fix"]


async def test_a_client_that_asks_first_is_told_before_it_sends(town):
    status, answer, sent = await _raw_upload(
        town, announced=town.bot.files.cap + 1, more="Expect: 100-continue\r\n"
    )
    assert (status, answer["code"], sent) == (413, "E_TOO_LARGE", 0)


async def test_a_stream_without_a_length_is_cut_at_the_cap(town, monkeypatch):
    monkeypatch.setattr(town.bot.files, "cap", 100_000)

    async def endless():
        for _ in range(50):
            yield b"x" * 10_000

    refused = await town.upload("model.onnx", endless(), status=413)
    assert refused["code"] == "E_TOO_LARGE"
    assert list((town.bot.files.root / "incoming").iterdir()) == []


async def test_an_upload_larger_than_any_json_body_arrives(town):
    data = b"0123456789abcdef" * 400_000
    assert (await town.upload("model.onnx", io.BytesIO(data)))["size"] == len(data)


async def test_an_upload_that_breaks_off_leaves_nothing(town):
    _, writer = await asyncio.open_connection("127.0.0.1", town.web.port)
    writer.write(_head(town, 1000) + b"only this")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    for _ in range(100):
        await asyncio.sleep(0.02)
        if not list((town.bot.files.root / "incoming").iterdir()):
            break
    assert [p for p in town.bot.files.root.rglob("*") if p.is_file()] == []


async def test_an_empty_file_is_refused(town):
    assert (await town.upload("model.onnx", b"", status=400))["code"] == "E_EMPTY_FILE"


def _head(town, length, more=""):
    return (
        f"POST /api/uploads?name=m.onnx HTTP/1.1\r\nHost: 127.0.0.1:{town.web.port}\r\n"
        f"X-Bookwiz: 1\r\nContent-Length: {length}\r\n{more}\r\n"
    ).encode()


async def _raw_upload(town, *, announced, more=""):
    """Send the head of an upload and not a byte of its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", town.web.port)
    writer.write(_head(town, announced, more))
    await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    body = await asyncio.wait_for(reader.readexactly(length), 5)
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), json.loads(body), 0
