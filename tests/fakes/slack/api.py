"""The Web API: who calls, whether they may, and what the method answers."""

import asyncio
import json
from dataclasses import dataclass, field

from aiohttp import web

from .faults import cut
from .methods import METHODS
from .methods.declared import Call, SlackError


@dataclass(eq=False)
class Request:
    """One request that the app made, and what it was answered (None while nothing was)."""

    method: str
    args: dict
    headers: dict
    at: float
    token: str
    answer: dict | None = None
    status: int = 200


@dataclass(eq=False)
class Api:
    """Serves ``/api/<method>``."""

    fake: object
    seen: list = field(default_factory=list)

    async def serve(self, request):
        """Answer one call."""
        name = request.match_info["method"]
        args = await arguments(request)
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        given = bearer if bearer and not bearer.startswith("Basic ") else args.pop("token", "")
        record = self.fake.record(name, dict(args), request.headers, given)
        fault = self.fake.faults.take(name)
        if fault and (early := await self._early(fault, record)):
            return early
        record.answer, headers = self._answer(name, args, request.headers, given)
        if record.answer.get("error") == "ratelimited":
            record.status = 429
        self.fake.bell.ring()
        if fault and fault.kind == "lose":
            await cut(request)
        return web.json_response(record.answer, status=record.status, headers=headers)

    async def _early(self, fault, record):
        """Give the answer of a fault that comes before anything is done."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "storm":
            record.status, record.answer = 429, {"ok": False, "error": "ratelimited"}
            self.fake.bell.ring()
            wait = {"Retry-After": str(int(fault.seconds))}
            return web.json_response(record.answer, status=429, headers=wait)
        elif fault.kind == "break":
            record.status = fault.status
            self.fake.bell.ring()
            return web.Response(status=fault.status, text="<html>internal error</html>")
        return None

    def _answer(self, name, args, headers, given):
        """Give the answer and its headers."""
        try:
            method = _named(name)
            token = self._may(method, given)
            team = token.team if token else None
            if wait := self.fake.rates.wait_for(method, team, args.get("channel")):
                return {"ok": False, "error": "ratelimited"}, {"Retry-After": str(wait)}
            call = Call(self.fake, team, token, args, headers)
            answer = {"ok": True, **method.does(call)}
        except SlackError as refused:
            return refused.answer, {}
        scopes = {"x-oauth-scopes": ",".join(sorted(token.scopes))} if token else {}
        return json.loads(json.dumps(answer)), scopes

    def _may(self, method, given):
        """Give the token of a call, or refuse it."""
        if method.token is None:
            return None
        if not given:
            raise SlackError("not_authed")
        token = self.fake.tokens.get(given)
        if token is None:
            raise SlackError("invalid_auth")
        if token.team is not None and token.team.gone:
            raise SlackError("account_inactive")
        if token.revoked:
            raise SlackError("token_revoked")
        if token.kind != method.token:
            raise SlackError("not_allowed_token_type")
        if method.scopes and not token.scopes & set(method.scopes):
            raise SlackError(
                "missing_scope",
                needed=method.scopes[0],
                provided=",".join(sorted(token.scopes)),
            )
        return token


def _named(name):
    if name not in METHODS:
        raise SlackError("unknown_method", req_method=name)
    return METHODS[name]


async def arguments(request):
    """Give the arguments of a call, from wherever they stand in it."""
    args = dict(request.query)
    if request.content_type == "application/json":
        args |= await request.json()
    elif request.method == "POST":
        args |= dict(await request.post())
    return {name: value for name, value in args.items() if value is not None}
