"""Discord's CDN, on an origin of its own: links to files are signed, and expire."""

import mimetypes
from dataclasses import dataclass, field
from urllib.parse import quote

from aiohttp import web

from .world import Attachment

SECONDS_OF_A_LINK = 24 * 60 * 60


@dataclass(frozen=True)
class Download:
    """One request for a file, and the Authorization it came with (there must be none)."""

    path: str
    authorization: str | None
    status: int


@dataclass(eq=False)
class Cdn:
    """All files, and who asked for them."""

    fake: object
    base: str = ""
    by_id: dict = field(default_factory=dict)
    downloads: list[Download] = field(default_factory=list)
    broken: bool = False  # every download fails with 500

    def keep(self, name, content, *, mimetype=None, description=None):
        """Store a file, and give it as an attachment."""
        kind = mimetype or mimetypes.guess_type(name)[0] or "application/octet-stream"
        file = Attachment(self.fake.ids(), name, bytes(content), self, kind, description)
        self.by_id[file.id] = file
        return file

    def sign(self, file):
        """Give a link to a file."""
        until = int(self.fake.clock.now() + SECONDS_OF_A_LINK)
        signed = f"ex={until:x}&is={file.id:x}&hm=fake"
        return f"{self.base}/attachments/{file.id}/{quote(file.name)}?{signed}"

    def app(self):
        app = web.Application()
        app.router.add_get("/attachments/{id}/{name}", self._download)
        app.router.add_route("*", "/{tail:.*}", self._unknown)
        return app

    async def _download(self, request):
        file = self.by_id.get(int(request.match_info["id"]))
        until = int(request.query.get("ex") or "0", 16)
        if self.broken:
            return self._asked(request, web.Response(status=500))
        if file is None or f"{file.id:x}" != request.query.get("is"):
            return self._asked(request, web.Response(status=404))
        if until < self.fake.clock.now():
            text = "This content is no longer available."
            return self._asked(request, web.Response(status=404, text=text))
        answer = web.Response(body=file.content, content_type=file.mimetype.partition(";")[0])
        return self._asked(request, answer)

    async def _unknown(self, request):
        return self._asked(request, web.Response(status=404))

    def _asked(self, request, answer):
        given = request.headers.get("Authorization")
        self.downloads.append(Download(request.path, given, answer.status))
        return answer
