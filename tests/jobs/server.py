"""A PostgreSQL server that can be stopped and started again."""

import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.postgres import MISSING, _programs, _unprivileged


class Server:
    """Runs from the start. Its data outlives a stop."""

    def __init__(self):
        programs = _programs()
        if programs is None:
            pytest.skip(MISSING)
        self._programs, self._who = programs, _unprivileged()
        self._folder = Path(tempfile.mkdtemp(prefix="bookwiz-jobs-", dir="/tmp"))
        self._folder.chmod(0o755)
        if self._who:
            shutil.chown(self._folder, self._who["user"], self._who["group"])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._run("initdb", "-U", "bookwiz", "--auth=trust", "-E", "UTF8", "--no-locale", "-N")
        self.start()

    @property
    def url(self):
        return f"postgresql://bookwiz@127.0.0.1:{self.port}/postgres"

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._folder} -F"
        self._run("pg_ctl", "start", "-w", "-s", "-l", self._folder / "log", "-o", options)

    def stop(self):
        self._run("pg_ctl", "stop", "-w", "-s", "-m", "immediate")

    def remove(self):
        self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program, *arguments):
        command = [self._programs / program, "-D", self._folder / "data", *arguments]
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            **self._who,
        )
