"""Takes the files of upload links: by a page, by ``curl -T``, by any tus 1.0 client (ADR 0019)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import structlog
from aiohttp import web

from bot.kit.command import Refusal
from bot.kit.core import Core
from bot.kit.links import UPLOAD_PATH, LinkExpired, LinkRefused
from bot.kit.partial import NotKept
from bot.kit.uploads import UploadLink, find
from bot.web import upload_requests as requests
from bot.web.patience import PATIENCE_SECONDS, chunks_of
from bot.web.upload_ends import UploadEnds
from bot.web.upload_requests import CutOff, Piece, refusals

_log = structlog.get_logger(__name__)
_SCRIPT = Path(__file__).parent / "upload_page" / "upload.js"
_MOST_AT_ONCE = 20
_RESERVE_BYTES = 200_000_000  #: of the disk, that uploads leave to everything else
# The page runs one script, ours, and speaks to its own address alone.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_Run = Callable[[web.Request, UploadLink], Awaitable[web.StreamResponse]]


class Uploads:
    """A part of the web server. An address opens one row and no other file or path.

    ``HEAD`` says how far the file has come, ``PATCH`` adds a piece, ``PUT`` sends all of it or,
    with a Content-Range, the rest; ``DELETE`` drops what came. With the last byte the command runs
    that the link was given out for.
    """

    def __init__(self, core: Core, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._core, self._patience = core, patience_seconds
        self.ends = UploadEnds(core)
        self._partial = self.ends.partial
        self._busy: dict[str, int] = {}  #: name → bytes of the whole file that is being sent

    def routes(self) -> list[web.AbstractRouteDef]:
        at = UPLOAD_PATH
        return [
            web.get("/upload/upload.js", self.script, allow_head=False),
            web.get(at, self.page, allow_head=False),
            web.get(f"{at}state", self._opened(self.state), allow_head=False),
            web.get(f"{at}offset", self._opened(self.offset), allow_head=False),
            web.head(at, self._opened(self.head)),
            web.patch(at, self._opened(self.patch), expect_handler=self._go_ahead),
            web.delete(at, self._opened(self.forget)),
            web.put(at, self._opened(self.put), expect_handler=self._go_ahead),
            web.put(f"{at}{{name}}", self._opened(self.put), expect_handler=self._go_ahead),
        ]

    async def script(self, _request: web.Request) -> web.StreamResponse:
        response = web.FileResponse(_SCRIPT)
        response.headers.update(_HEADERS | {"Content-Type": "text/javascript; charset=utf-8"})
        return response

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page, or why there is none."""
        services = self._core.services
        try:
            link, refusal = await self._link(request), None
        except Refusal as refused:
            link, refusal = None, refused
        address = (
            services.links.upload(request.match_info["key"], expires=link.expires_at)
            if link
            else ""
        )
        words = services.renderer.page(
            "kit/upload.html.j2", {"link": link, "refusal": refusal, "address": address}
        )
        status = requests.status_of(refusal) if refusal else 200
        return web.Response(status=status, text=words, content_type="text/html", headers=_HEADERS)

    async def state(self, _request: web.Request, link: UploadLink) -> web.StreamResponse:
        """What the page shows."""
        return web.json_response(
            {
                "used": link.used_at is not None,
                "offset": self._offset(link),
                "total": link.total,
                "name": link.name,
                "cap": link.cap,
                "words": link.answer,
            }
        )

    async def offset(self, _request: web.Request, link: UploadLink) -> web.StreamResponse:
        """How many bytes have come, for ``curl -C``."""
        return web.Response(text=f"{self._offset(link)}\n")

    async def head(self, _request: web.Request, link: UploadLink) -> web.StreamResponse:
        length = {"Upload-Defer-Length": "1"}
        if link.total is not None:
            length = {"Upload-Length": str(link.total)}
        return web.Response(headers=requests.TUS | length | self._offset_header(link))

    async def patch(self, request: web.Request, link: UploadLink) -> web.StreamResponse:
        """Add a piece: tus."""
        await self._take(request, link)
        return web.Response(status=204, headers=requests.TUS | self._offset_header(link))

    async def put(self, request: web.Request, link: UploadLink) -> web.StreamResponse:
        """Take all of it, or the rest: curl. Answers in words."""
        words = await self._take(request, link)
        if not words:
            text = f"{self._offset(link)} of {link.total} bytes are here.\n"
            return web.Response(status=202, text=text, headers=self._offset_header(link))
        return web.Response(status=201, text=f"{words}\n")

    async def forget(self, _request: web.Request, link: UploadLink) -> web.StreamResponse:
        """Drop what came; the link stays good for another file."""
        with self._alone(link, total=0):
            await self.ends.begin_again(link)
        return web.Response(status=204, headers=requests.TUS)

    async def _take(self, request: web.Request, link: UploadLink) -> str:
        """Take what *request* carries. Returns what the command said, if that was the last of it."""
        piece = self._checked(request, link)
        with self._alone(link, total=0 if link.sha256 else piece.total):
            if piece.afresh:
                await self.ends.begin_again(link)
            await self.ends.begin(link, name=piece.name, total=piece.total)
            if link.sha256 is None:
                chunks = self._chunks(request, link)
                try:
                    come = await self._partial.append(link.secret_hash, chunks, most=piece.total)
                except NotKept as failed:
                    _log.exception("upload.not_kept", link=link.secret_hash[:16])
                    await self.ends.begin_again(link)
                    raise (
                        self._core.services.troubles.met(failed) or requests.no_room()
                    ) from failed
                if come < piece.total:
                    return ""
                self._busy[link.secret_hash] = 0  # it is all here, and is about to be moved away
            return await self.ends.finish(link)

    def _checked(self, request: web.Request, link: UploadLink) -> Piece:
        """What *request* carries. Raises Refusal for what is not to be sent at all."""
        if link.used_at is not None:
            raise requests.used(link.answer)
        have = self._offset(link)
        piece = requests.piece_of(request, link, have=have)
        room = self._partial.room() - _RESERVE_BYTES - self._promised(link) + have
        if piece.total > room and link.sha256 is None:
            raise requests.no_room()
        return piece

    def _promised(self, link: UploadLink) -> int:
        """How many bytes are still to come by others: each of them saw the same free disk."""
        others = ((n, total) for n, total in self._busy.items() if n != link.secret_hash)
        return sum(max(0, total - self._partial.offset(name)) for name, total in others)

    def _alone(self, link: UploadLink, *, total: int) -> "_Turn":
        """Refuse a second one on the same link, and more at once than we want to serve."""
        if link.secret_hash in self._busy:
            raise requests.busy(int(self._patience))
        if len(self._busy) >= _MOST_AT_ONCE:
            raise requests.crowded()
        return _Turn(self._busy, link.secret_hash, total)

    async def _chunks(self, request: web.Request, link: UploadLink) -> AsyncIterator[bytes]:
        """The body as it comes. Who sends next to nothing is sent away, so that nobody holds on."""
        try:
            async for chunk in chunks_of(request, seconds=self._patience):
                if self._core.services.clock.now() >= link.expires_at:
                    raise requests.expired()
                yield chunk
        except TimeoutError:
            raise requests.slow() from None
        except requests.BREAKS:
            raise CutOff from None

    def _offset(self, link: UploadLink) -> int:
        if link.sha256 is not None and link.total is not None:
            return link.total
        return self._partial.offset(link.secret_hash)

    def _offset_header(self, link: UploadLink) -> dict[str, str]:
        return {"Upload-Offset": str(self._offset(link))}

    def _opened(self, run: _Run) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Let only requests with a link that holds through to *run*; say what is wrong with others."""

        async def opened(request: web.Request) -> web.StreamResponse:
            response: web.StreamResponse
            try:
                requests.refuse_other_sites(request)
                response = await run(request, await self._link(request))
            except refusals as refused:
                response = requests.answer(request, refused)
            response.headers.update(_HEADERS)
            return response

        return opened

    async def _link(self, request: web.Request) -> UploadLink:
        info = request.match_info
        try:
            self._core.services.links.check_upload(info["key"], info["expires"], info["signature"])
        except LinkExpired:
            raise requests.expired() from None
        except LinkRefused:
            raise requests.unknown() from None
        async with self._core.database.read() as session:
            link = await find(session, info["key"])
        if link is None:
            raise requests.replaced()
        return link

    async def _go_ahead(self, request: web.Request) -> web.StreamResponse | None:
        """Answer ``Expect: 100-continue``: say no before anything is sent."""

        async def check(request: web.Request, link: UploadLink) -> web.StreamResponse:
            self._checked(request, link)
            return web.Response()

        response = await self._opened(check)(request)
        if response.status != 200:  # noqa: PLR2004
            return response
        assert request.transport is not None
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return None


class _Turn:
    """Marks a link as being worked on, within a block."""

    def __init__(self, busy: dict[str, int], name: str, total: int) -> None:
        self._busy, self._name, self._total = busy, name, total

    def __enter__(self) -> None:
        self._busy[self._name] = self._total

    def __exit__(self, *_: object) -> None:
        self._busy.pop(self._name, None)
