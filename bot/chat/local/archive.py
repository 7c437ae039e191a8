"""Looks up what a person may see in the local chat. Changes nothing."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.chat.local.models import LocalChannel, LocalMessage
from bot.chat.local.posted import Posted, from_row
from bot.community.models import Account, Member
from bot.kit.command import Role
from bot.kit.outbox import OutboxMessage

PAGE = 100
_MOST_MISSED = 500


@dataclass(frozen=True)
class Somebody:
    """An account of the local chat."""

    handle: str
    name: str
    role: Role

    def as_json(self) -> dict[str, Any]:
        return {"handle": self.handle, "name": self.name, "role": self.role.name.lower()}


@dataclass(frozen=True)
class Span:
    """Which part of a channel is asked for."""

    channel: str
    thread: str | None = None
    after: int | None = None
    before: int | None = None
    whispers: list[Posted] = field(default_factory=list)  #: what only this person sees, anywhere


async def people(session: AsyncSession) -> list[Somebody]:
    found = await session.execute(_accounts().order_by(Member.id))
    return [Somebody(handle, name, Role(role)) for handle, name, role in found]


async def somebody(session: AsyncSession, handle: str) -> Somebody | None:
    found = (await session.execute(_accounts().where(Account.handle == handle))).one_or_none()
    return Somebody(found[0], found[1], Role(found[2])) if found else None


async def names_of(session: AsyncSession, handles: Collection[str]) -> dict[str, str]:
    if not handles:
        return {}
    found = await session.execute(_accounts().where(Account.handle.in_(handles)))
    return {handle: name for handle, name, _ in found}


async def channels(session: AsyncSession, handle: str) -> list[dict[str, Any]]:
    """The channels, and the one in which the bot writes to *handle* alone; with their last ids."""
    seen = select(LocalMessage.channel, func.max(LocalMessage.id)).group_by(LocalMessage.channel)
    found = await session.execute(_visible(seen, handle))
    newest = {name: last for name, last in found}  # noqa: C416 - dict() takes no rows
    rows = await session.scalars(select(LocalChannel).order_by(LocalChannel.created_at))
    shown = [{"name": r.name, "topic": r.topic, "direct": False} for r in rows]
    if handle:
        shown.append({"name": f"@{handle}", "topic": "Between Bookwiz and you", "direct": True})
    return [{**channel, "last": newest.get(channel["name"], 0)} for channel in shown]


async def history(session: AsyncSession, handle: str, span: Span) -> tuple[list[Posted], bool]:
    """A page of a channel or a thread, oldest first, and whether there is more before it."""
    wanted = _visible(select(LocalMessage), handle).where(LocalMessage.channel == span.channel)
    if span.thread is None:
        wanted = wanted.where(LocalMessage.thread.is_(None))
    else:
        root = int(span.thread)
        wanted = wanted.where(or_(LocalMessage.id == root, LocalMessage.thread == root))
    if span.before is not None:
        wanted = wanted.where(LocalMessage.id < span.before)
    if span.after is not None:
        wanted = wanted.where(LocalMessage.id > span.after).order_by(LocalMessage.id)
    else:
        wanted = wanted.order_by(LocalMessage.id.desc())
    rows = sorted((await session.scalars(wanted.limit(PAGE + 1))).all(), key=lambda row: row.id)
    more = len(rows) > PAGE
    rows = (rows[:PAGE] if span.after is not None else rows[-PAGE:]) if more else rows
    threads = await _replies(session, handle, [row.id for row in rows])
    posted = [from_row(row, **threads.get(row.id, {})) for row in rows]
    return _merged(posted, span, more), more


async def missed(session: AsyncSession, handle: str, since: datetime) -> list[Posted] | None:
    """What changed from *since* on, in order; None when that is too much to tell one by one."""
    changed = or_(LocalMessage.created_at >= since, LocalMessage.edited_at >= since)
    wanted = _visible(select(LocalMessage), handle).where(changed).order_by(LocalMessage.id)
    rows = (await session.scalars(wanted.limit(_MOST_MISSED + 1))).all()
    return None if len(rows) > _MOST_MISSED else [from_row(row) for row in rows]


async def by_key(
    session: AsyncSession, handle: str, key: str
) -> tuple[Posted | None, OutboxMessage | None]:
    """The message of that outbox key as it stands, and what the outbox wants it to be."""
    row = await session.scalar(_visible(select(LocalMessage), handle).filter_by(key=key))
    wanted = await session.scalar(select(OutboxMessage).filter_by(key=key))
    return (from_row(row) if row else None), wanted


def _accounts() -> Select[str, str, int]:
    return (
        select(Account.handle, Member.name, Member.role)
        .join(Member, Member.id == Account.member_id)
        .where(Account.platform == "local", Member.left_at.is_(None))
    )


def _visible(query: Any, handle: str) -> Any:
    return query.where(or_(LocalMessage.private_to.is_(None), LocalMessage.private_to == handle))


async def _replies(
    session: AsyncSession, handle: str, roots: list[int]
) -> dict[int, dict[str, Any]]:
    counted = (
        select(LocalMessage.thread, func.count(), func.max(LocalMessage.created_at))
        .where(LocalMessage.thread.in_(roots))
        .group_by(LocalMessage.thread)
    )
    found = await session.execute(_visible(counted, handle))
    return {root: {"replies": count, "last_reply_at": last} for root, count, last in found}


def _merged(rows: list[Posted], span: Span, more: bool) -> list[Posted]:
    """Put what only this person sees among the rows, by the time it was said."""
    if span.before is not None or span.after is not None:
        return rows
    since = rows[0].at if rows and more else None
    here = [
        w
        for w in span.whispers
        if w.channel == span.channel
        and w.thread == span.thread
        and (since is None or w.at >= since)
    ]
    return sorted([*rows, *here], key=lambda posted: posted.at)


async def is_root(session: AsyncSession, handle: str, channel: str, thread: str) -> bool:
    """Whether a thread can hang on that message."""
    if not thread.isdigit():
        return False
    wanted = _visible(select(LocalMessage.id), handle).where(
        LocalMessage.id == int(thread),
        LocalMessage.channel == channel,
        LocalMessage.thread.is_(None),
    )
    return await session.scalar(wanted) is not None
