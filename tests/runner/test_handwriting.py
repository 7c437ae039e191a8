"""What is said of how a digit is written, and what another pen and scanner make of it."""

import numpy as np
import pytest

from runner.baselines import digits
from runner.handwriting import attributes, elsewhere

SIDE = 8


def stroke(*, lean=0, width=1):
    """Two upright bars, or bars whose top lies that many columns to the right, in full ink."""
    image = np.zeros((SIDE, SIDE, 1), np.uint8)
    for row in range(SIDE):
        first = 2 + round(lean * (SIDE - 1 - row) / (SIDE - 1))
        image[row, first : first + width] = 255
    return image


@pytest.mark.parametrize(
    ("lean", "width", "said"),
    [
        (0, 1, ("thin", "upright")),
        (0, 2, ("thin", "upright")),
        (0, 3, ("thick", "upright")),
        (3, 2, ("thin", "right")),
        (-2, 3, ("thick", "left")),
    ],
)
def test_strokes_and_slant_are_told_from_the_ink(lean, width, said):
    found = attributes(stroke(lean=lean, width=width)[None])
    assert (found["strokes"][0], found["slant"][0]) == said


def test_an_image_without_ink_is_thin_and_upright():
    found = attributes(np.zeros((1, SIDE, SIDE, 1), np.uint8))
    assert (found["strokes"][0], found["slant"][0]) == ("thin", "upright")


def test_each_word_is_said_of_enough_digits_to_compare_them():
    images, _ = digits()["dev"]
    for words in attributes(images).values():
        _, counts = np.unique(words, return_counts=True)
        assert len(counts) == 3
        assert counts.min() >= 40


def test_another_pen_and_scanner_thin_blur_and_add_noise_the_same_every_time():
    images = np.repeat(stroke(width=2)[None], 90, axis=0)
    images[:, 0] = images[:, 0] // 2
    seen = elsewhere(images)
    assert np.array_equal(seen, elsewhere(images))
    assert (seen.dtype, seen.shape) == (images.dtype, images.shape)
    off = seen[:, 4, 6, 0]  # nothing was written there
    beside = seen[:, 4, 1, 0]  # nor there, but next to a stroke
    thin = (off == 0) & (beside == 0) & (seen[:, 0, 2, 0] < 127)
    blurred = (off == 0) & (beside == 64)
    assert min(thin.sum(), blurred.sum(), (off > 0).sum()) >= 8
    assert np.array_equal(seen[thin][0, 1:], images[0, 1:]), "full ink stays"
