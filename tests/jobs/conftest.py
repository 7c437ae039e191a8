import asyncio
import contextlib
import json
import os
import subprocess
import sys

import psycopg
import pytest

from bot.kit.jobs.distributed import DistributedEngine, apply_schema
from bot.kit.jobs.embedded import EmbeddedEngine
from tests.jobs.desk import Desk
from tests.jobs.server import Server

FAKE = (sys.executable, "-m", "tests.jobs.fake_runner")
STALL = 1.5  # seconds, where production has 20
HELLO = 2.0  # seconds, where production has 90


@pytest.fixture
async def embedded(tmp_path):
    engine = EmbeddedEngine(runners=2, command=FAKE, grace_seconds=0.5)
    desk = Desk(engine, tmp_path)
    await engine.start(desk.on_outcome, desk.on_progress)
    yield desk
    await engine.stop()
    assert not desk.living()


@pytest.fixture(scope="session")
def jobs_database(postgres_server):
    """The address of a job database with its schema."""
    server = postgres_server.replace("+psycopg", "")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bookwiz_jobs WITH (FORCE)")
        connection.execute("CREATE DATABASE bookwiz_jobs")
    url = psycopg.conninfo.make_conninfo(server, dbname="bookwiz_jobs")
    asyncio.run(apply_schema(url))
    return url


@pytest.fixture
def jobs_url(jobs_database):
    """The same, without jobs. Workers stay: one serves many tests."""
    with psycopg.connect(jobs_database, autocommit=True) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
    return jobs_database


class Staff:
    """Worker processes by name, started when asked for."""

    def __init__(self, folder):
        self._folder, self._workers = folder, {}

    def hire(self, url, name, *, queue="own", drain=0.5, hello=None):
        worker = self._workers.get(name)
        if worker is None or worker.poll() is not None:
            with (self._folder / name).open("a") as log:
                command = [
                    sys.executable,
                    "-m",
                    "tests.jobs.fake_worker",
                    url,
                    name,
                    queue,
                    str(drain),
                ]
                self.says(name, hello or {})
                said = {"FAKE_NAME": name, "FAKE_HELLO": str(self._folder / f"hello-{name}")}
                worker = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | said)
            self._workers[name] = worker
        return worker

    def says(self, name, hello):
        """What that worker's process says of itself from its next start on."""
        (self._folder / f"hello-{name}").write_text(json.dumps(hello))

    def dismiss(self, *kept):
        for name in [n for n in self._workers if n not in kept]:
            worker = self._workers.pop(name)
            worker.kill()
            worker.wait()


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    staff = Staff(tmp_path_factory.mktemp("workers"))
    yield staff
    staff.dismiss()


@pytest.fixture
def staff(company):
    """Worker processes; those of a test's own are gone after it."""
    yield company
    company.dismiss("everyday")


@pytest.fixture
async def desk_at(tmp_path):
    """Open a desk before a distributed engine at a given address, for a queue without workers."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_desk(url):
            engine = DistributedEngine(
                url,
                stall_seconds=STALL,
                beat_seconds=0.3,
                poll_seconds=0.5,
                grace_seconds=1,
                hello_seconds=HELLO,
            )
            desk = Desk(engine, tmp_path, queue="own")
            stack.push_async_callback(engine.stop)
            await engine.start(desk.on_outcome, desk.on_progress)
            return desk

        yield open_desk


@pytest.fixture
async def distributed(desk_at, jobs_url, staff):
    """A desk with one worker, which the next test may find at its place."""
    desk = await desk_at(jobs_url)
    desk.queue = "cpu"
    worker = staff.hire(jobs_url, "everyday", queue="cpu")

    async def halt():
        worker.terminate()
        await asyncio.to_thread(worker.wait, 10)

    desk.halt = halt
    return desk


@pytest.fixture(
    params=["embedded", pytest.param("distributed", marks=pytest.mark.postgres)],
)
def desk(request):
    """A desk in front of each engine in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def own_server(tmp_path_factory):
    """A Postgres that a test may stop and start."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture
async def world(tmp_path, jobs_url):
    """A bot with an open benchmark, before a queue without runners."""
    from tests.jobs.world import World

    world = World(tmp_path, jobs_url)
    await world.open()
    yield world
    await world.close()
