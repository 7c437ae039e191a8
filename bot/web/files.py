"""Files for runners on other hosts, by signed links: no listing, no names, nothing else."""

import asyncio
import re
from pathlib import Path
from weakref import WeakValueDictionary

import aiohttp
import structlog
from aiohttp import web

from bot.kit.command import Refusal
from bot.kit.files import SHA256, FileStore
from bot.kit.links import FILE_PATH, IMAGES_PATH, MADE_PATH, FileLinks, LinkExpired, LinkRefused
from bot.kit.received import Received
from bot.kit.storage import Trouble, Troubles, trouble_of
from bot.web.patience import PATIENCE_SECONDS, chunks_of
from runner.contract import DATASET_KEY, HASH_HEADER

_log = structlog.get_logger(__name__)
_SPLITS = {"dev", "board", "shadow"}
_HEADERS = {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": "attachment",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-store",
}


class RunnerFiles:
    """The three routes. What is fetched is whole files that a link names, what is put is new ones."""

    def __init__(
        self,
        links: FileLinks,
        store: FileStore,
        received: Received,
        datasets: Path,
        *,
        cap: int,
        troubles: Troubles,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """*cap*: the most bytes that one attempt may send."""
        self._patience = patience_seconds
        self._links, self._store, self._received = links, store, received
        self._datasets, self._cap, self._troubles = datasets, cap, troubles
        self._sending: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get(FILE_PATH, self.give, allow_head=False),
            web.get(IMAGES_PATH, self.give_images, allow_head=False),
            web.put(MADE_PATH, self.take),
        ]

    async def give(self, request: web.Request) -> web.StreamResponse:
        sha256 = request.match_info["sha256"]
        if not SHA256.fullmatch(sha256):
            return _refuse(404, "E_NO_FILE", "There is no such file.")
        if (refusal := self._refusal(request)) is not None:
            return refusal
        return _file(self._store.path(sha256))

    async def give_images(self, request: web.Request) -> web.StreamResponse:
        dataset, split = request.match_info["dataset"], request.match_info["split"]
        if not re.fullmatch(DATASET_KEY, dataset) or split not in _SPLITS:
            return _refuse(404, "E_NO_FILE", "There is no such file.")
        if (refusal := self._refusal(request)) is not None:
            return refusal
        return _file(self._datasets / dataset / "images" / f"{split}.npy")

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Keep what a runner made, once it is all there and is what it was said to be."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        attempt, said = request.query["attempt"], request.headers.get(HASH_HEADER, "")
        if request.content_length is None or not SHA256.fullmatch(said):
            return _refuse(
                411, "E_REQUEST", f"Say how long it is, and its sha256 in {HASH_HEADER}."
            )
        async with self._sending.setdefault(
            attempt, asyncio.Lock()
        ):  # one by one: they share a cap
            left = self._cap - sum(self._received.of(attempt).values())
            try:
                stored = await self._store.receive(
                    chunks_of(request, seconds=self._patience),
                    announced=request.content_length,
                    cap=left,
                    sha256=said,
                )
                self._received.note(attempt, stored.sha256, stored.size)
            except Refusal as refused:
                status = 413 if refused.code == "E_TOO_LARGE" else 422
                return _refuse(status, refused.code, refused.problem)
            except TimeoutError:  # an OSError, too, so before those
                return _refuse(408, "E_SLOW", "Next to nothing came any more; nothing was kept.")
            except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, ConnectionError):
                return _refuse(400, "E_CUT_OFF", "It ended too early; nothing was kept.")
            except OSError as error:
                _log.exception("files.not_kept", attempt=attempt)
                self._troubles.met(error)
                full = trouble_of(error) == Trouble.FULL
                words = "No space is left" if full else "The store does not answer"
                return _refuse(507, "E_STORAGE", f"{words}; nothing was kept.")
        return web.json_response({"sha256": stored.sha256, "size": stored.size}, status=201)

    def _refusal(self, request: web.Request) -> web.Response | None:
        try:
            self._links.attempt_of(request.method, request.path, request.query)
        except LinkExpired:
            return _refuse(410, "E_LINK_EXPIRED", "This link has expired.")
        except LinkRefused:
            return _refuse(403, "E_LINK", "This link is not valid.")
        return None


def _file(path: Path) -> web.StreamResponse:
    if path.is_symlink() or not path.is_file():
        return _refuse(404, "E_NO_FILE", "There is no such file.")
    response = web.FileResponse(path)
    response.headers.update(_HEADERS)
    return response


def _refuse(status: int, code: str, problem: str) -> web.Response:
    response = web.json_response({"problem": problem, "code": code}, status=status)
    response.headers.update({k: v for k, v in _HEADERS.items() if k != "Content-Type"})
    return response
