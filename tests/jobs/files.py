"""A file server as the bot has it, on loopback, with a clock that a test can turn."""

import contextlib
from datetime import timedelta

from bot.kit.files import FileStore
from bot.kit.links import FileLinks, secret_in
from bot.kit.received import Received
from bot.kit.storage import Troubles
from bot.kit.testing import TurnableClock
from bot.web.files import RunnerFiles
from bot.web.server import WebServer

KEY = "trial-0123456789ab"


class FileServer:
    """What it serves is below *folder*."""

    def __init__(self, folder, *, cap=10_000_000, **more):
        self.clock = TurnableClock()
        self.store = FileStore(folder / "files", cap=cap)
        self.received = Received(folder / "received")
        self.datasets = folder / "datasets"
        self.links = FileLinks(secret_in(folder), lambda: self.web.url, self.clock)
        troubles = Troubles(self.told)
        files = RunnerFiles(
            self.links, self.store, self.received, self.datasets, cap=cap, troubles=troubles, **more
        )
        self.web = WebServer("127.0.0.1", 0, database=None, parts=[files], troubles=troubles)

    async def told(self, trouble):
        raise AssertionError(trouble)

    def dataset(self, key, split, data):
        folder = self.datasets / key / "images"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{split}.npy").write_bytes(data)

    def later(self, **delta):
        self.clock.moment += timedelta(**delta)


@contextlib.asynccontextmanager
async def serving(folder, **more):
    server = FileServer(folder, **more)
    await server.web.start()
    try:
        yield server
    finally:
        await server.web.stop()
