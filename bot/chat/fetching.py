"""Files that members attach, from wherever their platform keeps them."""

from collections.abc import AsyncIterator, Mapping

import aiohttp

from bot.kit.command import Refusal, Upload
from bot.kit.files import FileStore

_CHUNK = 1 << 16
_LONGEST_NAME = 150
_SECONDS = aiohttp.ClientTimeout(total=600, sock_connect=10, sock_read=60)
_AGAIN = "Attach it again; or ask for an upload link with /model link."


def named(name: object) -> str:
    """A file's name without the folders before it."""
    return str(name or "file").replace("\\", "/").rpartition("/")[2][-_LONGEST_NAME:] or "file"


def did_not_come(name: str, platform: str, why: str) -> Refusal:
    return Refusal(
        f"{name} could not be fetched from {platform}.", code="E_FETCH", got=why[:100], fix=_AGAIN
    )


async def fetch(
    store: FileStore,
    url: str,
    *,
    name: str,
    platform: str,
    announced: int | None,
    headers: Mapping[str, str] | None = None,
) -> Upload:
    """Fetch the file at *url* into the store.

    Args:
        store: Takes it in, up to its cap.
        url: Where it is. No redirect is followed: *headers* would go along.
        name: What it is called.
        platform: Whose address it is, for the words of a refusal.
        announced: How many bytes are said to come, if that is known.
        headers: What lets us in there.

    Raises:
        Refusal: It is too large or empty, or does not come.
    """
    try:
        async with (
            aiohttp.ClientSession(timeout=_SECONDS) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            page = response.content_type == "text/html" and not name.endswith((".htm", ".html"))
            if response.status != 200 or page:  # noqa: PLR2004 - a sign-in page comes as 200
                why = f"HTTP {response.status}{', a page' if page else ''}"
                raise did_not_come(name, platform, why)
            size = announced or response.content_length
            stored = await store.receive(_chunks(response), announced=size)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise did_not_come(name, platform, type(error).__name__) from error
    return Upload(name=name, sha256=stored.sha256, size=stored.size)


async def _chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for chunk in response.content.iter_chunked(_CHUNK):
        yield chunk
