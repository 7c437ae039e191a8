"""What waits to be sent and what was given up."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.kit.outbox import OutboxJob, OutboxMessage, give_ups


@dataclass(frozen=True)
class Outbox:
    """What the courier still has to carry, and what it could not."""

    messages: int
    jobs: int
    given_up: list[OutboxMessage]  #: newest first, at most 50


async def outbox(session: AsyncSession) -> Outbox:
    messages, jobs = [
        await session.scalar(select(func.count()).select_from(row).where(row.waiting)) or 0
        for row in (OutboxMessage, OutboxJob)
    ]
    return Outbox(messages, jobs, await give_ups(session))
