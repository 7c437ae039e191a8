"""Runs a model over images with a few threads, and measures what it could reach at best.

``limit`` is the honest one: bare runs of the member's own graph on a buffer that already holds its
input, by the same threads. Everything the job does besides, it pays for itself.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
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
_LIMIT_BATCHES = 10  # twice, before and after the job: 20 batches
_LIMIT_AT_LEAST, _LIMIT_AT_MOST = 0.02, 4.0  # seconds; ten tiny batches would measure noise
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


def limit(crew: Crew, head: Head, feeds: Sequence[NDArray[Any]]) -> float:
    """Run resident inputs, one per thread, over and over; return images per second.

    Each thread's rate is taken by its own clock and these are added up, so that neither waking a
    thread nor waiting for the last one makes the limit look lower, and the job better, than it is.
    They begin together: a thread that ran alone for a while would have the memory to itself.
    """
    rates: list[float] = []
    together = Barrier(crew.size)

    def work(thread: int) -> None:
        feed = feeds[thread]
        head.bare(feed)
        together.wait()
        begun = time.perf_counter()
        runs, seconds = 0, 0.0
        while seconds < _LIMIT_AT_MOST and (
            runs < _LIMIT_BATCHES // crew.size or seconds < _LIMIT_AT_LEAST
        ):
            head.bare(feed)
            runs += 1
            seconds = time.perf_counter() - begun
        rates.append(runs * len(feed) / seconds)

    crew.each(work)
    return sum(rates)


def run(
    crew: Crew, head: Head, feeds: Sequence[Feed], parts: Sequence[Part],
    tell: Callable[[float], None],
) -> float:  # fmt: skip
    """Predict all parts; return seconds from the first image read to the last answer written."""
    turns = iter(range(len(parts)))
    total = sum(len(part.images) for part in parts)
    done: list[int] = []

    def work(thread: int) -> None:
        feed = feeds[thread]
        for turn in turns:  # one iterator for all threads: whoever is free takes the next part
            part = parts[turn]
            head.write(feed.fill(part.images), part.into)
            done.append(len(part.images))

    return crew.each(work, lambda: tell(sum(done) / total))
