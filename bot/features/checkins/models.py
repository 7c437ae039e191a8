from datetime import date, datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.features.checkins.streaks import Away
from bot.kit.db import Base

LONGEST = 1000  #: characters of one answer


class CheckIn(Base):
    """What one member said of one week of theirs. Saying it again replaces it."""

    __tablename__ = "checkin"
    __table_args__ = (UniqueConstraint("member_id", "week"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"))
    week: Mapped[date]  #: the Monday, where the member was when they said it
    done: Mapped[str] = mapped_column(String(LONGEST))
    next: Mapped[str] = mapped_column(String(LONGEST))
    blocked: Mapped[str] = mapped_column(String(LONGEST), default="")
    said_at: Mapped[datetime]


class Pause(Base):
    """Days on which a member is away: they break no streak and bring no reminder."""

    __tablename__ = "checkin_pause"

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    begins: Mapped[date]
    until: Mapped[date]  #: the day they are back

    @property
    def away(self) -> Away:
        return Away(self.begins, self.until)


class ReminderTime(Base):
    """When one member wants to be reminded, in wall time of their own zone, and whether at all.

    No row: as the community's default says.
    """

    __tablename__ = "checkin_reminder"

    member_id: Mapped[int] = mapped_column(
        ForeignKey("member.id", ondelete="CASCADE"), primary_key=True
    )
    day: Mapped[int | None]  #: 0 is Monday; None: the community's default
    hour: Mapped[int | None]  #: None: the community's default
    enabled: Mapped[bool] = mapped_column(default=True)
    changed_at: Mapped[datetime]
