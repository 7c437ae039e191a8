"""What could not be said where it was meant to be said, and where it went instead.

A private message goes to another account of the same member, and where there is none it waits at
their home. A public one goes to the community's general channel. What was said where only some can
read goes nowhere else. Moderators read one line per place and hour.
"""

from datetime import datetime, timedelta

from sqlalchemy import JSON, String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from bot.community import channels, models
from bot.community.members import Members, the_community
from bot.kit.clock import Clock
from bot.kit.db import Base
from bot.kit.message import Message, Place
from bot.kit.outbox import OutboxMessage, Undeliverable, put_message
from bot.kit.render import Renderer

_KEY = "stranded:"
_SHOWN, _MOST_SHOWN = timedelta(days=30), 5
_KEPT = timedelta(days=90)


class StrandedMessage(Base):
    """One message that could not be said at one place."""

    __tablename__ = "stranded_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(200), index=True)  #: of the outbox
    platform: Mapped[str] = mapped_column(String(20))
    channel: Mapped[str] = mapped_column(String(100))
    private_to: Mapped[str | None] = mapped_column(String(100), index=True)
    why: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(index=True)
    moved_to: Mapped[dict[str, str | None] | None] = mapped_column(
        JSON(none_as_null=True)
    )  #: None: it is kept


class Stranded:
    """Finds another place for what cannot be delivered, and tells the moderators."""

    def __init__(self, people: Members, renderer: Renderer, clock: Clock) -> None:
        self._people, self._renderer, self._clock = people, renderer, clock

    async def rescue(
        self, session: AsyncSession, row: OutboxMessage, error: Exception
    ) -> Place | None:
        """Where that message shall stand instead; None where it is kept."""
        if isinstance(error, Undeliverable) and error.removed:
            return None  # somebody took it away: they do not want it elsewhere
        place = Place.model_validate(row.place)
        community = await the_community(session)
        moderators = await self._people.channel(session, community.id, "moderators")
        other = None
        if isinstance(error, Undeliverable):  # what we cannot say by a defect fails elsewhere, too
            other = await self._elsewhere(session, row, place, community.id)
        now = self._clock.now()
        at = {"key": row.key, "platform": place.platform, "channel": place.channel}
        note = await session.scalar(select(StrandedMessage).filter_by(**at))
        if note is None:  # else new words for it failed once more
            session.add(note := StrandedMessage(**at, private_to=place.private_to))
        note.why = str(error)[:200] if isinstance(error, Undeliverable) else "a defect of ours"
        note.at, note.moved_to = now, other.model_dump() if other else None
        await session.flush()
        if moderators is not None and not _same(moderators, place):
            await self._tell(session, moderators, place, now)
        return other

    async def _elsewhere(
        self, session: AsyncSession, row: OutboxMessage, place: Place, community_id: int
    ) -> Place | None:
        left = select(StrandedMessage.platform, StrandedMessage.channel).filter_by(key=row.key)
        tried = {tuple(found) for found in await session.execute(left)}
        tried.add((place.platform, place.channel))
        if place.private_to is not None:
            ways = await self._ways(session, place)
        elif Message.model_validate_json(row.body).private or (place.room and place.room.people):
            ways = []
        else:
            ways = await self._open(session, place, community_id)
        return next((w for w in ways if (w.platform, w.channel) not in tried), None)

    async def _ways(self, session: AsyncSession, place: Place) -> list[Place]:
        account = await session.scalar(
            select(models.Account).filter_by(platform=place.platform, handle=place.private_to)
        )
        if account is None:
            return []
        ways = await self._people.ways(session, account.member_id)
        return [w for w in ways if w.private_to != place.private_to or w.platform != place.platform]

    async def _open(self, session: AsyncSession, place: Place, community_id: int) -> list[Place]:
        """The general channel, for what everybody could read where it was meant to stand."""
        chosen = {
            purpose.value: found
            for purpose in channels.PURPOSES
            if (found := await self._people.channel(session, community_id, purpose.value))
        }
        moderators = chosen.pop("moderators", None)
        if moderators is not None and _same(moderators, place):
            return []
        general = chosen.get("general")
        open_ = place.public or any(_same(found, place) for found in chosen.values())
        return [general] if general is not None and open_ else []

    async def _tell(
        self, session: AsyncSession, moderators: Place, place: Place, now: datetime
    ) -> None:
        """One line per place and hour; all private messages on a platform are one place."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        private = place.private_to is not None
        stuck = select(StrandedMessage).where(
            StrandedMessage.platform == place.platform, StrandedMessage.at >= hour
        )
        if private:
            stuck = stuck.where(StrandedMessage.private_to.is_not(None))
        else:
            stuck = stuck.where(StrandedMessage.channel == place.channel)
        rows = (await session.scalars(stuck.order_by(StrandedMessage.id))).all()
        moved = [Place.model_validate(row.moved_to) for row in rows if row.moved_to]
        values = {
            "place": place,
            "private": private,
            "count": len({row.key for row in rows}),
            "why": sorted({row.why for row in rows}),
            "moved": {(p.platform, p.channel): p for p in moved}.values(),
            "kept": len({row.key for row in rows if row.moved_to is None}),
        }
        where = "@" if private else place.channel
        await put_message(
            session,
            moderators,
            self._renderer.message("kit/stranded.md.j2", values),
            key=f"{_KEY}{place.platform}/{where}:{hour:%Y-%m-%dT%H}",
            now=now,
            hurry=False,
        )


async def kept_for(session: AsyncSession, member_id: int, *, now: datetime) -> list[Message]:
    """What was meant for that member alone in the last weeks and reached them nowhere, newest first."""
    kept = (
        select(OutboxMessage.body)
        .join(StrandedMessage, StrandedMessage.key == OutboxMessage.key)
        .join(
            models.Account,
            (models.Account.platform == StrandedMessage.platform)
            & (models.Account.handle == StrandedMessage.private_to),
        )
        .where(
            models.Account.member_id == member_id,
            StrandedMessage.moved_to.is_(None),
            StrandedMessage.at > now - _SHOWN,
            OutboxMessage.error.is_not(None),
        )
        .order_by(OutboxMessage.id.desc())
        .limit(_MOST_SHOWN)
    )
    return [Message.model_validate_json(body) for body in await session.scalars(kept)]


async def forget_old(session: AsyncSession, *, now: datetime) -> None:
    await session.execute(delete(StrandedMessage).where(StrandedMessage.at < now - _KEPT))


def _same(one: Place, other: Place) -> bool:
    return (one.platform, one.channel) == (other.platform, other.channel)
