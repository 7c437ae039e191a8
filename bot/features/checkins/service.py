"""The rules of checking in. Knows the database, not the chat; never commits."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.checkins.models import CheckIn, Pause
from bot.features.checkins.streaks import WEEK, last_weeks, monday, streak
from bot.kit.command import Person, Refusal

SHOWN_WEEKS = 12
LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True)
class Recorded:
    """A check-in as it was kept."""

    checkin: CheckIn
    replaced: bool  #: something was said of this week before
    streak: int
    planned: str | None  #: what they said a week ago would come next


@dataclass(frozen=True)
class Standing:
    """Where a member stands today, in their own zone."""

    streak: int
    this_week: bool  #: checked in already
    ends: date  #: this week's Sunday
    back: date | None  #: the day a pause ends


@dataclass(frozen=True)
class PastWeek:
    """One week of a member's history."""

    week: date
    checkin: CheckIn | None
    away: bool
    open: bool  #: not over yet


def today(member: Person, now: datetime) -> date:
    """The date it is where *member* is."""
    return now.astimezone(ZoneInfo(member.timezone)).date()


async def record(
    session: AsyncSession, member: Person, *, done: str, next: str, blocked: str, now: datetime
) -> Recorded:
    """Keep what *member* says of their week, in place of what they said of it before."""
    week = monday(today(member, now))
    checkin = await session.scalar(select(CheckIn).filter_by(member_id=member.id, week=week))
    replaced = checkin is not None
    if checkin is None:
        checkin = CheckIn(member_id=member.id, week=week)
        session.add(checkin)
    checkin.done, checkin.next, checkin.blocked, checkin.said_at = done, next, blocked, now
    await session.flush()
    planned = await session.scalar(
        select(CheckIn.next).filter_by(member_id=member.id, week=week - WEEK)
    )
    return Recorded(checkin, replaced, (await standing(session, member, now)).streak, planned)


async def standing(session: AsyncSession, member: Person, now: datetime) -> Standing:
    day = today(member, now)
    weeks = set(await session.scalars(select(CheckIn.week).filter_by(member_id=member.id)))
    pauses = await _pauses(session, member)
    return Standing(
        streak=streak(weeks, [p.away for p in pauses], day),
        this_week=monday(day) in weeks,
        ends=monday(day) + timedelta(days=6),
        back=next((p.until for p in pauses if p.away.covers(day)), None),
    )


async def history(session: AsyncSession, member: Person, now: datetime) -> list[PastWeek]:
    """The last twelve weeks since the member's first check-in, newest first."""
    day = today(member, now)
    said = {
        c.week: c for c in await session.scalars(select(CheckIn).filter_by(member_id=member.id))
    }
    pauses = [p.away for p in await _pauses(session, member)]
    return [
        PastWeek(week, said.get(week), away, open=week >= monday(day))
        for week, away in last_weeks(said, pauses, day, most=SHOWN_WEEKS)
    ]


async def pause(
    session: AsyncSession, member: Person, *, until: date, now: datetime
) -> Pause | None:
    """Be away from today *until* a day, or be back now. Gives the pause, None when it is over.

    A pause that runs is moved, not added to. What was frozen stays frozen.

    Raises:
        Refusal: The day is not to come, or further away than a year.
    """
    day = today(member, now)
    running = next((p for p in await _pauses(session, member) if p.away.covers(day)), None)
    if until <= day:
        if running is None:
            raise Refusal(
                "That day is not in the future.",
                code="E_DATE",
                expected=f"the day you are back, after {day.isoformat()}",
                got=until.isoformat(),
                fix="Choose a later day.",
                field="until",
            )
        running.until = day
        return None
    if until - day > LONGEST_PAUSE:
        raise Refusal(
            "That is more than a year away.",
            code="E_DATE",
            expected=f"a day up to {(day + LONGEST_PAUSE).isoformat()}",
            got=until.isoformat(),
            fix="Choose an earlier day; you can move it later on.",
            field="until",
        )
    if running is None:
        running = Pause(member_id=member.id, begins=day)
        session.add(running)
    running.until = until
    return running


async def _pauses(session: AsyncSession, member: Person) -> list[Pause]:
    found = select(Pause).filter_by(member_id=member.id).order_by(Pause.id)
    return list(await session.scalars(found))
