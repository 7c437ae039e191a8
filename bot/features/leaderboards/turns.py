"""Whose turn comes when: the place in the line that a member reads, and about how long it takes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.leaderboards.models import GIVEN, Purpose, State, Submission

_DEFAULT_SECONDS = 3.0  # of an evaluation, before any was measured
_MEASURED = 20  # evaluations, the last ones of a queue


@dataclass(frozen=True)
class Waiting:
    """How long it may take until a submission's turn."""

    ahead: int
    seconds: float  #: until it begins


def in_turn(waiting: Iterable[tuple[str, object]]) -> list[str]:
    """Ids in the order of their turns, from (id, team) in the order in which they came.

    Teams take turns, so everybody's first comes before anybody's second.
    """
    seen: dict[object, int] = defaultdict(int)
    rounds = []
    for place, (id_, team) in enumerate(waiting):
        rounds.append((seen[team], place, id_))
        seen[team] += 1
    return [id_ for _, _, id_ in sorted(rounds)]


def seconds_until(ahead: int, *, usual: float, at_once: int) -> float:
    """How long *ahead* evaluations take where *at_once* run beside each other."""
    return ahead * usual / max(1, at_once)


async def waiting(session: AsyncSession, submission: Submission) -> Waiting:
    """How many are ahead in the queue, and how long they may take: the median of the last 20."""
    return (await waiting_all(session, submission.queue)).get(submission.id, Waiting(0, 0.0))


async def waiting_all(session: AsyncSession, queue: str) -> dict[str, Waiting]:
    """The same of all that wait in a queue or run; re-scorings come after everybody."""
    rows = (
        await session.execute(
            select(Submission.id, Submission.member_id, Submission.purpose, Submission.state)
            .where(
                Submission.queue == queue,
                Submission.state.in_((State.QUEUED, *GIVEN)),
                Submission.lacking == "",  # nobody waits for what no runner takes
            )
            .order_by(Submission.state == State.QUEUED, Submission.position)
        )
    ).all()
    ids = [
        *in_turn((r.id, r.member_id) for r in rows if r.purpose != Purpose.RESCORE),
        *(r.id for r in rows if r.purpose == Purpose.RESCORE),
    ]
    usual = await usual_seconds(session, queue)
    running = sum(r.state == State.RUNNING for r in rows)
    return {
        id_: Waiting(ahead, seconds_until(ahead, usual=usual, at_once=running))
        for ahead, id_ in enumerate(ids)
    }


async def usual_seconds(session: AsyncSession, queue: str) -> float:
    """What an evaluation takes there once it runs: the median of the last 20."""
    spent = await _last_seconds(session, queue)
    return median(spent) if spent else _DEFAULT_SECONDS


async def _last_seconds(session: AsyncSession, queue: str) -> Sequence[float]:
    began = func.coalesce(Submission.started_at, Submission.dispatched_at)
    rows = await session.execute(
        select(Submission.started_at, Submission.dispatched_at, Submission.finished_at)
        .where(Submission.queue == queue, Submission.state == State.SCORED, began.is_not(None))
        .order_by(Submission.finished_at.desc())
        .limit(_MEASURED)
    )
    return [
        (end - begin).total_seconds()
        for started, given, end in rows
        if end and (begin := started or given)
    ]
