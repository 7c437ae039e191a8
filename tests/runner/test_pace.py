"""How the images of a job are divided among threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from runner.predict.pace import divide


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
