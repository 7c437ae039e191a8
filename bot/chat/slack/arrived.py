"""What of an earlier try arrived at Slack though no answer came, so that it is not said again.

Each part of a message carries the outbox key and its number as metadata, which nobody sees.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.kit.files import FileStore
from bot.kit.message import File

_EVENT = "bookwiz_message"
_PAGE, _PAGES = 200, 5  # of messages since the first try
_SLACK = timedelta(seconds=30)  # clocks differ


def mark(key: str, part: int) -> dict[str, Any]:
    """The metadata of a part."""
    return {"event_type": _EVENT, "event_payload": {"key": key, "part": part}}


async def parts_of(
    client: AsyncWebClient, channel: str, thread: str | None, key: str, since: datetime
) -> dict[int, str]:
    """The parts of the message of *key* that stand there: number → ts."""
    found = {}
    for said in await _said(client, channel, thread, since):
        metadata = said.get("metadata") or {}
        payload = metadata.get("event_payload", {})
        if metadata.get("event_type") == _EVENT and payload.get("key") == key:
            found[int(payload["part"])] = str(said["ts"])
    return found


async def files_of(
    client: AsyncWebClient,
    channel: str,
    thread: str,
    wanted: Collection[File],
    store: FileStore,
    since: datetime,
) -> tuple[str, ...]:
    """Those of the *wanted* files that were shared in the thread, by sha256.

    A share carries no metadata: it is known by its name and size.
    """
    shared = {
        (file.get("name"), file.get("size"))
        for said in await _said(client, channel, thread, since)
        for file in said.get("files") or ()
    }
    return tuple(
        file.sha256
        for file in wanted
        if (path := store.path(file.sha256)).is_file()
        and (file.name, path.stat().st_size) in shared
    )


async def _said(
    client: AsyncWebClient, channel: str, thread: str | None, since: datetime
) -> list[dict[str, Any]]:
    asked: dict[str, Any] = {
        "channel": channel,
        "oldest": str((since - _SLACK).timestamp()),
        "include_all_metadata": True,
        "limit": _PAGE,
    }
    said: list[dict[str, Any]] = []
    cursor = None
    for _ in range(_PAGES):
        if thread:
            answer = await client.conversations_replies(ts=thread, cursor=cursor, **asked)
        else:
            answer = await client.conversations_history(cursor=cursor, **asked)
        said += answer["messages"]
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            break
    return said
