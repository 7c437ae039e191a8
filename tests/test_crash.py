"""The one process is killed with -9 at the worst moments; afterwards nothing is lost or doubled."""

import asyncio
import contextlib
import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.runner import hostile_models, models

pytestmark = pytest.mark.slow
_PATIENCE = 60
_PLAINLY = "from bot.cli import main; main()"
# A first start whose benchmarks are made of what lies in a folder already.
_OF_WORLDS = """
import shutil, sys
from pathlib import Path
from bot import demo
from bot.cli import main

worlds = Path(sys.argv.pop(1))

async def child(name, _out, folder):
    shutil.copytree(worlds / name, folder)

demo.child = child
main()
"""
# Dies when a message of a submission was sent and before the courier could note so. Once: where
# the file it is given still is.
_DYING_AFTER_A_SEND = """
import os, signal, sys
from pathlib import Path
from bot.chat.local.adapter import LocalChat
from bot.cli import main

marker = Path(sys.argv.pop(1))
send = LocalChat.send

async def send_and_die(self, place, message, *, key, since=None):
    ref = await send(self, place, message, key=key)
    if key.startswith("submission:") and marker.exists():
        marker.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return ref

LocalChat.send = send_and_die
main()
"""


class Process:
    """A demo of its own, to be killed and started again on the same data."""

    def __init__(self, data: Path, *program: str | Path) -> None:
        self.data = data
        self.start(*program)

    def start(self, *program: str | Path) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BOOKWIZ_")} | {
            "PYTHONUNBUFFERED": "1"
        }
        with (self.data.parent / "log").open("a") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    *(program or [_PLAINLY]),
                    "demo",
                    "--data",
                    self.data,
                    "--port",
                    "0",
                ],
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

    def rows(self, query: str, *values: str) -> list[tuple]:
        """What the database holds, read beside the process or after its death."""
        address = f"file:{self.data / 'bookwiz.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=10)) as database:
            return database.execute(query, values).fetchall()

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
def seeded(tmp_path_factory, worlds):
    """The data of a demo that was started once and stopped."""
    folder = tmp_path_factory.mktemp("seed")
    process = Process(folder / "data", _OF_WORLDS, worlds)
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


def gone(processes):
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def assert_scored_once(process):
    """Every scored submission has one figure for each split and metric, and none is missing."""
    datasets = {
        key: json.loads(manifest)
        for key, manifest in process.rows("SELECT key, manifest FROM dataset")
    }
    scored = process.rows(
        "SELECT s.id, b.dataset_key, b.metric FROM submission s"
        " JOIN benchmark b ON b.id = s.benchmark_id WHERE s.state = 'scored'"
    )
    figures = process.rows("SELECT submission_id, split, metric FROM score")
    assert {submission for submission, _, _ in figures} == {row[0] for row in scored}
    for submission, dataset, metric in scored:
        mine = Counter((split, name) for found, split, name in figures if found == submission)
        splits = {facts["split"] for facts in datasets[dataset]["splits"]} - {"train"}
        assert set(mine.values()) == {1}
        # The hidden splits say the same, and of labels less than dev: a log-loss would tell them.
        said = {split: {name for where, name in mine if where == split} for split in splits}
        assert all(metric in names for names in said.values())
        assert said["board"] == said["shadow"] <= said["dev"]
        assert datasets[dataset]["task"] != "classification" or said["board"] != said["dev"]


async def test_killed_in_the_middle_of_an_evaluation_every_submission_ends_once(process):
    first = process.submit(hostile_models.spin_model(), "ada")
    second = process.submit(models.good_model(8, 8, 1, 10), "bob")
    inside = ("checking the model", "predicting")
    await until(lambda: any(words in str(process.live(first)) for words in inside))
    below = psutil.Process(process.process.pid).children(recursive=True)
    assert not gone(below)
    process.kill()
    await until(lambda: gone(below), 5)
    process.start()
    await until(lambda: "attempt 2" in str(process.live(first)))
    process.call(
        "/api/say",
        {"as": "ada", "channel": "general", "text": f"/model cancel {first.split(':')[1]}"},
    )
    await until(lambda: ended(process, first))
    message = await until(lambda: ended(process, second))
    assert not message["failed"]
    states = dict(process.rows("SELECT id, state FROM submission WHERE baseline IS NULL"))
    assert (states[first.split(":")[1]], states[second.split(":")[1]]) == ("cancelled", "scored")
    assert_scored_once(process)


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


async def test_killed_between_a_message_and_its_note_the_message_is_there_exactly_once(
    process, tmp_path
):
    marker = tmp_path / "marker"
    process.kill()
    process.start(_DYING_AFTER_A_SEND, marker)
    marker.touch()
    # It may die before it has answered: then the key is found where the message waits.
    with contextlib.suppress(OSError, http.client.HTTPException):
        process.submit(models.good_model(8, 8, 1, 10))
    assert process.process.wait(_PATIENCE) == -signal.SIGKILL
    process.process.stdout.close()
    [(key,)] = process.rows(
        "SELECT key FROM outbox_message"
        " WHERE key LIKE 'submission:%' AND place LIKE '%general%' AND sent_version = 0"
    )
    name = key.removeprefix("submission:")
    sent = "SELECT count(*) FROM local_message WHERE instr(body, ?) AND private_to IS NULL"
    assert process.rows(sent, name) == [(1,)]

    process.start()
    message = await until(lambda: ended(process, key))
    assert not message["failed"]
    assert len(process.live(key)) == 1
    assert process.rows(sent, name) == [(1,)]
    assert process.rows("SELECT state FROM submission WHERE id = ?", name) == [("scored",)]
    assert_scored_once(process)
