"""Files that members attach. Their addresses are signed: no token of ours goes to them."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.kit.command import Refusal, Upload
from bot.kit.files import FileStore

_CHUNK = 1 << 16
_LONGEST_NAME = 150
_SECONDS = aiohttp.ClientTimeout(total=600, sock_connect=10, sock_read=60)
_AGAIN = "Attach it again; or ask for an upload link with /model link."


async def fetch(store: FileStore, attachment: dict[str, Any]) -> Upload:
    """The file that an interaction names, before its address expires.

    Raises:
        Refusal: It is too large or empty, or does not come.
    """
    name = str(attachment.get("filename") or "file")[-_LONGEST_NAME:]
    url = str(attachment.get("url") or "")
    try:
        async with (
            aiohttp.ClientSession(timeout=_SECONDS) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:  # noqa: PLR2004 - a file, whole
                raise _did_not_come(name, f"HTTP {response.status} from {urlsplit(url).netloc}")
            stored = await store.receive(
                _chunks(response), announced=attachment.get("size") or response.content_length
            )
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise _did_not_come(name, type(error).__name__) from error
    return Upload(name=name, sha256=stored.sha256, size=stored.size)


def _did_not_come(name: str, why: str) -> Refusal:
    return Refusal(
        f"{name} could not be fetched from Discord.", code="E_FETCH", got=why[:100], fix=_AGAIN
    )


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in response.content.iter_chunked(_CHUNK):
        yield chunk
