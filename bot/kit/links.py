"""Signed, short-lived addresses: of files, for runners on other hosts; of uploads, for members.

A file link names one method, one path, one attempt and one moment after which it is of no use; an
upload link names one row by a secret, and such a moment. Who holds one needs no account; who changes
anything about it holds nothing.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from bot.kit.clock import Clock

FILE_PATH = "/runner/files/{sha256}"
IMAGES_PATH = "/runner/images/{dataset}/{split}.npy"
MADE_PATH = "/runner/made"
UPLOAD_PATH = "/upload/{key}/{expires}/{signature}/"
LIFETIME = timedelta(days=1)  #: how long an attempt may wait for a runner, beside what it may take
_SECRET_BYTES = 32
ATTEMPT = re.compile(r"[0-9A-Za-z-]{1,40}:[0-9]{1,4}")
_KEY = re.compile(r"[0-9A-Za-z_-]{22}")  # 128 random bits
_EXPIRES = re.compile(r"[0-9]{1,12}")
_QUERY = ["attempt", "expires", "signature"]


class LinkRefused(Exception):  # noqa: N818 - an answer
    """The signature is not ours. Nothing more is said to whoever tries."""


class LinkExpired(LinkRefused):
    """It was ours, and its time is over."""


class FileLinks:
    """Makes and checks the addresses.

    *base* is where the bot is reached from outside, *runners* where runners do, if that differs.
    """

    def __init__(
        self,
        secret: bytes,
        base: Callable[[], str],
        clock: Clock,
        *,
        runners: Callable[[], str] | None = None,
    ) -> None:
        self._runners = runners or base
        self._secret, self._base, self._clock = secret, base, clock

    def digest(self, code: str) -> str:
        """How a code that somebody types is kept: of no use without our secret."""
        return hmac.new(self._secret, f"code:{code}".encode(), hashlib.sha256).hexdigest()

    def file(self, sha256: str, *, attempt: str, lasts: timedelta = LIFETIME) -> str:
        """Where that attempt (``<submission>:<attempt>``) may read a file of the store."""
        return self._signed("GET", FILE_PATH.format(sha256=sha256), attempt, lasts)

    def images(self, dataset: str, split: str, *, attempt: str, lasts: timedelta = LIFETIME) -> str:
        """Where it may read the images of a split, never anything else of the dataset."""
        path = IMAGES_PATH.format(dataset=dataset, split=split)
        return self._signed("GET", path, attempt, lasts)

    def made(self, *, attempt: str, lasts: timedelta = LIFETIME) -> str:
        """Where it may PUT what it made, file by file."""
        return self._signed("PUT", MADE_PATH, attempt, lasts)

    def attempt_of(self, method: str, path: str, query: Mapping[str, str]) -> str:
        """Give the attempt that a request is for.

        Raises:
            LinkExpired: It was, until not long ago.
            LinkRefused: Not signed by us, or for something else.
        """
        attempt, expires = query.get("attempt", ""), query.get("expires", "")
        well_formed = (
            sorted(query) == _QUERY and ATTEMPT.fullmatch(attempt) and _EXPIRES.fullmatch(expires)
        )
        signature = self._signature(method, path, attempt, expires)
        given = query.get("signature", "").encode(errors="replace")
        if not hmac.compare_digest(given, signature.encode()) or not well_formed:
            raise LinkRefused
        if int(expires) <= self._clock.now().timestamp():
            raise LinkExpired
        return attempt

    def upload(self, key: str, *, expires: datetime) -> str:
        """Where the file of the upload that *key* opens may be sent until *expires*."""
        until = str(int(expires.timestamp()))
        signature = self._signature("UPLOAD", UPLOAD_PATH, key, until)
        path = UPLOAD_PATH.format(key=key, expires=until, signature=signature)
        return f"{self._base().rstrip('/')}{path}"

    def check_upload(self, key: str, expires: str, signature: str) -> None:
        """Let an upload's address pass, before anything is looked up for it.

        Raises:
            LinkExpired: It was one, for a while.
            LinkRefused: Not signed by us.
        """
        expected = self._signature("UPLOAD", UPLOAD_PATH, key, expires)
        well_formed = _KEY.fullmatch(key) and _EXPIRES.fullmatch(expires)
        given = signature.encode(errors="replace")
        if not hmac.compare_digest(given, expected.encode()) or not well_formed:
            raise LinkRefused
        if int(expires) <= self._clock.now().timestamp():
            raise LinkExpired

    def _signed(self, method: str, path: str, attempt: str, lasts: timedelta) -> str:
        expires = str(int((self._clock.now() + lasts).timestamp()))
        signature = self._signature(method, path, attempt, expires)
        query = urlencode({"attempt": attempt, "expires": expires, "signature": signature})
        return f"{self._runners().rstrip('/')}{path}?{query}"

    def _signature(self, method: str, path: str, attempt: str, expires: str) -> str:
        # Lines, since no part can hold a line's end unnoticed: parts cannot run into each other.
        words = f"bookwiz file link 1\n{method}\n{path}\n{attempt}\n{expires}"
        return hmac.new(self._secret, words.encode(errors="replace"), hashlib.sha256).hexdigest()


def secret_in(folder: Path) -> bytes:
    """Read the installation's secret; make it, for its owner only, where there is none.

    Raises:
        PermissionError: Others can read it: what it signs is worth nothing.
        ValueError: It is not one of ours, such as a file that was cut short.
    """
    path = folder / "links.secret"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f".{secrets.token_hex(8)}.secret"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # Linked, not renamed: of two that start at once the first one's stays.
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    if path.stat().st_mode & 0o077:
        raise PermissionError(1, "others can read this; delete it and start anew", str(path))
    secret = path.read_bytes()
    if len(secret) != _SECRET_BYTES:
        raise ValueError(f"{path} holds {len(secret)} bytes instead of {_SECRET_BYTES}; delete it")
    return secret
