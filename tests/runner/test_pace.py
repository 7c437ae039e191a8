"""How the images of a job are divided among threads."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from runner.predict import pace
from runner.predict.pace import bare_runs, divide, strewn


def splits(*sizes):
    made, begin = [], 0
    for size in sizes:
        numbers = np.arange(begin, begin + size)
        made.append((numbers, numbers.copy()))
        begin += size
    return made


@given(
    sizes=some.lists(some.integers(0, 300), min_size=1, max_size=3),
    batch=some.integers(1, 64),
    threads=some.integers(1, 4),
    fixed=some.booleans(),
)
def test_every_image_is_in_one_part_in_order_and_with_the_place_for_its_answer(
    sizes, batch, threads, fixed
):
    parts = divide(splits(*sizes), batch=batch, threads=threads, fixed=fixed)

    assert [n for part in parts for n in part.images] == list(range(sum(sizes)))
    assert all(np.array_equal(part.images, part.into) for part in parts)
    assert all(1 <= len(part.images) <= batch for part in parts)


@given(size=some.integers(1, 5_000), batch=some.integers(1, 1024), threads=some.integers(2, 4))
def test_the_last_part_is_small_beside_what_all_threads_do(size, batch, threads):
    last = len(divide(splits(size), batch=batch, threads=threads, fixed=False)[-1].images)

    assert last <= max(1, batch // 8, size // (2 * threads))


@pytest.mark.parametrize(("size", "wanted"), [(9, [4, 4, 1]), (8, [4, 4]), (3, [3])])
def test_a_model_with_a_fixed_batch_gets_whole_batches(size, wanted):
    parts = divide(splits(size), batch=4, threads=2, fixed=True)

    assert [len(part.images) for part in parts] == wanted


def test_parts_are_whole_batches_until_the_end_is_near_and_then_shrink():
    parts = [len(p.images) for p in divide(splits(100), batch=16, threads=2, fixed=False)]

    assert parts == [16, 16, 16, 13, 9, 7, 5, 4, 3, 2, 2, 2, 2, 2, 1]


@given(
    sizes=some.lists(some.integers(1, 300), min_size=1, max_size=3),
    batch=some.integers(1, 64),
    bare=some.integers(0, 90),
)
def test_bare_runs_lie_evenly_among_parts_that_stay_in_order(sizes, batch, bare):
    parts = divide(splits(*sizes), batch=batch, threads=2, fixed=False)
    turns = strewn(parts, bare)

    assert [id(turn) for turn in turns if turn is not None] == [id(part) for part in parts]
    assert turns.count(None) == bare
    half = turns[: len(turns) // 2].count(None)
    assert abs(half - bare / 2) <= 2


@pytest.mark.parametrize(
    ("batch_seconds", "job_seconds", "wanted"),
    [
        (0.001, 0.010, 80),  # of a tiny job, two threads for .04 s
        (0.001, 0.100, 200),  # of a small one, as long as it takes itself
        (0.001, 60.00, 500),  # and a quarter second at most
        (0.200, 60.00, 20),  # of larger batches, twenty
        (3.000, 60.00, 5),  # of huge ones, what eight seconds hold
        (30.00, 60.00, 2),  # but each thread's one
    ],
)
def test_a_limit_is_measured_by_twenty_runs_more_where_they_are_short_fewer_where_long(
    batch_seconds, job_seconds, wanted
):
    assert bare_runs(batch_seconds=batch_seconds, job_seconds=job_seconds, threads=2) == wanted


def test_the_limit_is_that_of_bare_runs_and_whatever_else_passes_is_the_jobs(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: now[0]))

    def passing(seconds, given=None):
        now[0] += seconds
        return given

    head = SimpleNamespace(bare=lambda feed: passing(1), write=lambda feed, into: passing(1.5))
    feed = SimpleNamespace(fill=lambda images: passing(0.5, images))
    parts = divide(splits(32), batch=8, threads=1, fixed=True)

    paced = pace.run(
        pace.Crew(1, None), head, [feed], parts, print, residents=[np.zeros(8)], bare=3
    )

    assert paced == pace.Paced(seconds=4 * (0.5 + 1.5), limit=8.0)
