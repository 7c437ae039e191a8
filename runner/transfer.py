"""Bytes over http(s), by signed links: with timeouts, resumed once, and never to another host.

urllib, since a runner needs no more: one request at a time, no cookies, no accounts. What goes
wrong is said without the link: its query opens the file.
"""

import hashlib
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import IO, Any
from urllib.parse import urlsplit

from runner.contract import HASH_HEADER

_TIMEOUT_SECONDS = 30.0  # without a byte
_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)  # while the other side cannot be reached: it may be restarting
_EXPIRED, _PARTIAL, _CREATED = 410, 206, 201
_NO_LONGER = 400  # from here on a status is a refusal
_THEIRS = {500, 502, 503, 504}  # of a proxy whose bot is away: tried again


class TransferFailed(Exception):  # noqa: N818 - a fact about a wire
    """It did not come, or did not arrive. The words name the host and nothing more."""


class LinkExpired(TransferFailed):
    """The link was of no use any more."""


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where we were going anyway."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage | Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            fp.close()
            raise TransferFailed(f"{_host(req.full_url)} sent us to {_host(newurl)}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


_opener = urllib.request.build_opener(_SameHost)


def is_link(url: str) -> bool:
    return urlsplit(url).scheme in {"http", "https"}


class Download:
    """Reads what a link names as a file is read, *size* bytes from byte *start* on.

    A connection that breaks off is taken up once more where it broke.
    """

    def __init__(self, url: str, size: int, *, start: int = 0) -> None:
        self._url, self.size, self._at = url, size, start
        self._resumes = 1
        self._response = self._open() if start < size else None

    def read(self, most: int = -1) -> bytes:
        """Give the next bytes: *most*, or all; fewer only at an end. Raises TransferFailed."""
        wanted = self.size - self._at if most < 0 else min(most, self.size - self._at)
        parts: list[bytes] = []
        while wanted and self._response is not None:
            try:
                part = self._response.read(wanted)
            except (OSError, http.client.HTTPException):
                part = b""
            if not part and parts and not self._resumes:
                break  # what has come is worth keeping; the next read says what happened
            if not part:
                self._resume()
                continue
            parts.append(part)
            wanted -= len(part)
            self._at += len(part)
        return b"".join(parts)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()

    def _resume(self) -> None:
        self.close()
        if not self._resumes:
            raise TransferFailed(
                f"{_host(self._url)} broke off after {self._at} of {self.size} bytes"
            )
        self._resumes -= 1
        self._response = self._open()

    def _open(self) -> Any:
        headers = {"Range": f"bytes={self._at}-"} if self._at else {}
        response = _opened(urllib.request.Request(self._url, headers=headers))  # noqa: S310 - is_link
        said = response.headers.get("Content-Range", "")
        begins = response.status == _PARTIAL and said.startswith(f"bytes {self._at}-")
        length = int(response.headers.get("Content-Length") or -1)
        if (self._at and not begins) or length != self.size - self._at:
            response.close()
            raise TransferFailed(
                f"{_host(self._url)} has {length} bytes where {self.size - self._at} were announced"
            )
        return response


@contextmanager
def downloading(url: str, size: int, *, start: int = 0) -> Iterator[Download]:
    download = Download(url, size, start=start)
    try:
        yield download
    finally:
        download.close()


def upload(url: str, data: bytes) -> None:
    """PUT *data*; it has arrived whole when this returns. Raises TransferFailed."""
    headers = {
        HASH_HEADER: hashlib.sha256(data).hexdigest(),
        "Content-Type": "application/octet-stream",
    }
    request = urllib.request.Request(url, data=data, headers=headers, method="PUT")  # noqa: S310 - is_link
    with _opened(request) as response:
        if response.status != _CREATED:
            raise TransferFailed(f"{_host(url)} answered {response.status}")


def _opened(request: urllib.request.Request) -> Any:
    """The response, after some patience with a host that is away."""
    for pause in (*_PAUSES, None):
        try:
            return _opener.open(request, timeout=_TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                if error.code not in _THEIRS or pause is None:
                    raise _refused(request.full_url, error) from None
        except (OSError, http.client.HTTPException) as error:
            if pause is None:
                reason = getattr(error, "reason", None) or type(error).__name__
                words = f"{_host(request.full_url)} cannot be reached: {reason}"
                raise TransferFailed(words) from None
        time.sleep(pause)
    raise AssertionError("the last try returns or raises")


def _refused(url: str, error: urllib.error.HTTPError) -> TransferFailed:
    if error.code == _EXPIRED:
        return LinkExpired(f"the link to {_host(url)} expired")
    try:
        said = json.loads(error.read(4096))["problem"]
    except (OSError, ValueError, LookupError, TypeError):
        said = error.reason
    return TransferFailed(f"{_host(url)} answered {error.code}: {said}")


def _host(url: str) -> str:
    return urlsplit(url).hostname or "a host without a name"
