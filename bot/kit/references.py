"""Which files of the store a row still names: asked of every table, also of features to come."""

import re
from collections.abc import AsyncIterator, Collection
from typing import Any

from sqlalchemy import JSON, String, Table, Text, cast, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from bot.kit.db import Base

_SHORTEST = 64  #: a shorter column holds no sha256
_AT_ONCE = 200  #: rows that are read before the event loop has its turn
_HEX = re.compile(f"[0-9a-f]{{{_SHORTEST},}}")


async def is_named(
    session: AsyncSession, sha256: str, *, but: Collection[InstrumentedAttribute[Any]] = ()
) -> bool:
    """Whether a text or a JSON of any row holds *sha256*, apart from the columns *but*."""
    left_out = {column.property.columns[0] for column in but}
    for table in Base.metadata.sorted_tables:
        holding = [
            cast(column, Text).contains(sha256, autoescape=True)
            for column in _columns(table)
            if column not in left_out
        ]
        if holding and await session.scalar(select(1).select_from(table).where(or_(*holding))):
            return True
    return False


async def unnamed(session: AsyncSession, hashes: Collection[str]) -> set[str]:
    """Those of *hashes* that ``is_named`` says no of: all rows are read once, however many they are.

    *session* should look at one moment (``Database.snapshot``), or what moves from one table to
    another meanwhile may be in neither.
    """
    left = set(hashes)
    for table in Base.metadata.sorted_tables:
        if not left:
            break
        async for texts in _texts(session, table):
            for run in _HEX.findall(" ".join(texts)):
                left.difference_update(
                    run[at : at + _SHORTEST] for at in range(len(run) - _SHORTEST + 1)
                )
    return left


async def _texts(session: AsyncSession, table: Table) -> AsyncIterator[list[str]]:
    """All that may hold a hash, some rows at a time and in the order of the primary key."""
    texts = [cast(column, Text) for column in _columns(table)]
    if not texts:
        return
    key = list(table.primary_key.columns)
    rows = (
        select(*key, *texts)
        .where(or_(*(func.length(text) >= _SHORTEST for text in texts)))
        .order_by(*key)
        .limit(_AT_ONCE)
    )
    found = (await session.execute(rows)).all()
    while found:
        yield [text for row in found for text in row[len(key) :] if text is not None]
        after = tuple_(*key) > tuple_(*found[-1][: len(key)])
        found = (await session.execute(rows.where(after))).all()


def _columns(table: Table) -> list[Any]:
    """The columns that may hold a sha256."""
    return [column for column in table.columns if _may_hold(column.type)]


def _may_hold(kind: Any) -> bool:
    if isinstance(kind, JSON):
        return True
    return isinstance(kind, String) and (kind.length or _SHORTEST) >= _SHORTEST
