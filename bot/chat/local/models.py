from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.db import Base


class LocalChannel(Base):
    """A channel of the local chat that everybody sees."""

    __tablename__ = "local_channel"

    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    topic: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime]


class LocalMessage(Base):
    """A message of the local chat as it stands now.

    What only the speaker sees (private commands and their answers) is not here: it lives in the
    process' memory, as on platforms where such answers vanish, so that nothing private is on disk
    that its feature did not put there.
    """

    __tablename__ = "local_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(80), index=True)
    thread: Mapped[int | None] = mapped_column(
        ForeignKey("local_message.id", ondelete="CASCADE"), index=True
    )  #: the message this one replies to
    author: Mapped[str | None] = mapped_column(String(64))  #: a handle; None: the bot
    body: Mapped[str] = mapped_column(Text)  #: a Message, as JSON
    private_to: Mapped[str | None] = mapped_column(String(64))  #: the one handle that sees it
    key: Mapped[str | None] = mapped_column(String(200), unique=True)  #: the outbox' key
    created_at: Mapped[datetime] = mapped_column(index=True)
    edited_at: Mapped[datetime | None] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1)
