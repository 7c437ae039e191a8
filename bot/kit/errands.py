"""Errands to the desk leave after the commit, survive a crash and are answered once.

A row is written in the transaction that wants the answer. When the desk has one, it is announced as
``Answered`` in the transaction that removes the row. Whoever dies meanwhile finds the row again.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.db import Base
from runner.errands import Errand


class ErrandRow(Base):
    """Something the desk should do. Its key makes asking twice harmless."""

    __tablename__ = "errand"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    feature: Mapped[str] = mapped_column(String(40))  #: who asked
    request: Mapped[dict[str, Any]] = mapped_column(JSON)  #: runner.errands.Errand
    urgent: Mapped[bool] = mapped_column(default=False)  #: before those that are not
    failures: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime]
    asked_at: Mapped[datetime]


Asked = Errand  #: what a row's ``request`` is
