"""The one process is killed with -9 at the worst moments; afterwards nothing is lost or doubled."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.runner import models

pytestmark = pytest.mark.slow
_PATIENCE = 60


class Process:
    """A demo of its own, to be killed and started again on the same data."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.start()

    def start(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BOOKWIZ_")} | {
            "PYTHONUNBUFFERED": "1"
        }
        with (self.data.parent / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot.cli", "demo", "--data", self.data, "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        for line in self.process.stdout:
            if line.startswith("Bookwiz is up"):
                self.url = line.split()[-1]
                return
        raise RuntimeError((self.data.parent / "log").read_text()[-2000:])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()

    def call(self, path: str, body: dict | None = None) -> dict:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(
            self.url + path, data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            return json.load(response)

    def upload(self, name: str, data: bytes) -> dict:
        request = urllib.request.Request(
            f"{self.url}/api/uploads?name={name}",
            data=data,
            headers={"X-Bookwiz": "1", "Content-Type": "application/octet-stream"},
        )
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
            return json.load(response)

    def submit(self, model: bytes, who: str = "ada") -> str:
        """Hand in a model; gives the key of its live message."""
        file = self.upload("model.onnx", model)
        said = self.call(
            "/api/say",
            {
                "as": who,
                "channel": "general",
                "text": "/model submit benchmark:digits",
                "uploads": [file],
            },
        )
        [key] = said["follow"]
        return key

    def live(self, key: str, who: str = "ada") -> list[dict]:
        """All public messages in the channel that speak of that submission."""
        found = self.call(f"/api/messages?as={who}&channel=general")["messages"]
        name = key.removeprefix("submission:")
        return [m for m in found if not m["private"] and name in json.dumps(m["message"])]


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    """The data of a demo that was started once and stopped."""
    folder = tmp_path_factory.mktemp("seed")
    process = Process(folder / "data")
    process.process.send_signal(signal.SIGTERM)
    process.process.wait(30)
    process.process.stdout.close()
    return folder / "data"


@pytest.fixture
def process(seeded, tmp_path):
    shutil.copytree(seeded, tmp_path / "data")
    process = Process(tmp_path / "data")
    yield process
    if process.process.poll() is None:
        process.process.send_signal(signal.SIGTERM)
        process.process.wait(30)
    process.process.stdout.close()


async def until(condition, seconds=_PATIENCE):
    for _ in range(seconds * 10):
        if found := await asyncio.to_thread(condition):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError("it never came to that")


def ended(process, key):
    """The message under *key*, once it is final; there must never be two."""
    messages = process.live(key)
    assert len(messages) <= 1
    return messages and not messages[0]["message"]["pending"] and messages[0]["message"]


async def test_killed_in_the_middle_of_an_evaluation_every_submission_ends_once(process):
    slow = models.spin_model()
    good = models.good_model(8, 8, 1, 10)
    first = process.submit(slow, "ada")
    second = process.submit(good, "bob")
    await asyncio.sleep(0.3)
    process.kill()
    process.start()
    await until(lambda: "attempt 2" in str(process.live(first)))
    process.call(
        "/api/say",
        {"as": "ada", "channel": "general", "text": f"/model cancel {first.split(':')[1]}"},
    )
    await until(lambda: ended(process, first))
    message = await until(lambda: ended(process, second))
    assert not message["failed"]


async def test_killed_in_the_middle_of_an_upload_nothing_half_is_kept(process):
    _, writer = await asyncio.open_connection("127.0.0.1", int(process.url.rsplit(":", 1)[1]))
    writer.write(
        b"POST /api/uploads?name=half.onnx HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Bookwiz: 1\r\nContent-Length: 50000000\r\n\r\n"
    )
    writer.write(bytes(5_000_000))
    await writer.drain()
    incoming = process.data / "files" / "incoming"
    await until(lambda: any(incoming.iterdir()))
    process.kill()
    writer.close()
    process.start()
    assert not any(incoming.iterdir())
    key = process.submit(models.good_model(8, 8, 1, 10))
    message = await until(lambda: ended(process, key))
    assert not message["failed"]


async def test_killed_while_messages_are_sent_each_is_there_exactly_once(process):
    good = models.good_model(8, 8, 1, 10)
    keys = []
    for n, who in enumerate(("ada", "bob", "chen", "dina", "emeka")):
        keys.append(process.submit(good + bytes((0xFA, 0x7F, 1, n)), who))
        if n in {1, 3}:
            process.kill()
            process.start()
    for key in keys:
        await until(lambda key=key: ended(process, key))
    assert [len(process.live(key)) for key in keys] == [1] * len(keys)
