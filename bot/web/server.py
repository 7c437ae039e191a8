"""One aiohttp server for everything this process shows over HTTP."""

from collections.abc import Iterable
from typing import Protocol

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from bot.kit.db import Base, Database
from bot.kit.storage import Troubles

_log = structlog.get_logger(__name__)
_GOODBYE_SECONDS = 5.0


class Part(Protocol):
    """Something with pages of its own."""

    def routes(self) -> list[web.AbstractRouteDef]: ...


class WebServer:
    """Listens while the bot is up. Knows what is served, not by whom.

    ``/healthz`` says that the process runs, ``/readyz`` that its database answers and has the
    schema.
    """

    def __init__(
        self, host: str, port: int, *, database: Database, parts: Iterable[Part], troubles: Troubles
    ) -> None:
        self.host, self.port = host, port  #: after ``start``, the port that was really taken
        self._database = database
        self._application = web.Application(middlewares=[_in_a_sentence(troubles)])
        self._application.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
            ]
        )
        for part in parts:
            self._application.add_routes(part.routes())
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        self._runner = web.AppRunner(
            self._application, shutdown_timeout=_GOODBYE_SECONDS, access_log=None
        )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self.host, self.port).start()
        except OSError:
            await self.stop()
            raise
        self.port = self._runner.addresses[0][1]
        _log.info("web.listening", url=self.url)

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        try:
            async with self._database.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
                there = await connection.run_sync(lambda c: set(inspect(c).get_table_names()))
        except (SQLAlchemyError, OSError):
            return web.Response(status=503, text="the database does not answer\n")
        lacking = sorted(set(Base.metadata.tables) - there)
        if lacking:
            return web.Response(
                status=503, text=f"tables are missing, run bookwiz migrate: {', '.join(lacking)}\n"
            )
        return web.Response(text="ready\n")


def _in_a_sentence(troubles: Troubles) -> Middleware:
    """Whatever breaks is logged here and leaves as a sentence, never as a traceback."""

    @web.middleware
    async def run(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPException, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - what is left is ours, and a visitor reads a sentence
            # The route, not the path: that may be an address which opens something.
            resource = request.match_info.route.resource
            _log.exception("web.failed", route=resource.canonical if resource else "")
            if (refusal := troubles.met(error)) is not None:
                words = {"problem": refusal.problem, "code": refusal.code, "fix": refusal.fix}
                return web.json_response(words, status=507 if refusal.code == "E_STORAGE" else 503)
            words = {
                "problem": "Something broke on our side. Please try once more.",
                "code": "E_SERVER",
            }
            return web.json_response(words, status=500)

    return run
