"""Upload links: a private, short-lived address that takes one file too large for the chat."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.db import Base


class UploadLink(Base):
    """One link that was given out. The secret itself is not kept, its hash is."""

    __tablename__ = "upload_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    platform: Mapped[str] = mapped_column(String(20))
    handle: Mapped[str] = mapped_column(String(100))  #: of the account it was given to
    command: Mapped[str] = mapped_column(String(60))  #: what is run with the file when it is there
    argument: Mapped[str] = mapped_column(String(40))  #: which argument of it the file is
    values: Mapped[dict[str, Any]] = mapped_column(JSON)  #: the other arguments
    place: Mapped[dict[str, Any]] = mapped_column(JSON)  #: where the command is run
    name: Mapped[str] = mapped_column(String(100), default="")
    total: Mapped[int | None] = mapped_column(BigInteger)  #: bytes that were announced
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(String(64))  #: when it is all there
    used_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
