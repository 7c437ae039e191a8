"""A PostgreSQL server of the tests' own, started once, thrown away at the end."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

MISSING = "PostgreSQL's initdb was not found: install PostgreSQL or set BOOKWIZ_TEST_DATABASE_URL"


def _programs() -> Path | None:
    found = shutil.which("initdb")
    places = [str(Path(found).resolve().parent)] if found else []
    places += sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return next((Path(p) for p in places if (Path(p) / "postgres").exists()), None)


def _unprivileged() -> dict:
    """initdb refuses to run as root: drop to nobody then."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}


@pytest.fixture(scope="session")
def postgres_server():
    """Start a server on a free loopback port; gives ``(host, port)``'s address for SQLAlchemy."""
    given = os.environ.get("BOOKWIZ_TEST_DATABASE_URL")
    if given:
        yield given
        return
    programs = _programs()
    if programs is None:
        pytest.skip(MISSING)
    # Not under tmp_path: its parents are closed to nobody.
    folder = Path("/tmp") / f"bookwiz-postgres-{os.getpid()}"
    folder.mkdir(mode=0o755)
    who = _unprivileged()
    if who:
        shutil.chown(folder, who["user"], who["group"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "data"
    initdb = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "bookwiz",
        "--auth=trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    ]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **who)
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off -c max_connections=100"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, *options.split()],
            stdout=subprocess.DEVNULL,
            stderr=log,
            cwd=folder,
            **who,
        )
    try:
        _wait_until_up(port, server, folder / "log")
        yield f"postgresql+psycopg://bookwiz@127.0.0.1:{port}/postgres"
    finally:
        # At once, whoever is still connected: asked politely it waits for them, for ever.
        server.send_signal(signal.SIGQUIT)
        server.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server):
    """A database in that server. Tests empty what they filled."""
    return postgres_server


def _wait_until_up(port: int, server: subprocess.Popen, log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise RuntimeError(f"postgres ended at once: {log.read_text()[-500:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0 and "ready to accept" in log.read_text():
                return
        time.sleep(0.05)
    raise RuntimeError(f"postgres did not come up: {log.read_text()[-500:]}")
