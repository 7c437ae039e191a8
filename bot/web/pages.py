"""Serves the pages that features declare: read only, for anybody, and nothing that runs in them."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.kit.command import Page, WebPage
from bot.kit.core import Core
from bot.kit.work import Work

# A page is words, pictures and a style of its own. No script runs in it, not even ours: what a
# model or a member wrote stays harmless though an escape were forgotten.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class FeaturePages:
    """A part of the web server: one route for each page of each feature."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def routes(self) -> list[web.AbstractRouteDef]:
        features = self._core.services.features.values()
        return [web.get(p.path, self._answering(p)) for f in features for p in f.pages]

    def _answering(self, page: WebPage) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            services = self._core.services
            async with self._core.database.read() as session:
                work = Work(session, services.clock.now(), page.feature.name, services)
                more = {"query": dict(request.query)} if page.asks else {}
                found = await page.run(work, **request.match_info, **more)
                if found is None:
                    return self._nothing()
                if not found.sha256:
                    words = services.renderer.page(
                        f"{page.feature.name}/{found.template}", found.values
                    )
                    return web.Response(text=words, content_type="text/html", headers=_HEADERS)
            return self._file(found)

        return answer

    def _file(self, page: Page) -> web.StreamResponse:
        path = self._core.services.files.path(page.sha256)
        if not path.exists():
            return self._nothing()
        headers = _HEADERS | {"Content-Type": page.media_type}
        if page.media_type == "text/html":
            headers["Content-Type"] = "text/html; charset=utf-8"
        if page.name:
            headers["Content-Disposition"] = f'attachment; filename="{page.name}"'
        return web.FileResponse(path, headers=headers)

    def _nothing(self) -> web.Response:
        words = self._core.services.renderer.page("kit/nothing.html.j2", {})
        return web.Response(status=404, text=words, content_type="text/html", headers=_HEADERS)
