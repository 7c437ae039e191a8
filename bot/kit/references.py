"""Whether any row still names a file of the store: asked of every table, also of features to come."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import JSON, String, Text, cast, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from bot.kit.db import Base

_SHORTEST = 64  #: a shorter column holds no sha256


async def is_named(
    session: AsyncSession, sha256: str, *, but: Collection[InstrumentedAttribute[Any]] = ()
) -> bool:
    """Whether a text or a JSON of any row holds *sha256*, apart from the columns *but*."""
    left_out = {column.property.columns[0] for column in but}
    for table in Base.metadata.sorted_tables:
        holding = [
            cast(column, Text).contains(sha256, autoescape=True)
            for column in table.columns
            if column not in left_out and _may_hold(column.type)
        ]
        if holding and await session.scalar(select(1).select_from(table).where(or_(*holding))):
            return True
    return False


def _may_hold(kind: Any) -> bool:
    if isinstance(kind, JSON):
        return True
    return isinstance(kind, String) and (kind.length or _SHORTEST) >= _SHORTEST
