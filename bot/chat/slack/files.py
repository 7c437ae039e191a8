"""Files of members in, ours out."""

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.fetching import did_not_come, fetch, named
from bot.kit.command import Refusal, Upload
from bot.kit.files import FileStore
from bot.kit.message import File, Image

_MOST_KNOWN = 2_000
_READY_SECONDS = (0.1, 0.3, 0.6, 1.0, 2.0)  # how long to wait for a file that Slack still takes in


class Downloads:
    """Fetches what members attached, and gives the token to Slack's file host alone."""

    def __init__(self, store: FileStore, *, host: str, plain_http: bool) -> None:
        """Prepare.

        Args:
            store: Takes the files in, up to its cap.
            host: Slack's file host.
            plain_http: Whether it may be reached without TLS: a fake on this machine.
        """
        self._store, self._host, self._plain = store, host, plain_http

    async def fetch(self, client: AsyncWebClient, file: dict[str, Any]) -> Upload:
        """The file that an event or a form names.

        Raises:
            Refusal: It is too large or empty, lies elsewhere, or does not come.
        """
        known = (
            await self._known(client, file["id"]) if "url_private_download" not in file else file
        )
        name = named(known.get("name"))
        url = str(known.get("url_private_download") or "")
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (self._plain and parts.scheme == "http")
        if not secure or parts.netloc != self._host:
            raise Refusal(
                f"{name} does not lie at Slack, so it is not fetched.",
                code="E_FILE_HOST",
                expected=f"a file at {self._host}",
                got=(parts.netloc or "no address")[:100],
                fix="Download it, and attach the file itself.",
            )
        return await fetch(
            self._store,
            url,
            name=name,
            platform="Slack",
            announced=known.get("size"),
            headers={"Authorization": f"Bearer {client.token}"},
        )

    async def _known(self, client: AsyncWebClient, file: str) -> dict[str, Any]:
        try:
            answer = await client.files_info(file=file)
        except SlackApiError as error:
            raise did_not_come("The file", "Slack", error.response["error"]) from error
        return dict(answer["file"])


class Pictures:
    """Uploads what messages show and offer, each picture once for a workspace."""

    def __init__(self, store: FileStore) -> None:
        self._store = store
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def show(self, client: AsyncWebClient, team: str, image: Image) -> str | None:
        """The id at Slack of a picture; None where it could not be brought there."""
        key = (team, image.sha256)
        if key not in self._known:
            path = self._store.path(image.sha256)
            if not path.is_file():
                return None
            answer = await client.files_upload_v2(
                file=await asyncio.to_thread(path.read_bytes),
                filename=image.name,
                title=image.name,
                alt_txt=image.alt[:1000] or image.name,
            )
            file = answer["files"][0]["id"]
            await self._ready(client, file)
            self._known[key] = file
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    async def _ready(self, client: AsyncWebClient, file: str) -> None:
        """Wait until a message may show it: Slack says so by its media type."""
        for pause in _READY_SECONDS:
            with suppress(SlackApiError):  # without files:read it cannot be asked
                answer = await client.files_info(file=file)
                if not answer["file"].get("mimetype"):
                    await asyncio.sleep(pause)
                    continue
            return

    async def offer(self, client: AsyncWebClient, channel: str, thread: str, file: File) -> None:
        """Share a file in the thread of a message."""
        path = self._store.path(file.sha256)
        if path.is_file():
            await client.files_upload_v2(
                file=await asyncio.to_thread(path.read_bytes),
                filename=file.name,
                title=file.name,
                channel=channel,
                thread_ts=thread,
            )
