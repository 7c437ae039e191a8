"""Keeps everybody out who is not a person at this machine.

The local chat has no login, so it answers to loopback only. A web page elsewhere can make a
visitor's browser send requests here; three things give those away: the Host header (a name that
was rebound to 127.0.0.1 is still that name), the Origin, and that only a same-origin script may
send JSON or a header of ours without asking first.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.chat.local.contract import UPLOAD_HEADER

_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_Run = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refuse(status: int, problem: str, code: str, **more: str) -> web.Response:
    """An error as the page and ``say`` expect it: a sentence and a code."""
    return web.json_response({"problem": problem, "code": code, **more}, status=status)


def guarded(run: _Run) -> _Run:
    """Let only requests of this machine's own pages and programs through to *run*."""

    async def guarded_run(request: web.Request) -> web.StreamResponse:
        response: web.StreamResponse | None = intruder(request)
        if response is None:
            try:
                response = await run(request)
            except web.HTTPException as error:
                response = error
        if not response.prepared:
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        if isinstance(response, web.HTTPException):
            raise response
        return response

    return guarded_run


def intruder(request: web.Request) -> web.Response | None:
    """The refusal, where a request is not from here."""
    if not _is_loopback(request.remote):
        return refuse(403, "The local chat answers only to this machine.", "E_NOT_LOCAL")
    if not _HOST.fullmatch(request.headers.get("Host", "")):
        return refuse(403, "Open the local chat as 127.0.0.1 or localhost.", "E_HOST")
    origin = request.headers.get("Origin")
    strange = origin is not None and origin != f"http://{request.headers['Host']}"
    if strange or request.headers.get("Sec-Fetch-Site") == "cross-site":
        return refuse(403, "Another web page may not use the local chat.", "E_ORIGIN")
    if request.method == "POST":
        ours = UPLOAD_HEADER in request.headers
        if not ours and request.content_type != "application/json":
            return refuse(415, "Send application/json.", "E_CONTENT_TYPE")
    return None


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False
