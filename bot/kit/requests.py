"""Requests that a platform may bring twice, and that are carried out once.

Gateways replay what they are not sure of, and events come again when the answer was late. The row is
written in the transaction of the command: what was refused or failed wrote none, and may come again.
"""

from datetime import datetime, timedelta

from sqlalchemy import String, delete, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from bot.kit.db import Base
from bot.kit.keys import LONGEST, fitting

KEPT = timedelta(days=1)  # far longer than any platform repeats itself


class HandledRequest(Base):
    """One request of a platform that was carried out."""

    __tablename__ = "handled_request"

    key: Mapped[str] = mapped_column(String(LONGEST), primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)


async def first(session: AsyncSession, key: str, *, now: datetime) -> bool:
    """Whether the request of that key is carried out here for the first time. "" always is."""
    if not key:
        return True
    try:
        async with session.begin_nested():
            await session.execute(insert(HandledRequest).values(key=fitting(key), at=now))
    except IntegrityError:
        return False
    return True


async def forget_old(session: AsyncSession, *, now: datetime) -> None:
    await session.execute(delete(HandledRequest).where(HandledRequest.at < now - KEPT))
