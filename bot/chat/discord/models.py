"""What the bot has told Discord."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.db import Base


class DiscordCommands(Base):
    """Which commands were registered last: telling Discord anew is limited, and needless."""

    __tablename__ = "discord_commands"

    scope: Mapped[str] = mapped_column(
        String(60), primary_key=True
    )  #: application, and server if only there
    fingerprint: Mapped[str] = mapped_column(String(64))
    told_at: Mapped[datetime]
