"""One message of the local chat, as the page and ``say`` are told of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.chat.local.markup import blocks_for_page
from bot.chat.local.models import LocalMessage
from bot.kit.message import Message


@dataclass(frozen=True)
class Posted:
    """A message that stands in the chat."""

    id: str  #: of a row, or ``p…`` of one that only its addressee ever saw
    channel: str
    thread: str | None
    author: str | None  #: a handle; None: the bot
    message: Message
    private_to: str | None
    at: datetime
    edited_at: datetime | None = None
    version: int = 1
    replies: int = 0
    last_reply_at: datetime | None = None

    @property
    def changed_at(self) -> datetime:
        return self.edited_at or self.at

    def as_json(self, names: Mapping[str, str]) -> dict[str, Any]:
        """What travels: ``message`` for programs, ``blocks`` for the page."""
        author = self.author and {
            "handle": self.author,
            "name": names.get(self.author, "Somebody who left"),
        }
        return {
            "id": self.id,
            "channel": self.channel,
            "thread": self.thread,
            "author": author,
            "private": self.private_to is not None,
            "at": self.at.isoformat(),
            "edited_at": self.edited_at and self.edited_at.isoformat(),
            "version": self.version,
            "replies": self.replies,
            "last_reply_at": self.last_reply_at and self.last_reply_at.isoformat(),
            "pending": self.message.pending,
            "failed": self.message.failed,
            "message": self.message.model_dump(mode="json"),
            "blocks": blocks_for_page(self.message),
        }


def from_row(
    row: LocalMessage, *, replies: int = 0, last_reply_at: datetime | None = None
) -> Posted:
    message = Message.model_validate_json(row.body)
    return Posted(
        id=str(row.id),
        channel=row.channel,
        thread=str(row.thread) if row.thread else None,
        author=row.author,
        message=message,
        private_to=row.private_to,
        at=row.created_at,
        edited_at=row.edited_at,
        version=row.version,
        replies=replies,
        last_reply_at=last_reply_at,
    )
