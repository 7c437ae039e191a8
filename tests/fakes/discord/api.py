"""The REST API: who calls, whether they may, and what the route answers."""

import asyncio
import json
import math
from dataclasses import dataclass, field

from aiohttp import web

from . import schemas
from .checking import findings_of
from .faults import cut
from .refusals import Refused
from .routes import ROUTES
from .routes.declared import Call

INVALID_FORM = 50035


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
    rates: dict = field(default_factory=dict)  # headers that tell of its bucket
    violations: list = field(default_factory=list)

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
        if self.fake.away:
            return await cut(request)
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
        fault = self.fake.faults.take(record.name)
        early = await self._early(fault, record, route, request.match_info)
        headers = {}
        if early is None:
            self._answer(route, record, request.match_info)
            self.fake.crowd.count_invalid(record.status)
            headers = record.rates
        if fault and fault.kind == "lose":
            return await cut(request)
        return early or answered(record.status, record.answer, headers)

    async def _early(self, fault, record, route, parts):
        """Give the answer that comes before anything is done, if there is one."""
        if self.fake.crowd.banned:
            record.status = 429
            return web.Response(status=429, text="error code: 1015", content_type="text/html")
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault and fault.kind == "break":
            record.status = fault.status
            return web.Response(status=fault.status, text="upstream connect error")
        elif fault and fault.kind == "storm":
            headers = {"Via": "1.1 google"} if fault.via else {}
            return self._limited(record, fault.seconds, headers, everywhere=fault.everywhere)
        authorized = route.authorized
        wait, everywhere, record.rates = self.fake.rates.take(record, parts, authorized=authorized)
        if wait is None:
            return None
        headers = record.rates | {"Via": "1.1 google"}
        return self._limited(record, wait, headers, everywhere=everywhere)

    def _limited(self, record, seconds, headers, *, everywhere):
        record.status = 429
        record.answer = {
            "message": "You are being rate limited.",
            "retry_after": round(seconds, 3),
            "global": everywhere,
        }
        self.fake.crowd.count_invalid(429)
        scope = "global" if everywhere else "user"
        told = {"Retry-After": str(math.ceil(seconds)), "X-RateLimit-Scope": scope}
        if everywhere:
            told["X-RateLimit-Global"] = "true"
        return answered(429, record.answer, headers | told)

    def _answer(self, route, record, parts):
        """Do what is asked, and keep the answer in *record*."""
        try:
            self._may(route, record)
            self._check(record, parts)
            call = Call(self.fake, parts, record.body, record.query, record.files, record)
            record.answer = route.does(call)
            record.status = 200 if record.answer is not None else 204
        except Refused as refused:
            record.status, record.answer = refused.status, refused.answer
            if refused.code == INVALID_FORM and not record.violations:
                record.violations = [str(refused.answer.get("errors", refused))]
        except Exception as broken:
            self.fake.violations.append(f"{record.name}: the fake broke, {broken!r}")
            raise
        self.fake.violations += [f"{record.name}: {line}" for line in record.violations]

    def _check(self, record, parts):
        """Refuse what breaks Discord's limits; what only our own rules forbid is kept in mind."""
        found = findings_of(record, self.fake.file_limit_at(parts))
        found.found += schemas.findings_of(record)
        record.violations = found.lines
        if any(code == "FILE_TOO_LARGE" for _, code, _ in found.found):
            raise Refused(413, 40005, "Request entity too large")
        if found:
            raise Refused(400, INVALID_FORM, "Invalid Form Body", found.tree)

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
