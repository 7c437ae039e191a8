"""``/metrics``: what Prometheus reads of jobs and runners. Counts and ages, never who or what.

No label bears a member, a model, a benchmark or the name of a runner: these are nobody's business,
and each would be a series of its own for ever. What a runner says of itself is cut to a few words.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from sqlalchemy.exc import SQLAlchemyError

from bot.community.facts import JobCounts, JobEnded
from bot.kit.core import Core
from bot.kit.jobs import RunnerSeen
from bot.kit.work import Work

_log = structlog.get_logger(__name__)
_LINES = frozenset({"cpu", "gpu", "any"})  # what a runner says it takes; else: other
_SECONDS = (0.3, 1, 3, 10, 30, 60, 300, 900, 3600, 4 * 3600)
_BEATING = frozenset({"up", "draining", "lost"})  # those of whom a heartbeat is expected


class JobMetrics:
    """Counts what ended since we started; reads what waits and who works when asked."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.registry = CollectorRegistry()
        one = {"registry": self.registry}
        self._jobs = Gauge("bookwiz_jobs", "Jobs that have no end yet", ["queue", "state"], **one)
        self._oldest = Gauge(
            "bookwiz_job_oldest_seconds",
            "Age of the job that waits longest for a runner",
            ["queue"],
            **one,
        )
        self._verdict = Histogram(
            "bookwiz_verdict_seconds",
            "From a job's acceptance to its end",
            ["queue", "end"],
            buckets=_SECONDS,
            **one,
        )
        self._attempts = Counter(
            "bookwiz_attempts", "Attempts of jobs that ended", ["queue", "end"], **one
        )
        self._lost = Counter(
            "bookwiz_attempts_lost", "Those of them that ended by a fault of ours", ["queue"], **one
        )
        self._runners = Gauge(
            "bookwiz_runners", "Runners by what they are doing", ["line", "tier", "state"], **one
        )
        self._heartbeat = Gauge(
            "bookwiz_runner_heartbeat_age_seconds",
            "Age of the oldest last heartbeat of runners that did not say goodbye",
            ["line", "tier"],
            **one,
        )
        self._troubles = Counter(
            "bookwiz_engine_troubles",
            "Times that the engine lost its database: listener_lost or beat_missed",
            ["kind"],
            **one,
        )
        self._counted: dict[str, int] = {}  # of troubles, the engine's own counts
        self._reached = Gauge(
            "bookwiz_reached",
            "Whether it could be read just now: database or engine (1 or 0)",
            ["part"],
            **one,
        )

    def committed(self, facts: Sequence[object]) -> None:
        """Count the ends among *facts* of a transaction, once that is committed."""
        for fact in facts:
            if isinstance(fact, JobEnded):
                self._verdict.labels(fact.queue, fact.end).observe(fact.seconds)
                self._attempts.labels(fact.queue, fact.end).inc(fact.attempts)
                self._lost.labels(fact.queue).inc(fact.lost)

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.get("/metrics", self._answer)]

    async def _answer(self, _request: web.Request) -> web.Response:
        counts, runners = await self._counts(), await self._seen()
        self._count_troubles()
        self._show(counts, runners)  # without a pause: two may ask at once
        text = generate_latest(REGISTRY) + generate_latest(self.registry)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def _count_troubles(self) -> None:
        for kind, count in self._core.services.engine.troubles.items():
            self._troubles.labels(kind).inc(max(0, count - self._counted.get(kind, 0)))
            self._counted[kind] = count

    async def _counts(self) -> JobCounts | None:
        """What features count; None when the database cannot be read."""
        services, counts = self._core.services, JobCounts()
        try:
            async with self._core.database.read() as session:
                await Work(session, services.clock.now(), "web", services).announce(counts)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("metrics.no_database", error=type(error).__name__)
            return None
        return counts

    async def _seen(self) -> list[RunnerSeen] | None:
        try:
            return await self._core.services.engine.runners()
        except ConnectionError:
            return None

    def _show(self, counts: JobCounts | None, runners: list[RunnerSeen] | None) -> None:
        """Set every gauge anew: what is gone must not stay at its last value."""
        for gauge in (self._jobs, self._oldest, self._runners, self._heartbeat):
            gauge.clear()
        self._reached.labels("database").set(counts is not None)
        self._reached.labels("engine").set(runners is not None)
        now = self._core.services.clock.now()
        if counts is not None:
            for (queue, state), count in counts.jobs.items():
                self._jobs.labels(queue, state).set(count)
            for queue, since in counts.oldest.items():
                self._oldest.labels(queue).set(max(0.0, (now - since).total_seconds()))
        self._show_runners(runners or (), now=now)

    def _show_runners(self, runners: Iterable[RunnerSeen], *, now: datetime) -> None:
        oldest: dict[tuple[str, str], float] = {}
        for runner in runners:
            # A runner on another host names its line as it likes.
            line = runner.queue if runner.queue in _LINES else "other"
            state = "busy" if runner.state == "up" and runner.busy_with else runner.state
            self._runners.labels(line, runner.tier, state).inc()
            if runner.state in _BEATING:
                age = max(0.0, (now - runner.heartbeat_at).total_seconds())
                kind = (line, runner.tier)
                oldest[kind] = max(age, oldest.get(kind, 0.0))
        for kind, age in oldest.items():
            self._heartbeat.labels(*kind).set(age)
