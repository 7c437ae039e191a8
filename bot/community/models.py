from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Connection, ForeignKey, String, UniqueConstraint, event, false
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.command import Role
from bot.kit.db import Base


class Community(Base):
    """People who learn together: a Discord server and/or a Slack workspace, or the local chat."""

    __tablename__ = "community"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    timezone: Mapped[str] = mapped_column(String(50))
    created_at: Mapped[datetime]


class Member(Base):
    """A person in one community, whichever platforms they speak from."""

    __tablename__ = "member"

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(
        ForeignKey("community.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(80))
    timezone: Mapped[str | None] = mapped_column(String(50))  #: None: the community's
    role: Mapped[int] = mapped_column(default=int(Role.MEMBER))  #: given by hand
    public: Mapped[bool] = mapped_column(default=False)  #: may be named on public web pages
    #: members here see the time zone and the accounts
    open: Mapped[bool] = mapped_column(default=False, server_default=false())
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


_LONGEST_SHOWN = 8  # characters


class Account(Base):
    """A member on one platform."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("platform", "handle"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id", ondelete="CASCADE"), index=True)
    platform: Mapped[str] = mapped_column(String(20))
    handle: Mapped[str] = mapped_column(String(64))  #: the platform's own stable id
    space: Mapped[str | None] = mapped_column(String(64))  #: where it spoke last; local: nowhere
    used_at: Mapped[datetime | None]  #: when it spoke last, to the minute
    left_at: Mapped[datetime | None]  #: the platform said that it left; speaking brings it back

    @property
    def shown(self) -> str:
        """What people read of it: a long id of a platform serves to tell two apart only."""
        long = len(self.handle) > _LONGEST_SHOWN
        return f"{f'…{self.handle[-4:]}' if long else self.handle} on {self.platform}"


class Space(Base):
    """A Discord server or Slack workspace where the bot was spoken to."""

    __tablename__ = "space"

    platform: Mapped[str] = mapped_column(String(20), primary_key=True)
    space: Mapped[str] = mapped_column(String(64), primary_key=True)  #: the platform's id
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    seen_at: Mapped[datetime]
    admitted_at: Mapped[datetime | None]  #: None: it is no part of the community


class GroupRole(Base):
    """What those are here who bear a Discord role or are in a Slack user group."""

    __tablename__ = "group_role"

    platform: Mapped[str] = mapped_column(String(20), primary_key=True)
    group: Mapped[str] = mapped_column(String(64), primary_key=True)  #: the platform's id
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id", ondelete="CASCADE"))
    role: Mapped[int]


class StandingRole(Base):
    """What an account is here by what it was in one space when it last spoke there."""

    __tablename__ = "standing_role"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    space: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[int]
    seen_at: Mapped[datetime]  #: to the hour


class Setting(Base):
    """One thing moderators decided for their community, such as which channel takes results."""

    __tablename__ = "setting"

    community_id: Mapped[int] = mapped_column(
        ForeignKey("community.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)


class Audit(Base):
    """One thing somebody with power did. Rows are never changed: triggers refuse it.

    No foreign keys: the row outlives whom it speaks of.
    """

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    community_id: Mapped[int] = mapped_column(index=True)
    actor_id: Mapped[int | None]  #: None: the bot itself
    action: Mapped[str] = mapped_column(String(50))
    subject: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(String(500), default="")
    at: Mapped[datetime]


_REFUSE = "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
#: The statements that make the table append-only, by dialect; migrations carry them as well. A
#: migration that rebuilds the table on SQLite drops its triggers and must run these again.
AUDIT_APPEND_ONLY: dict[str, tuple[str, ...]] = {
    "sqlite": (
        f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit {_REFUSE}",
        f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit {_REFUSE}",
    ),
    "postgresql": (
        """CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$""",
        """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit
        FOR EACH ROW EXECUTE FUNCTION audit_append_only()""",
    ),
}


@event.listens_for(Audit.__table__, "after_create")
def _make_append_only(_table: Any, connection: Connection, **_options: Any) -> None:
    for statement in AUDIT_APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
