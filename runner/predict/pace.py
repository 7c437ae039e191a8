"""Runs a model over images with a few threads, and measures what it could reach at best.

The limit is an honest one: bare runs of the member's own graph on a buffer that already holds its
input, by the same threads. They are strewn among the job's batches, so that whatever else the machine
does meets both alike: measured before or after a job of 30 ms, the same job came to .6 and to 1.0 of
its limit. Everything the threads do besides, down to waking and to waiting for the last batch, is the
job's own.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from random import Random
from threading import Barrier
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.formats.signature import ImageShape, Signature
from runner.predict.feeding import Feed, Images
from runner.predict.heads import Head

_CANDIDATES = (4, 16, 64, 256, 1024)
_TRIAL_SECONDS = 0.01
_WORTH_IT = 0.97  # a larger batch must cost less than this share of the smaller one's time
_LONGEST_BATCH_SECONDS = 0.25
_SMALLEST_SHARE = 8  # of a batch: smaller parts cost more to begin than waiting for the last one
_LATENCY_RUNS, _LATENCY_SECONDS = 40, 0.4
_LIMIT_BATCHES = 20
# Seconds of each thread: of tiny batches as many as the job takes, within reason; of huge ones fewer.
_LIMIT_AT_LEAST, _LIMIT_ENOUGH, _LIMIT_AT_MOST = 0.04, 0.25, 8.0
_REPORT_SECONDS = 0.25
_ALONE_SECONDS = 0.02  # a job shorter than this is over before a second thread is awake


@dataclass(frozen=True)
class Part:
    """Some consecutive images of one split and where their answers go."""

    images: Images
    into: NDArray[Any]


@dataclass(frozen=True)
class Crew:
    """Threads that were started before the walls went up: no more can be started afterwards."""

    size: int
    pool: ThreadPoolExecutor

    @classmethod
    def start(cls, size: int) -> "Crew":
        pool = ThreadPoolExecutor(size)
        together = Barrier(size)
        wait([pool.submit(together.wait) for _ in range(size)])
        return cls(size, pool)

    def for_work_of(self, seconds: float) -> "Crew":
        """Return the crew that is quickest for so much work by one thread: this one, or one alone."""
        return Crew(1, self.pool) if seconds < _ALONE_SECONDS else self

    def each(self, work: Callable[[int], None], tick: Callable[[], None] | None = None) -> float:
        """Run ``work(thread)`` in every thread; return seconds. ``tick`` is called while waiting."""
        begun = time.perf_counter()
        if self.size == 1:
            work(0)
            return time.perf_counter() - begun
        pending: set[Future[None]] = {self.pool.submit(work, n) for n in range(self.size)}
        while pending:
            done, pending = wait(pending, _REPORT_SECONDS if tick else None)
            if tick and pending:
                tick()
            for future in done:
                future.result()
        return time.perf_counter() - begun


def latency_ms(head: Head, feed: NDArray[Any]) -> tuple[float, float]:
    """Return the median and the 95th percentile of single runs, in milliseconds."""
    head.bare(feed)
    taken: list[float] = []
    until = time.perf_counter() + _LATENCY_SECONDS
    while len(taken) < _LATENCY_RUNS and (len(taken) < 3 or time.perf_counter() < until):  # noqa: PLR2004
        begun = time.perf_counter()
        head.bare(feed)
        taken.append((time.perf_counter() - begun) * 1000)
    p50, p95 = np.percentile(taken, [50, 95])
    return float(p50), float(p95)


def choose_batch(
    head: Head, signature: Signature, image: ImageShape, *, sample: Images, most: int, single: float
) -> tuple[int, float]:
    """Return the batch at which an image is cheapest, and its seconds; ``single``: those of one run.

    Grows by fours while that helps; at most ``most`` images and about a quarter second a batch.
    """
    if signature.batch is not None:
        return signature.batch, single / signature.batch
    best, best_cost = 1, single
    for batch in _CANDIDATES:
        if batch > most or best_cost * batch > _LONGEST_BATCH_SECONDS:
            break
        try:
            cost = _cost(head, Feed(signature, image, batch=batch), sample, batch)
        except Refusal:  # what fits at batch 4 need not fit at 16
            break
        if cost > best_cost * _WORTH_IT:
            break
        best, best_cost = batch, cost
    return best, best_cost


def _cost(head: Head, feed: Feed, sample: Images, batch: int) -> float:
    """Return the least seconds an image takes in a batch of this size."""
    filled = feed.fill(np.resize(sample, (batch, *sample.shape[1:])))
    head.bare(filled)
    times: list[float] = []
    until = time.perf_counter() + _TRIAL_SECONDS
    while len(times) < 2 or time.perf_counter() < until:  # noqa: PLR2004
        begun = time.perf_counter()
        head.bare(filled)
        times.append(time.perf_counter() - begun)
    return min(times) / batch


def divide(
    splits: Sequence[tuple[Images, NDArray[Any]]], *, batch: int, threads: int, fixed: bool
) -> list[Part]:
    """Return all images in parts of at most ``batch``, in the order in which they are taken.

    Where the model allows any batch, parts shrink towards the end, so that no thread waits long for
    the last one (guided self-scheduling, Polychronopoulos & Kuck 1987).
    """
    left = sum(len(images) for images, _ in splits)
    parts = []
    for images, into in splits:
        at = 0
        while at < len(images):
            share = batch if fixed else max(left // (2 * threads), batch // _SMALLEST_SHARE, 1)
            end = min(at + min(batch, share), len(images))
            parts.append(Part(images[at:end], into[at:end]))
            left -= end - at
            at = end
    return parts


def bare_runs(*, batch_seconds: float, job_seconds: float, threads: int) -> int:
    """Return how many bare runs measure the limit of a job of ``job_seconds`` by ``threads``."""
    each = min(max(job_seconds, _LIMIT_AT_LEAST), _LIMIT_ENOUGH)
    wanted = max(_LIMIT_BATCHES, threads * each / batch_seconds)
    return max(threads, min(round(wanted), int(threads * _LIMIT_AT_MOST / batch_seconds)))


def strewn(parts: Sequence[Part], bare: int) -> list[Part | None]:
    """Return the parts in order with ``bare`` times None among them, evenly but for chance.

    By chance, since threads take turns: in strict alternation one would get all the bare runs, and
    its core would be the limit of the other one's.
    """
    random = Random(0)  # noqa: S311 - and not numpy's, which is imported lazily: too late in a cell
    at = [(place + 0.5) / len(parts) for place in range(len(parts))]
    among = [(place + random.random()) / bare for place in range(bare)]
    turns = [*zip(at, parts, strict=True), *((place, None) for place in among)]
    return [turn for _, turn in sorted(turns, key=lambda turn: turn[0])]


@dataclass(frozen=True)
class Paced:
    """What a run took."""

    seconds: float  #: from waking the threads to the last answer, without their share of bare runs
    limit: float  #: images per second of the bare runs alone, by all threads; 0 without any


def run(
    crew: Crew, head: Head, feeds: Sequence[Feed], parts: Sequence[Part],
    tell: Callable[[float], None], *, residents: Sequence[NDArray[Any]] = (), bare: int = 0,
) -> Paced:  # fmt: skip
    """Predict all parts, and do ``bare`` runs of the threads' ``residents`` among them.

    Both rates are of images per second of a thread, times the threads.
    """
    turns = iter(strewn(parts, bare))
    total = sum(len(part.images) for part in parts)
    done: list[int] = []
    alone: list[float] = []  # seconds of each bare run

    def work(thread: int) -> None:
        feed = feeds[thread]
        for part in turns:  # one iterator for all threads: whoever is free takes the next turn
            if part is None:
                begun = time.perf_counter()
                head.bare(residents[thread])
                alone.append(time.perf_counter() - begun)
                continue
            head.write(feed.fill(part.images), part.into)
            done.append(len(part.images))

    seconds = crew.each(work, lambda: tell(sum(done) / total))
    limit = len(alone) * len(residents[0]) / sum(alone) * crew.size if alone else 0.0
    return Paced(seconds - sum(alone) / crew.size, limit)
