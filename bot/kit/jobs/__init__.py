"""Asks for work: the port to the job engine. The rows of features are the truth, this is transport.

Two engines stand behind it: ``embedded`` (a runner process of our own) and ``distributed``
(Procrastinate on Postgres). Both may lose a job, run it twice or report late; whoever uses the port
fences with attempts and looks with ``alive`` for what got lost.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from runner.contract import Format, Outcome, Progress, Tier

#: applies an outcome durably; returns only after the commit
OnOutcome = Callable[[Outcome], Awaitable[None]]
#: notes progress; may be dropped
OnProgress = Callable[[Progress], Awaitable[None]]


#: asleep: without a process until there is work; lost: it stopped beating; stopped: it said so
RunnerState = Literal["up", "asleep", "draining", "stopped", "lost"]


@dataclass(frozen=True)
class RunnerSeen:
    """A runner, as it last reported."""

    name: str
    queue: str  #: the line whose jobs it takes
    tier: Tier
    hardware: str
    versions: dict[str, str]
    heartbeat_at: datetime
    busy_with: str | None  #: key of the job it is on
    formats: tuple[Format, ...] = ("onnx",)  #: of models that it opens
    purposes: tuple[str, ...] = ("score",)  #: what it runs a model for
    gpus: tuple[str, ...] = ()  #: names of those that its cells compute on
    takes: tuple[str, ...] = ("any",)  #: queues whose jobs it takes; ``any``: all there are
    state: RunnerState = "up"


class Engine(Protocol):
    """Takes evaluations to runners and their reports back."""

    #: whether its runners may read labels. Those on other hosts may not: they get ``inputs`` and a
    #: ``manifest`` by links, never ``datasets``, and what they report is a claim until we scored it.
    trusted: bool

    @property
    def troubles(self) -> Mapping[str, int]:
        """How often each kind of thing went wrong between it and its database, since the start."""
        ...

    async def start(self, on_outcome: OnOutcome, on_progress: OnProgress) -> None: ...

    async def stop(self) -> None:
        """Finish or hand back what runs, within a grace; leave no child process."""
        ...

    async def dispatch(self, *, key: str, queue: str, lock: str, payload: str) -> None:
        """Queue a job. *key* (``<submission>:<attempt>``) makes repeating this harmless.

        *queue* is the line it waits in; the job goes to a runner that can do it (`runner.needs`).
        Jobs of one *lock* run one after another. *payload* is an ``Evaluation`` as JSON.
        """
        ...

    async def cancel(self, key: str) -> None:
        """Stop the job, waiting or running, without an outcome. Unknown keys are ignored."""
        ...

    async def alive(self, keys: list[str]) -> set[str]:
        """Those of *keys* that wait or run on a runner that is heard of. The rest are lost.

        Raises:
            ConnectionError: The engine itself cannot be reached: nothing can be said.
        """
        ...

    async def taken(self, keys: list[str]) -> set[str]:
        """Those of *keys* that a runner has and reported no end of: their time runs.

        None, as long as runners may only not have reached the engine.

        Raises:
            ConnectionError: The engine itself cannot be reached: nothing can be said.
        """
        ...

    async def runners(self) -> list[RunnerSeen]: ...

    async def served(self, queues: Collection[str]) -> dict[str, bool]:
        """Whether a runner takes jobs of each queue, as `runner.needs` names them.

        Those of which nothing can be said yet are left out: runners need time to say hello.

        Raises:
            ConnectionError: The engine itself cannot be reached: nothing can be said.
        """
        ...
