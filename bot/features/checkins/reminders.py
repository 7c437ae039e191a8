"""Reminds members at the day and hour they chose, where they are."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    String,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession

from bot.community.members import setting, the_community
from bot.community.models import Community, Member
from bot.features.checkins.declaration import feature
from bot.features.checkins.models import CheckIn, Pause, ReminderTime
from bot.features.checkins.moments import Slot, decide, iso_week
from bot.features.checkins.streaks import WEEK
from bot.kit.command import Person
from bot.kit.schedule import Occurrence
from bot.kit.work import Work

SCHEDULE = "checkins.remind"
SETTING = "checkins.time"  #: the community's default: {"day": 0 is Monday, "hour": …}
_DEFAULT = {"day": 4, "hour": 17}
_MOST_AT_ONCE = 250  # members in one transaction (0.7 s); the next sweep goes on with the rest


@dataclass(frozen=True)
class Chosen:
    """When a member is reminded, and whether."""

    slot: Slot
    enabled: bool


async def chosen(session: AsyncSession, community_id: int, member: Person) -> Chosen:
    default = await setting(session, community_id, SETTING, _DEFAULT)
    row = await session.get(ReminderTime, member.id)
    day = default["day"] if row is None or row.day is None else row.day
    hour = default["hour"] if row is None or row.hour is None else row.hour
    return Chosen(Slot(member.timezone, day, hour), row is None or row.enabled)


async def choose(
    session: AsyncSession,
    member: Person,
    *,
    day: int | None,
    hour: int | None,
    enabled: bool,
    now: datetime,
) -> None:
    """Keep what *member* wants. None leaves the day or the hour as it is."""
    row = await session.get(ReminderTime, member.id)
    if row is None:
        row = ReminderTime(member_id=member.id)
        session.add(row)
    row.day = row.day if day is None else day
    row.hour = row.hour if hour is None else hour
    row.enabled, row.changed_at = enabled, now


async def following(session: AsyncSession, member: Person, slot: Slot, now: datetime) -> datetime:
    """When *member* hears of us next, if nothing changes."""
    week = slot.week(now)
    said = await session.scalar(select(CheckIn.id).filter_by(member_id=member.id, week=week))
    told = await session.get(Occurrence, (SCHEDULE, _key(member.id, week)))
    moment = slot.moment(week)
    return slot.moment(week + WEEK) if said or told or moment <= now else moment


@feature.schedule(
    "remind",
    "Remind members to check in, at the day and hour each chose",
    every=timedelta(seconds=30),
)
async def remind(work: Work) -> None:
    """Tell whoever's moment has come this week, once; note the rest as skipped.

    The number of queries does not grow with the members whose moment has not come.
    """
    community = await the_community(work.session)
    columns = _columns(community, await setting(work.session, community.id, SETTING, _DEFAULT))
    due = {
        _key(member_id, slot.week(work.now)): (member_id, name, decide(slot, work.now, since=since))
        for member_id, name, since, slot in await _due(work, columns)
    }
    if not due:
        return
    # All claims in one statement. Another process that took one of them in the same moment makes
    # this sweep fail as a whole; nothing was said then, and the next one goes on.
    claims = [{"schedule": SCHEDULE, "key": key, "claimed_at": work.now} for key in due]
    await work.session.execute(insert(Occurrence), claims)
    for key, (member_id, name, decision) in due.items():
        if decision == "remind":
            await work.tell(member_id, "reminder.md.j2", {"name": name}, key=f"{SCHEDULE}:{key}")


def _key(member_id: int, week: date) -> str:
    return f"{member_id}:{iso_week(week)}"


def _columns(community: Community, default: dict[str, int]) -> tuple[ColumnElement[Any], ...]:
    """Zone, day and hour of a member, with the community's where they chose none."""
    return (
        func.coalesce(Member.timezone, community.timezone),
        func.coalesce(ReminderTime.day, default["day"]),
        func.coalesce(ReminderTime.hour, default["hour"]),
    )


async def _due(
    work: Work, columns: tuple[ColumnElement[Any], ...]
) -> list[tuple[int, str, datetime, Slot]]:
    """Members whose moment of this week has come and who have not been looked at since.

    First which moments there are (a few hundred, however many members), then who waits for one
    that has come. Gives (id, name, since, slot).
    """
    wants = (
        Member.left_at.is_(None),
        or_(ReminderTime.enabled.is_(None), ReminderTime.enabled.is_(True)),
    )
    slots = await work.session.execute(
        select(*columns)
        .outerjoin(ReminderTime, ReminderTime.member_id == Member.id)
        .where(*wants)
        .distinct()
    )
    # The week and the day are those of the slot's own zone: two or three at any moment.
    come: dict[tuple[date, date], list[Slot]] = defaultdict(list)
    for slot in (Slot(*row) for row in slots):
        if slot.has_come(work.now):
            today = work.now.astimezone(ZoneInfo(slot.zone)).date()
            come[slot.week(work.now), today].append(slot)
    if not come:
        return []
    rows = await work.session.execute(
        select(Member.id, Member.name, Member.joined_at, ReminderTime.changed_at, *columns)
        .outerjoin(ReminderTime, ReminderTime.member_id == Member.id)
        .where(*wants, or_(*(_waits(columns, *days, slots) for days, slots in come.items())))
        .order_by(Member.id)
        .limit(_MOST_AT_ONCE)
    )
    return [
        (id_, name, max(joined, changed or joined), Slot(zone, day, hour))
        for id_, name, joined, changed, zone, day, hour in rows
    ]


def _waits(
    columns: tuple[ColumnElement[Any], ...], week: date, today: date, slots: Sequence[Slot]
) -> ColumnElement[bool]:
    """Has one of *slots*, has not checked in, is not away and was not looked at this *week*."""
    key = cast(Member.id, String) + literal(f":{iso_week(week)}")
    return and_(
        tuple_(*columns).in_([(s.zone, s.day, s.hour) for s in slots]),
        ~exists().where(CheckIn.member_id == Member.id, CheckIn.week == week),
        ~exists().where(Pause.member_id == Member.id, Pause.begins <= today, Pause.until > today),
        ~exists().where(Occurrence.schedule == SCHEDULE, Occurrence.key == key),
    )
