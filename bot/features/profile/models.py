from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.db import Base


class LinkCode(Base):
    """The open code of a member who wants to join another account to theirs. Used up by joining."""

    __tablename__ = "link_code"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True
    )
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    platform: Mapped[str] = mapped_column(String(20))  #: the account it was shown to
    handle: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]


class LinkGuess(Base):
    """A code that a member typed and that was none."""

    __tablename__ = "link_guess"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
