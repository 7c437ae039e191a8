import asyncio
import contextlib
import subprocess
import sys

import psycopg
import pytest

from bot.kit.jobs.distributed import DistributedEngine, apply_schema
from bot.kit.jobs.embedded import EmbeddedEngine
from tests.jobs.desk import Desk
from tests.jobs.server import Server

FAKE = (sys.executable, "-m", "tests.jobs.fake_runner")
STALL = 1.5  # seconds, where production has 30


@pytest.fixture
async def embedded(tmp_path):
    engine = EmbeddedEngine(command=FAKE, grace_seconds=0.5)
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
    """The same, without jobs."""
    with psycopg.connect(jobs_database, autocommit=True) as connection:
        connection.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")
    return jobs_database


@pytest.fixture
def hire(tmp_path):
    """Start a worker process; all are gone after the test."""
    workers = []

    def start(url, name="fake"):
        with (tmp_path / f"log of {name}").open("w") as log:
            command = [sys.executable, "-m", "tests.jobs.fake_worker", url, name]
            workers.append(subprocess.Popen(command, stdout=log, stderr=log))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill()
        worker.wait()


@pytest.fixture
async def distributed_at(tmp_path, hire):
    """A desk before a distributed engine at a given address, with one worker."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(url, worker_url=None):
            engine = DistributedEngine(
                url, stall_seconds=STALL, beat_seconds=0.3, poll_seconds=0.5, grace_seconds=1
            )
            desk = Desk(engine, tmp_path)
            stack.push_async_callback(engine.stop)
            await engine.start(desk.on_outcome, desk.on_progress)
            desk.worker = hire(worker_url or url)

            async def halt():
                desk.worker.terminate()
                await asyncio.to_thread(desk.worker.wait, 10)

            desk.halt = halt
            return desk

        yield start


@pytest.fixture
async def distributed(distributed_at, jobs_url):
    desk = await distributed_at(jobs_url)
    yield desk
    await desk.halt()
    assert not desk.living()


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
