import io

import numpy as np
import pytest
from PIL import Image

from runner.report.confusion import draw
from runner.tasks import classification


def score_of(classes: int, images: int, *, split: str = "dev", name: str = "class"):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, classes, images)
    scores = rng.normal(size=(images, classes)).astype(np.float32)
    scores[np.arange(images), labels] += 2.5
    names = tuple(f"{name} {number}" for number in range(classes))
    return classification.score(split, scores, labels, classes=names)


@pytest.mark.parametrize("classes", [2, 10, 20, 43, 100])
def test_a_picture_is_small_and_opaque_whatever_the_number_of_classes(classes):
    picture = draw("Toy", score_of(classes, 400))
    assert len(picture.png) <= 150_000
    image = Image.open(io.BytesIO(picture.png)).convert("RGBA")
    assert image.getchannel("A").getextrema() == (255, 255)
    assert max(image.size) <= 1600


def test_class_names_that_would_be_formulas_are_drawn_as_they_are():
    assert draw("$x^{", score_of(3, 30, name="$\\frac{ and a very long name indeed")).png


def test_the_alternative_says_what_the_picture_shows():
    labels = np.array([8, 8, 8, 1, 1, 0])
    predicted = np.array([1, 1, 8, 1, 1, 0])
    scores = np.eye(10, dtype=np.float32)[predicted]
    score = classification.score("dev", scores, labels, classes=tuple("0123456789"))
    assert draw("Digits", score).alt == (
        "Confusion matrix of 10 classes on 6 dev images: 66.7 % right; "
        "most confused: 8 taken for 1 (2 times)."
    )


def test_a_perfect_model_confuses_nothing():
    score = classification.score(
        "dev", np.eye(3, dtype=np.float32), np.arange(3), classes=("a", "b", "c")
    )
    assert draw("Toy", score).alt.endswith("100.0 % right; nothing was confused.")


def test_hidden_splits_have_no_picture():
    with pytest.raises(ValueError, match="no confusion"):
        draw("Toy", score_of(3, 30, split="board"))
