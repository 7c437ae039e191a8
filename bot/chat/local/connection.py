"""Finds the running local chat, and speaks its API. For programs on this machine."""

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

from bot.chat.local.contract import ADDRESS_FILE, UPLOAD_HEADER
from bot.config import Settings

_CHUNK = 1 << 18
_ANSWER_SECONDS = 120.0
HOW_TO_START = "Start it with `make demo`, or say where it is with --port."


class Unreachable(Exception):  # noqa: N818 - a fact about the other side
    """There is no local chat to speak to."""


class Rejected(Exception):  # noqa: N818 - an answer
    """The chat understood the request and said no, with a sentence."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        self.status, self.answer = status, answer
        self.code = str(answer.get("code", ""))
        more = [
            f"{name.capitalize()}: {answer[name]}"
            for name in ("expected", "got", "fix", "code")
            if answer.get(name)
        ]
        super().__init__("\n".join([str(answer.get("problem", "")), *more]))


def find(port: int | None) -> str:
    """The address of the running chat.

    Raises:
        Unreachable: None is known. It may still not answer.
    """
    settings = Settings()
    if port is None and "port" in settings.web.model_fields_set:
        port = settings.web.port or None
    if port is not None:
        return f"http://127.0.0.1:{port}"
    for folder in dict.fromkeys((settings.data.absolute(), Path("data").absolute())):
        try:
            noted = json.loads((folder / ADDRESS_FILE).read_text())
        except (OSError, ValueError):
            continue
        if _runs(int(noted["pid"])):
            return str(noted["url"])
    raise Unreachable(f"No running bot was found. {HOW_TO_START}")


class Connection:
    """The API of one local chat, as one person."""

    def __init__(self, url: str, handle: str) -> None:
        self.url, self.handle = url, handle

    def get(self, path: str, **query: str) -> Any:
        return self._ask("GET", f"{path}?{urlencode({'as': self.handle, **query})}")

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps({"as": self.handle, **body}).encode()
        return self._ask("POST", path, [data], len(data), {"Content-Type": "application/json"})

    def upload(self, file: Path) -> dict[str, Any]:
        """Send *file*; what comes back goes into ``uploads`` of the line it belongs to."""
        with file.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            path = f"/api/uploads?{urlencode({'name': file.name})}"
            answer: dict[str, Any] = self._ask(
                "POST", path, _chunks(source), size, {UPLOAD_HEADER: "say"}
            )
            return answer

    def _ask(
        self,
        method: str,
        path: str,
        body: Any = (),
        size: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(
            where.hostname or "127.0.0.1", where.port, timeout=_ANSWER_SECONDS
        )
        try:
            connection.putrequest(method, path)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if size is not None:
                connection.putheader("Content-Length", str(size))
            connection.endheaders()
            _send(connection, body)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(f"No bot answers at {self.url} ({error}). {HOW_TO_START}") from error
        finally:
            connection.close()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise Rejected(response.status, answer)
        return answer


def _send(connection: http.client.HTTPConnection, body: Any) -> None:
    """Send until done or until the other side stops listening: its answer says why."""
    try:
        for chunk in body:
            connection.send(chunk)
    except (BrokenPipeError, ConnectionResetError):
        return


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
