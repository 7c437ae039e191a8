"""Maps: a model whose answer hangs on a known place is explained by that place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.analyses import maps

SIZES = st.tuples(st.integers(2, 40), st.integers(2, 40))


def picture(h: int, w: int, c: int = 1) -> np.ndarray:
    return np.random.default_rng(h * w).integers(0, 256, (h, w, c), dtype=np.uint8)


def brightness(images: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """A "model" that is as sure as a part of the image is bright."""
    return images[:, rows, columns].mean(axis=(1, 2, 3)) / 255


@given(SIZES, st.booleans())
def test_windows_cover_every_pixel(size: tuple[int, int], overlap: bool) -> None:
    covered = np.zeros(size, int)
    for top, left, bottom, right in maps.windows(*size, overlap=overlap):
        covered[top:bottom, left:right] += 1
    assert covered.min() >= 1


def test_windows_that_overlap_are_more() -> None:
    assert len(maps.windows(24, 24, overlap=False)) == 36
    assert len(maps.windows(24, 24, overlap=True)) == 121


def test_occlusion_finds_the_place_that_the_answer_hangs_on() -> None:
    image = np.full((24, 24, 3), 20, np.uint8)
    image[4:8, 12:16] = 250
    where = maps.windows(24, 24, overlap=True)
    after = brightness(maps.hidden(image, where), slice(4, 8), slice(12, 16))
    before = brightness(image[None], slice(4, 8), slice(12, 16))[0]
    found = maps.occlusion_map((24, 24), where, before, after)
    assert found.max() == 1
    assert found[4:8, 12:16].min() > 0.9
    assert found[14:, :8].max() == 0


def test_rise_finds_the_place_that_the_answer_hangs_on() -> None:
    image = np.full((28, 28, 1), 20, np.uint8)
    image[4:8, 16:20] = 250
    masks = list(maps.masks(2000, 28, 28, np.random.default_rng(0)))
    images = np.stack([maps.masked(image, mask) for mask in masks])
    found = maps.rise_map(masks, brightness(images, slice(4, 8), slice(16, 20)))
    y, x = np.unravel_index(found.argmax(), found.shape)
    assert 3 <= y <= 9
    assert 14 <= x <= 21
    assert found[4:8, 16:20].mean() > 0.8
    assert found[16:].mean() < 0.5


@given(SIZES)
def test_masks_have_the_form_of_the_image_and_hide_half_of_it(size: tuple[int, int]) -> None:
    found = np.stack(list(maps.masks(200, *size, np.random.default_rng(1))))
    assert found.shape == (200, *size)
    assert 0 <= found.min() <= found.max() <= 1
    assert found.mean() == pytest.approx(0.5, abs=0.08)


@given(SIZES)
def test_deleting_ends_at_one_colour_and_goes_by_equal_steps(size: tuple[int, int]) -> None:
    image = picture(*size)
    order = maps.order_of(np.random.default_rng(0).random(size).astype(np.float32))
    assert sorted(order.tolist()) == list(range(len(order)))
    found = maps.deletions(image, order, np.linspace(0, 1, 5))
    assert (found[0] == image).all()
    assert (found[-1] == maps.ground(image)).all()
    gone = [(copy == maps.ground(image)).all(axis=2).mean() for copy in found]
    assert gone == sorted(gone)


def test_what_is_important_is_deleted_first() -> None:
    importance = np.zeros((28, 28), np.float32)
    importance[:2, :2] = 1  # one block of 14 each way
    assert maps.order_of(importance)[0] == 0
    image = picture(28, 28)
    first = maps.deletions(image, maps.order_of(importance), np.array([1 / 196]))[0]
    assert (first[:2, :2] == maps.ground(image)).all()
    assert (first[2:] == image[2:]).all()


@pytest.mark.parametrize(
    ("curve", "area"), [([1, 1, 1], 1), ([1, 0.5, 0], 0.5), ([1, 0, 0], 0.25), ([0, 0, 0], 0)]
)
def test_the_area_under_a_curve(curve: list[float], area: float) -> None:
    assert maps.area(np.array([curve]), np.array([0, 0.5, 1])) == [area]


def test_a_map_without_differences_is_empty() -> None:
    assert not maps.scaled(np.full((3, 3), 0.7)).any()
