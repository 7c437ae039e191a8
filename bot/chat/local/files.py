"""Files of the local chat: in as streams with a cap, out so that no browser runs them."""

from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from urllib.parse import quote

import aiohttp
from aiohttp import web

from bot.chat.local.contract import UPLOAD_HEADER
from bot.chat.local.guard import guarded, intruder, refuse
from bot.kit.command import Refusal
from bot.kit.files import FileStore

_CHUNK = 1 << 16
#: Pictures that cannot carry a script, by their first bytes. SVG can.
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_LONGEST_NAME = 150


class LocalFiles:
    """The two routes about files."""

    def __init__(self, store: FileStore) -> None:
        self._store = store

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/api/uploads", guarded(self.receive), expect_handler=self._go_ahead),
            web.get("/api/files/{sha256}/{name}", guarded(self.give)),
        ]

    async def receive(self, request: web.Request) -> web.StreamResponse:
        """Take a file in as it comes; what is announced too large is refused before any of it."""
        if UPLOAD_HEADER not in request.headers:
            return refuse(415, f"Uploads carry the header {UPLOAD_HEADER}.", "E_CONTENT_TYPE")
        name = PurePosixPath(request.query.get("name", "").replace("\\", "/")).name
        name = name[-_LONGEST_NAME:]
        if not name:
            return refuse(400, "Say what the file is called, such as ?name=model.onnx.", "E_NAME")
        try:
            stored = await self._store.receive(_chunks(request), announced=request.content_length)
        except Refusal as refusal:
            return refused(refusal)
        except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, ConnectionError):
            return refuse(400, "The upload ended too early; nothing was kept.", "E_CUT_OFF")
        return web.json_response({"sha256": stored.sha256, "name": name, "size": stored.size})

    async def give(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        try:
            path = self._store.path(request.match_info["sha256"])
        except KeyError:
            path = None
        if path is None or not path.is_file():
            return refuse(404, "There is no such file.", "E_NO_FILE")
        kind = picture_type(self._store.head(path.name, 12))
        disposition = "inline" if kind else "attachment"
        response = web.FileResponse(path)
        response.headers.update(
            {
                "Content-Type": kind or "application/octet-stream",
                "Content-Disposition": f"{disposition}; filename*=UTF-8''{quote(name, safe='')}",
                "Content-Security-Policy": "sandbox; default-src 'none'",
                "Cache-Control": "private, max-age=31536000, immutable",
            }
        )
        return response

    async def _go_ahead(self, request: web.Request) -> web.StreamResponse | None:
        """Answer ``Expect: 100-continue``: say no to what is too large before it is sent."""
        if (response := intruder(request)) is not None:
            return response
        announced = request.content_length
        if announced is not None and announced > self._store.cap:
            return await self.receive(request)
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None


def picture_type(head: bytes) -> str | None:
    """The media type, where the first twelve bytes are of a picture that is only a picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _PICTURES.items() if head.startswith(magic)), None)


def refused(refusal: Refusal) -> web.Response:
    """A refusal as JSON: 413 for what is too large, else 400."""
    return refuse(
        413 if refusal.code == "E_TOO_LARGE" else 400,
        refusal.problem,
        refusal.code,
        expected=refusal.expected,
        got=refusal.got,
        fix=refusal.fix,
    )


async def _chunks(request: web.Request) -> AsyncIterator[bytes]:
    async for chunk in request.content.iter_chunked(_CHUNK):
        yield chunk
