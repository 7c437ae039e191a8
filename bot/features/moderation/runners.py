"""What an admin reads about runners: what the engine knows of them, and what features know of their jobs."""

import contextlib
from dataclasses import dataclass
from statistics import median

from bot.community.facts import JobAtWork, QueueLine, RunnersAsked
from bot.kit.jobs import RunnerSeen
from bot.kit.work import Work

_MEASURED = 10  #: jobs, the last ones of a runner


@dataclass(frozen=True)
class Shown:
    """A runner on the list."""

    runner: RunnerSeen
    job: JobAtWork | None
    efficiency: float | None  #: the median of its last jobs
    measured: int  #: how many these were


@dataclass(frozen=True)
class Waiting:
    """A queue on the list."""

    queue: QueueLine
    served: bool | None  #: whether a runner takes it; None: nothing can be said yet


async def seen(work: Work) -> list[RunnerSeen] | None:
    """The runners the engine has heard of; None when it cannot be reached itself."""
    try:
        return await work.services.engine.runners()
    except ConnectionError:
        return None


async def shown(work: Work) -> tuple[list[Shown] | None, list[Waiting]]:
    """Runners by name, and what waits for them."""
    runners = await seen(work)
    asked = RunnersAsked(frozenset(r.busy_with for r in runners or () if r.busy_with))
    await work.announce(asked)
    served: dict[str, bool] = {}
    with contextlib.suppress(ConnectionError):
        served = await work.services.engine.served([line.queue for line in asked.queues])
    waiting = [Waiting(line, served.get(line.queue)) for line in asked.queues]
    return None if runners is None else [_shown(r, asked) for r in runners], waiting


def _shown(runner: RunnerSeen, asked: RunnersAsked) -> Shown:
    last = asked.efficiency.get(runner.name, [])[:_MEASURED]
    job = asked.jobs.get(runner.busy_with) if runner.busy_with else None
    return Shown(runner, job, median(last) if last else None, len(last))
