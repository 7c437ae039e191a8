"""The REST API: who calls, whether they may, and what the route answers."""

import json
from dataclasses import dataclass, field

from aiohttp import web

from .refusals import Refused
from .routes import ROUTES
from .routes.declared import Call


@dataclass(eq=False)
class Request:
    """One request that the bot made, and what it was answered (None while nothing was)."""

    method: str
    path: str
    route: str
    body: object
    query: dict
    headers: dict
    files: list
    at: float
    answer: object = None
    status: int = 0

    @property
    def name(self):
        """Method and pattern: ``POST /channels/{channel}/messages``."""
        return f"{self.method} {self.route}"


@dataclass(eq=False)
class Api:
    """Serves ``/api/v10/…``."""

    fake: object
    seen: list = field(default_factory=list)

    def add_to(self, app):
        for route in ROUTES:
            app.router.add_route(route.method, f"/api/v10{route.pattern}", self._serving(route))
        app.router.add_route("*", "/{tail:.*}", self._unknown)

    def _serving(self, route):
        async def serve(request):
            return await self._serve(route, request)

        return serve

    async def _serve(self, route, request):
        body, files = await contents(request)
        record = Request(
            request.method,
            request.path.removeprefix("/api/v10"),
            route.pattern,
            body,
            dict(request.query),
            dict(request.headers),
            files,
            self.fake.clock.now(),
        )
        self.seen.append(record)
        try:
            self._may(route, record)
            call = Call(self.fake, request.match_info, body, dict(request.query), files, record)
            record.status, record.answer = 200, route.does(call)
            if record.answer is None:
                record.status = 204
        except Refused as refused:
            record.status, record.answer = refused.status, refused.answer
        return answered(record.status, record.answer)

    def _may(self, route, record):
        """Refuse a call whose token is not the bot's; interactions carry theirs in the path."""
        if not route.authorized:
            return
        if record.headers.get("Authorization") != f"Bot {self.fake.token}" or self.fake.revoked:
            raise Refused(401, 0, "401: Unauthorized")

    async def _unknown(self, request):
        self.fake.unknown_requests.append(f"{request.method} {request.path}")
        return answered(404, {"message": "404: Not Found", "code": 0})


def answered(status, payload, headers=None):
    """Give the answer; its type must be exactly application/json, or discord.py reads a text."""
    if payload is None:
        return web.Response(status=status, headers=headers)
    packed = json.dumps(payload).encode()
    return web.Response(
        status=status, body=packed, headers={"Content-Type": "application/json", **(headers or {})}
    )


async def contents(request):
    """Give the body (of a multipart one: its payload_json) and the files, as (index, name, bytes)."""
    if request.content_type == "multipart/form-data":
        form = await request.post()
        body = json.loads(form["payload_json"]) if "payload_json" in form else {}
        files = [
            (int(name[6:-1]), part.filename, part.file.read())
            for name, part in form.items()
            if name.startswith("files[")
        ]
        return body, files
    if request.content_type == "application/json" and request.can_read_body:
        return await request.json(), []
    return None, []
