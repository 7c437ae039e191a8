"""What a request to an upload link means, and every sentence that says no to one."""

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from bot.kit.command import Refusal
from bot.kit.files import too_large
from bot.kit.render import clean
from bot.kit.uploads import UploadLink

VERSION = "1.0.0"
TUS = {"Tus-Resumable": VERSION}
#: a connection that broke, as the server's library says it
BREAKS = (aiohttp.ClientError, aiohttp.http.HttpProcessingError, ConnectionError)
_TYPE = "application/offset+octet-stream"
_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})")
_NUMBER = re.compile(r"\d{1,15}")
_LONGEST_NAME = 100
_ANEW = "Ask for a new one in the chat: /model link for a model, /dataset link for a dataset."
_STATUS = {
    "E_LINK": 404,
    "E_LINK_EXPIRED": 410,
    "E_LINK_USED": 409,
    "E_ORIGIN": 403,
    "E_TUS": 412,
    "E_CONTENT_TYPE": 415,
    "E_LENGTH": 411,
    "E_OFFSET": 409,
    "E_TOO_LARGE": 413,
    "E_STORAGE": 507,
    "E_BUSY": 423,
    "E_CROWDED": 503,
    "E_SLOW": 408,
}


class CutOff(Exception):  # noqa: N818 - nobody is left to hear of it
    """The connection broke. What came stays."""


class Slow(Exception):  # noqa: N818 - a fact about a line
    """Next to nothing comes any more. What came stays."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__()
        self.refusal = refusal


refusals = (Refusal, CutOff, Slow)


@dataclass(frozen=True)
class Piece:
    """A part of a file that a request carries."""

    total: int  #: bytes of the whole file
    name: str  #: of the file; empty where the request does not say
    afresh: bool  #: whether it is another try, from the first byte


def piece_of(request: web.Request, link: UploadLink, *, have: int) -> Piece:
    """What *request* carries, where *have* bytes have come already.

    Raises:
        Refusal: It is too large, or does not go on where the last one ended.
    """
    piece, start, length = _of_tus(request, link) if request.method == "PATCH" else _of_put(request)
    if piece.total > link.cap:
        raise too_large(piece.total, link.cap)
    if piece.total == 0:
        raise Refusal("The file is empty.", code="E_EMPTY_FILE", fix="Export it once more.")
    other = not piece.afresh and link.total not in {None, piece.total}
    if other or (not piece.afresh and start != have):
        raise Refusal(
            "That does not go on where the upload stands.",
            code="E_OFFSET",
            expected=f"the same file of {link.total} bytes"
            if other
            else f"to begin at byte {have}",
            got=f"one of {piece.total} bytes" if other else f"byte {start}",
            fix="Ask for the offset and go on from there, or cancel and begin again.",
        )
    if length is not None and start + length > piece.total:
        raise Refusal("That is more than was announced.", code="E_OFFSET")
    return piece


def _of_tus(request: web.Request, link: UploadLink) -> tuple[Piece, int, int | None]:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise Refusal("Say which version of tus this is.", code="E_TUS", expected=VERSION)
    if request.content_type != _TYPE:
        raise Refusal("A piece comes as bytes.", code="E_CONTENT_TYPE", expected=_TYPE)
    total = _number(request, "Upload-Length") if link.total is None else link.total
    said = request.headers.get("Upload-Length")
    if said is not None:
        total = _number(request, "Upload-Length")
    piece = Piece(total, _name_of(request.headers.get("Upload-Metadata", "")), afresh=False)
    return piece, _number(request, "Upload-Offset"), request.content_length


def _of_put(request: web.Request) -> tuple[Piece, int, int | None]:
    length = request.content_length
    if length is None:
        raise Refusal(
            "Say how long the file is.", code="E_LENGTH", fix="Give curl -T a file, not a pipe."
        )
    name = _clean(request.match_info.get("name", ""))
    said = request.headers.get("Content-Range")
    if said is None:
        return Piece(length, name, afresh=True), 0, length
    found = _RANGE.fullmatch(said)
    if found is None or int(found[2]) - int(found[1]) + 1 != length:
        raise Refusal(
            "That is no range.", code="E_OFFSET", expected="bytes 100-199/200", got=said[:60]
        )
    return Piece(int(found[3]), name, afresh=False), int(found[1]), length


def _number(request: web.Request, header: str) -> int:
    said = request.headers.get(header, "")
    if not _NUMBER.fullmatch(said):
        raise Refusal(
            f"The header {header} is missing.", code="E_LENGTH", expected="a number of bytes"
        )
    return int(said)


def _name_of(metadata: str) -> str:
    """The file's name out of tus' ``filename <base64>,…``."""
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return _clean(base64.b64decode(value, validate=True).decode())
            except (binascii.Error, UnicodeDecodeError):
                return ""
    return ""


def _clean(name: str) -> str:
    return clean(PurePosixPath(name.replace("\\", "/")).name)[-_LONGEST_NAME:].strip()


def refuse_other_sites(request: web.Request) -> None:
    """Refuse what another web page sends. The address is the key; this is the second lock."""
    origin = request.headers.get("Origin")
    # Behind a proxy the scheme is not ours to know; the name is.
    strange = origin is not None and urlsplit(origin).netloc != request.headers.get("Host")
    if strange or request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise Refusal("Another web page may not use this link.", code="E_ORIGIN")


def status_of(refusal: Refusal) -> int:
    return _STATUS.get(refusal.code, 422)


def answer(request: web.Request, refused: Exception) -> web.Response:
    """Say why not: in words to curl, as JSON to the page."""
    if isinstance(refused, Slow):
        refused = refused.refusal
    if not isinstance(refused, Refusal):
        refused = Refusal("The connection broke; what came is kept.", code="E_CUT_OFF")
    status = status_of(refused)
    headers = {"Retry-After": "30"} if status in {408, 423, 503} else {}
    if request.method == "PUT":
        text = f"{_in_words(refused)}\n"
        return web.Response(status=status, text=text, headers=headers)
    body = {name: getattr(refused, name) for name in ("problem", "code", "expected", "got", "fix")}
    return web.json_response(body, status=status, headers=TUS | headers)


def _in_words(refusal: Refusal) -> str:
    """One paragraph and the code; what a command said has its code already."""
    more = [
        f"{name}: {said.rstrip('.')}."
        for name, said in (("Expected", refusal.expected), ("Got", refusal.got))
        if said
    ]
    told = " ".join(part for part in (refusal.problem, *more, refusal.fix) if part)
    return told if told.endswith(f"Code: {refusal.code}") else f"{told} ({refusal.code})"


def unknown() -> Refusal:
    return Refusal(
        "There is no such upload link.", code="E_LINK", fix="Copy the whole address from the chat."
    )


def replaced() -> Refusal:
    return Refusal(
        "This upload link is no longer good: a newer one took its place.",
        code="E_LINK",
        fix=f"Use the newest one. {_ANEW}",
    )


def expired() -> Refusal:
    return Refusal(
        "This upload link has expired.",
        code="E_LINK_EXPIRED",
        fix=_ANEW,
    )


def used(answer: str) -> Refusal:
    return Refusal(
        "This upload link was used already; each takes one file.",
        code="E_LINK_USED",
        got=answer,
        fix=_ANEW,
    )


def busy(seconds: int) -> Refusal:
    return Refusal(
        "Something is being sent by this link right now.",
        code="E_BUSY",
        fix=f"Let the other one finish, or stop it; if it broke off, try again in {seconds} s.",
    )


def crowded() -> Refusal:
    return Refusal(
        "Many are sending files right now.", code="E_CROWDED", fix="Try again in half a minute."
    )


def slow() -> Slow:
    return Slow(
        Refusal(
            "Next to nothing came any more.", code="E_SLOW", fix="Go on when the line is better."
        )
    )


def no_room() -> Refusal:
    return Refusal(
        "Our disk is full; nothing was kept.",
        code="E_STORAGE",
        fix="This is our fault and cost you nothing. Tell a moderator, and try again later.",
    )
