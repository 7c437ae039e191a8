"""The runners that introduced themselves to the distributed engine. Kept in memory only.

A restarted bot knows none of them until each has said hello again, which they do every minute. So
who is not here is not away, as long as they have not had the time to speak.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.kit.jobs import RunnerSeen, RunnerState
from runner.engine_connector import RunnerReport

_MOST = 500  #: runners that are remembered; each says its own name, and may say many


@dataclass
class _Entry:
    report: RunnerReport
    heard_at: datetime  #: by the job database's clock
    lived_at: float  #: the same by our own monotonic one
    beaten: bool = False  #: its worker was seen to beat
    there: bool = True  #: its worker is registered; one that stopped politely is not


class Roster:
    """Who works for us, by name. One runner bears a name; a later hello replaces the earlier."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    def introduce(self, report: RunnerReport) -> None:
        self._entries.pop(report.name, None)
        if len(self._entries) >= _MOST:
            # Whoever never beat may be nobody; of the rest, who was silent for longest.
            first = min(
                self._entries.items(), key=lambda e: (e[1].beaten and e[1].there, e[1].lived_at)
            )
            del self._entries[first[0]]
        self._entries[report.name] = _Entry(report, datetime.now(UTC), time.monotonic())

    def workers(self) -> list[int]:
        return [entry.report.worker_id for entry in self._entries.values()]

    def note(self, beats: Iterable[Mapping[str, Any]]) -> dict[int, str | None]:
        """Take over what the database says of workers: ``id``, ``last_heartbeat``, ``age``, ``key``.

        Returns the job that each is on.
        """
        found = {row["id"]: row for row in beats}
        for entry in self._entries.values():
            row = found.get(entry.report.worker_id)
            entry.there = row is not None
            if row is not None:
                entry.beaten = True
                entry.heard_at = row["last_heartbeat"].astimezone(UTC)
                entry.lived_at = time.monotonic() - row["age"]
        return {id_: row["key"] for id_, row in found.items()}

    def seen(self, jobs: Mapping[int, str | None], *, stall: float | None) -> list[RunnerSeen]:
        """All of them; lost after *stall* seconds without a beat, unless nobody may be judged."""
        return [
            RunnerSeen(
                name=name,
                queue=entry.report.queue,
                tier=entry.report.hello.tier,
                hardware=entry.report.hello.hardware,
                versions=entry.report.hello.versions,
                heartbeat_at=entry.heard_at,
                busy_with=jobs.get(entry.report.worker_id),
                formats=entry.report.hello.formats,
                purposes=entry.report.hello.purposes,
                gpus=entry.report.hello.gpus,
                takes=_takes(entry.report),
                state=_state(entry, stall),
            )
            for name, entry in sorted(self._entries.items())
        ]

    def taken(self, *, within: float) -> set[str]:
        """The queues of runners that lived *within* so many seconds.

        One that drains counts as long: most come back at once, with a newer version.
        """
        alive = [e for e in self._entries.values() if time.monotonic() - e.lived_at <= within]
        return {queue for entry in alive for queue in _takes(entry.report)}

    def forget(self, *, seconds: float) -> None:
        """Drop those that were not heard of for so long."""
        oldest = datetime.now(UTC) - timedelta(seconds=seconds)
        self._entries = {n: e for n, e in self._entries.items() if e.heard_at > oldest}


def _takes(report: RunnerReport) -> tuple[str, ...]:
    return (report.queue,) if report.takes is None else report.takes


def _state(entry: _Entry, stall: float | None) -> RunnerState:
    if not entry.there:
        return "stopped"
    if stall is not None and time.monotonic() - entry.lived_at > stall:
        return "lost"
    return "draining" if entry.report.draining else "up"
