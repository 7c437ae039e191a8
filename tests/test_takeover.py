"""Two bots on one community: the second waits and says so, and takes over when the first is killed."""

import os
import queue
import subprocess
import sys
import threading
import time
import urllib.request

import psycopg
import pytest

pytestmark = pytest.mark.slow
_PATIENCE = 30
_SOON = 10  # seconds in which the second one leads


class Process:
    """``bookwiz up``, and what it has said."""

    def __init__(self, data, database_url):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BOOKWIZ_")}
        environment |= {"PYTHONUNBUFFERED": "1", "BOOKWIZ_DATABASE_URL": database_url}
        environment |= {"BOOKWIZ_LOG__FORM": "json"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot.cli", "up", "--data", data, "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self._lines = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line)

    def said(self, words, *, within=_PATIENCE):
        """The first line with those *words*."""
        end = time.monotonic() + within
        heard = []
        while (left := end - time.monotonic()) > 0:
            try:
                heard.append(self._lines.get(timeout=min(left, 0.2)))
            except queue.Empty:
                assert self.process.poll() is None, "".join(heard)
                continue
            if words in heard[-1]:
                return heard[-1]
        raise AssertionError(f"never said {words!r}: " + "".join(heard))

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        self.process.stdout.close()


@pytest.fixture
def up():
    """Starts bots, and ends those that are left."""
    started = []

    def start(data, database_url):
        started.append(Process(data, database_url))
        return started[-1]

    yield start
    for process in started:
        if not process.process.stdout.closed:
            process.kill()


@pytest.fixture
def community(request, tmp_path):
    """A database of its own, on Postgres and on SQLite, with its schema; gives its address."""
    if request.param == "sqlite":
        url = f"sqlite+aiosqlite:///{tmp_path}/bookwiz.db"
        yield url
        return
    server = request.getfixturevalue("postgres_server")
    plain = server.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("CREATE DATABASE takeover")
    yield server.rpartition("/")[0] + "/takeover"
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("DROP DATABASE takeover WITH (FORCE)")


def migrate(data, url):
    subprocess.run(
        [sys.executable, "-m", "bot.cli", "migrate", "--data", data],
        check=True,
        capture_output=True,
        env=os.environ | {"BOOKWIZ_DATABASE_URL": url},
    )


def take_over(up, folders, url):
    first_data, second_data = folders
    migrate(first_data, url)
    first = up(first_data, url)
    first.said("Bookwiz is up")
    second = up(second_data, url)
    second.said("Another bot leads")
    second.said('"waiting"')  # the log says so, too
    time.sleep(2)
    assert second.process.poll() is None
    first.kill()
    began = time.monotonic()
    address = second.said("Bookwiz is up", within=_SOON).split()[-1]
    print(f"took over after {time.monotonic() - began:.1f} s")  # noqa: T201 - a figure to look at
    with urllib.request.urlopen(address + "/readyz", timeout=5) as answer:
        assert answer.status == 200
    # Now that one leads, and the next waits for it.
    up(first_data, url).said("Another bot leads")


@pytest.mark.parametrize(
    "community", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
def test_a_second_bot_waits_and_takes_over_when_the_first_is_killed(up, tmp_path, community):
    take_over(up, (tmp_path / "data", tmp_path / "data"), community)


@pytest.mark.postgres
@pytest.mark.parametrize("community", ["postgres"], indirect=True)
def test_one_that_shares_only_the_database_waits_as_well(up, tmp_path, community):
    take_over(up, (tmp_path / "one", tmp_path / "other"), community)
