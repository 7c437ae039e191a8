"""Makes one member of two, and two of one. Every row that points to a member follows."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Column, Table, UniqueConstraint, and_, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.facts import MembersJoined, MemberSplit
from bot.community.models import Account, Member
from bot.kit.command import Role
from bot.kit.db import Base
from bot.kit.work import Work


def references() -> list[tuple[Table, Column[int]]]:
    """Every column of every table that names a member."""
    member = Member.__table__.c.id
    return [
        (table, column)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if any(key.column is member for key in column.foreign_keys)
    ]


async def make_one(work: Work, first_id: int, second_id: int) -> Member:
    """Join two members into the one who was here first, and give that one."""
    session = work.session
    found = select(Member).where(Member.id.in_([first_id, second_id])).order_by(Member.id)
    kept, gone = (await session.scalars(found.with_for_update())).all()
    await work.announce(MembersJoined(kept.id, gone.id))
    await session.flush()
    for table, column in references():
        await _move(session, table, column, kept.id, gone.id)
    kept.timezone = kept.timezone or gone.timezone
    kept.role = max(kept.role, gone.role)
    # What is shown to others, both must have wanted.
    kept.public, kept.open = kept.public and gone.public, kept.open and gone.open
    kept.joined_at = min(kept.joined_at, gone.joined_at)
    kept.left_at = None
    await session.delete(gone)
    await session.flush()
    return kept


async def make_two(work: Work, account: Account, *, name: str, now: datetime) -> Member:
    """Let *account* go on as a member of its own, who begins anew; what there is stays."""
    before = await work.session.get_one(Member, account.member_id)
    member = Member(
        community_id=before.community_id,
        name=name[:80],
        timezone=before.timezone,
        role=int(Role.MEMBER),
        joined_at=now,
    )
    work.session.add(member)
    await work.session.flush()
    account.member_id = member.id
    await work.session.flush()
    await work.announce(MemberSplit(before.id, member.id))
    return member


async def _move(
    session: AsyncSession, table: Table, column: Column[int], kept_id: int, gone_id: int
) -> None:
    """Point all rows that name the one at the other, but those of which there can be one."""
    other = table.alias()
    for key in _unique(table, column):
        same = [table.c[c.name] == other.c[c.name] for c in key if c is not column]
        twin = exists().where(and_(other.c[column.name] == kept_id, *same))
        await session.execute(delete(table).where(column == gone_id, twin))
    moved = update(table).where(column == gone_id).values({column.name: kept_id})
    await session.execute(moved)


def _unique(table: Table, column: Column[int]) -> Iterator[list[Column[int]]]:
    """The keys of *table* that the column is part of."""
    keys = [table.primary_key, *(c for c in table.constraints if isinstance(c, UniqueConstraint))]
    for key in keys:
        if column.name in key.columns:
            yield list(key.columns)
    for index in table.indexes:
        # An index over some of the rows is its feature's to mind.
        partial = any(index.dialect_options[d].get("where") is not None for d in _DIALECTS)
        if index.unique and not partial and column.name in index.columns:
            yield list(index.columns)


_DIALECTS = ("sqlite", "postgresql")
