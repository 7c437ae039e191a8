"""The whole bot as a process of its own on Postgres, with runners beside it: both can be killed.

``python -m tests.jobs.whole …`` is ``bookwiz …`` with an engine in a hurry: who does not beat for a
second and a half is lost. A test speaks to it over its local chat, and reads the database beside it.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import psycopg

import bot.app
from bot.app import Bot
from bot.community.members import set_setting
from bot.config import Settings
from bot.kit.jobs.distributed import DistributedEngine
from bot.kit.message import Place
from bot.serve import migrate
from tests.jobs.conftest import STALL
from tests.jobs.hiring import Hires
from tests.jobs.world import open_digits

_DATABASES = ("whole_bot", "whole_jobs")
_PATIENCE = 20


class WholeBot(Hires):
    """One bot on one data folder, which is started and killed again and again."""

    program = ("-m", "tests.jobs.whole")

    def __init__(self, folder, server):
        """*server*: ``postgresql://…`` of an admin there."""
        self._server = server
        self.community, jobs_url = (
            psycopg.conninfo.make_conninfo(server, dbname=name) for name in _DATABASES
        )
        super().__init__(folder, jobs_url)
        self.data = folder / "data"
        self.data.mkdir()
        with socket.socket() as free:  # the same one each time: links of runners name it
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    async def found(self):
        """Make the databases, with an open benchmark in the community's."""
        with psycopg.connect(self._server, autocommit=True) as connection:
            for name in _DATABASES:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
                connection.execute(f"CREATE DATABASE {name}")
        settings = Settings(
            _env_file=None,
            data=self.data,
            database_url=self._sqlalchemy(),
            jobs={"url": self.jobs_url},
        )
        await migrate(settings)
        bot = Bot(settings)
        await bot.prepare()
        async with bot.core.work("tests") as work:
            await bot.core.services.people.account(
                work.session, platform="local", handle="moira", name="Moira"
            )
            place = Place(platform="local", channel="moderators").model_dump()
            await set_setting(work.session, 1, "channel.moderators", place)
        await open_digits(bot, self.data)
        await bot.database.close()

    def start(self):
        """Start it, and wait until it is up."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BOOKWIZ_")} | {
            "BOOKWIZ_DATABASE_URL": self._sqlalchemy(),
            "BOOKWIZ_JOBS__URL": self.jobs_url,
            "PYTHONUNBUFFERED": "1",
        }
        command = (*self.program, "up", "--data", self.data, "--port", str(self.port))
        self._forget_process()
        with (self.folder / "bot.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        for line in self.process.stdout:
            if line.startswith("Bookwiz is up"):
                return
        raise RuntimeError((self.folder / "bot.log").read_text()[-2000:])

    def start_second(self):
        """Start another one on the same databases, with a data folder of its own; what it says."""
        command = (*self.program, "up", "--data", self.folder / "second", "--port", "0")
        environment = os.environ | {"BOOKWIZ_DATABASE_URL": self._sqlalchemy()}
        second = subprocess.Popen(
            [sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment
        )
        with second:
            said = second.stdout.readline()
            second.kill()
        return said

    def kill_bot(self):
        self.process.kill()
        self._forget_process()

    def die(self, moment):
        """Have it killed at the next outcome: ``before`` it is applied, or ``after`` that."""
        (self.data / f"die-{moment}").touch()

    async def close(self):
        await self.dismiss()
        if self.process is not None:
            await asyncio.to_thread(self.kill_bot)

    async def say(self, who, text, uploads=()):
        body = {"as": who, "channel": "general", "text": text, "uploads": [*uploads]}
        return await self._call("/api/say", json.dumps(body).encode(), "application/json")

    async def submit(self, model, who="ada"):
        """Hand a model in; gives the submission's id."""
        kind = "application/octet-stream"
        file = await self._call("/api/uploads?name=model.onnx", model, kind)
        said = await self.say(who, "/model submit benchmark:digits", [file])
        assert not said["refused"], said
        [key] = said["follow"]
        return key.removeprefix("submission:")

    def rows(self, query, *values):
        """What the community's database holds."""
        with psycopg.connect(self.community, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()

    def ended(self):
        """How many submissions have."""
        query = "SELECT count(*) FROM submission WHERE state IN ('scored', 'failed', 'cancelled')"
        return self.rows(query)[0][0]

    def shown(self):
        """Live messages in the chat: how often each stands there, and whether it is at its end."""
        found = self.rows("SELECT key, body FROM local_message WHERE key ~ '^submission:[^:]+$'")
        assert len(dict(found)) == len(found)
        return {key.split(":")[1]: not json.loads(body)["pending"] for key, body in found}

    async def until(self, condition, seconds=60):
        """Wait for *condition*; where Postgres is away, it does not hold yet."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if found := await asyncio.to_thread(condition):
                    return found
            except psycopg.OperationalError:
                pass
            await asyncio.sleep(0.1)
        states = self.rows("SELECT id, state, attempt, losses, failure FROM submission")
        raise AssertionError(f"waited {seconds} s in vain: {states} {self.logs()}")

    async def _call(self, path, data, kind):
        headers = {"Content-Type": kind, "X-Bookwiz": "1"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers)

        def call():
            with urllib.request.urlopen(request, timeout=_PATIENCE) as response:
                return json.load(response)

        return await asyncio.to_thread(call)

    def _forget_process(self):
        if self.process is not None:
            self.process.wait(10)
            self.process.stdout.close()

    def _sqlalchemy(self):
        return self._server.rpartition("/")[0].replace("://", "+psycopg://") + f"/{_DATABASES[0]}"


class MortalBot(Bot):
    """Dies of SIGKILL at an outcome, once, where a test wants that."""

    async def outcome(self, outcome):
        self._die("before")
        await super().outcome(outcome)
        self._die("after")

    def _die(self, moment):
        marker = self.settings.data / f"die-{moment}"
        if marker.exists():
            marker.unlink()
            os.kill(os.getpid(), signal.SIGKILL)


def main():
    from bot import serve
    from bot.cli import main as bookwiz

    serve.Bot = MortalBot

    bot.app.engine_for = lambda settings: DistributedEngine(
        settings.jobs.url, stall_seconds=STALL, beat_seconds=0.3, poll_seconds=0.3, grace_seconds=1
    )
    bookwiz()


if __name__ == "__main__":
    main()
