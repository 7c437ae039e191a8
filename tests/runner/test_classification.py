import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.tasks import classification

CLASSES = ("cat", "dog", "eel")
SCORES = np.array([[3, 1, 0], [3, 1, 0], [0, 2, 1], [0, 0, 5], [1, 1, 1]], np.float32)
LABELS = np.array([0, 1, 1, 2, 2])


def test_dev_is_told_in_full():
    score = classification.score("dev", SCORES, LABELS, classes=CLASSES)
    assert score.images == 5
    assert score.metrics[0].name == "accuracy"
    assert score.metrics[0].value == pytest.approx(3 / 5)
    assert score.metrics[0].low < 3 / 5 < score.metrics[0].high
    assert score.confusion == ((1, 0, 0), (1, 1, 0), (1, 0, 1))
    assert score.confused == (("dog", "cat", 1), ("eel", "cat", 1))
    assert [(c.name, c.support, c.recall) for c in score.classes] == [
        ("cat", 1, 1),
        ("dog", 2, 0.5),
        ("eel", 2, 0.5),
    ]


@pytest.mark.parametrize("split", ["board", "shadow"])
def test_hidden_splits_tell_nothing_of_classes(split):
    score = classification.score(split, SCORES, LABELS, classes=CLASSES)
    assert (score.classes, score.confusion, score.confused) == ((), (), ())
    assert (score.slices, score.calibration) == ((), None)
    assert {metric.name for metric in score.metrics} == {"accuracy", "macro_f1"}


def test_rows_must_match_labels():
    with pytest.raises(ValueError, match="5 rows for 4 labels"):
        classification.score("dev", SCORES, LABELS[:4], classes=CLASSES)


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(0, 1000))
def test_labels_rank_where_sorting_puts_them_and_the_first_is_argmax(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (30, 9)).astype(np.float32)
    labels = rng.integers(0, 9, 30)
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.argmax(order == labels[:, None], axis=1)
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    assert classification._ahead(scores, own, labels).tolist() == ranks.tolist()
    found, _, _ = classification.read(scores, labels, classes=9)
    assert found.within5.tolist() == (ranks < 5).tolist()
    assert found.right.tolist() == (scores.argmax(1) == labels).tolist() == (ranks < 1).tolist()


def test_logits_become_probabilities_and_probabilities_stay():
    shares = classification.probabilities(np.array([[1e38, -1e38], [0, 0]], np.float32))
    assert shares.tolist() == [[1, 0], [0.5, 0.5]]
    given_ = np.array([[0.25, 0.75]], np.float32)
    assert classification.probabilities(given_) is given_


def test_statistics_survive_their_file():
    found = classification.read(SCORES, LABELS, classes=3)[0]
    again = classification.Classified.load(bytearray(found.save()))
    assert again.right.tolist() == [True, False, True, True, False]
    assert again.predicted.tolist() == [0, 0, 1, 2, 0]
    assert again.images == 5
    assert again.classes == 3
