"""Corruptions: the same for every model, stronger with severity, and never out of range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.analyses.corruptions import SEVERITIES, corrupted, corruptions_for

NAMES = list(corruptions_for("classification"))


def picture(h: int, w: int, c: int, seed: int = 0) -> np.ndarray:
    """Soft shapes on a ground, as pictures are: not noise, which blurring would only destroy."""
    y, x = np.mgrid[:h, :w]
    rng = np.random.default_rng(seed)
    waves = sum(
        np.sin(
            2 * np.pi * (rng.uniform(0.5, 2) * x / w + rng.uniform(0.5, 2) * y / h + rng.random())
        )
        for _ in range(3)
    )
    shape = ((x - w / 2) ** 2 + (y - h / 2) ** 2 < (min(h, w) / 3) ** 2) * 70
    return np.repeat(np.clip(90 + 20 * waves + shape, 0, 255)[..., None], c, axis=2).astype(
        np.uint8
    )


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (33, 48, 3), (128, 128, 3)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_each_severity_is_further_from_the_image_than_the_last(name: str, shape: tuple) -> None:
    images = np.stack([picture(*shape, seed=n) for n in range(8)])
    far = [
        np.abs(corrupted(images, np.arange(8), name, s, seed=0) - images.astype(float)).mean()
        for s in SEVERITIES
    ]
    assert far[0] > 0
    assert far == sorted(far)
    assert len(set(far)) == len(far)


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3]), st.sampled_from(NAMES))
@settings(max_examples=80)
def test_any_image_keeps_its_form(h: int, w: int, c: int, name: str) -> None:
    images = np.random.default_rng(h).integers(0, 256, (2, h, w, c), dtype=np.uint8)
    for severity in SEVERITIES:
        found = corrupted(images, np.array([4, 7]), name, severity, seed=1)
        assert (found.shape, found.dtype) == (images.shape, np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_corrupted_alike_in_any_company(name: str) -> None:
    images = np.stack([picture(16, 16, 3, seed=n) for n in range(5)])
    places = np.array([9, 2, 30, 4, 11])
    all_ = corrupted(images, places, name, 2, seed=3)
    alone = corrupted(images[3:4], places[3:4], name, 2, seed=3)
    assert (all_[3] == alone[0]).all()


def test_another_seed_is_another_noise() -> None:
    images, places = picture(16, 16, 1)[None], np.array([0])
    one, other = (corrupted(images, places, "noise", 1, seed=s) for s in (0, 1))
    assert (one != other).any()


@pytest.mark.parametrize("task", ["detection", "segmentation"])
def test_what_has_places_is_never_moved(task: str) -> None:
    assert set(NAMES) - set(corruptions_for(task)) == {"rotation", "shift"}  # type: ignore[arg-type]
