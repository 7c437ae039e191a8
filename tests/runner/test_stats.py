import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from runner import stats

MATRICES = st.integers(2, 6).flatmap(
    lambda n: arrays(np.int64, (n, n), elements=st.integers(0, 50))
)


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [  # Newcombe 1998, table I, score method without continuity correction
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_published_intervals(right, total, low, high):
    assert stats.wilson(right, total) == pytest.approx((low, high), abs=6e-5)


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors(counts):
    right, total = counts
    low, high = stats.wilson(right, total)
    assert 0 <= low <= right / total <= high <= 1
    other_low, other_high = stats.wilson(total - right, total)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(("right", "total"), [(0, 0), (3, 2), (-1, 5)])
def test_wilson_refuses_what_is_no_proportion(right, total):
    with pytest.raises(ValueError, match="no proportion"):
        stats.wilson(right, total)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=80))
def test_figures_agree_with_scikit_learn(pairs):
    true, predicted = np.array(pairs).T
    counts = stats.confusion(true, predicted, classes=5)
    assert (counts == confusion_matrix(true, predicted, labels=range(5))).all()
    assert stats.macro_f1(counts) == pytest.approx(
        f1_score(true, predicted, average="macro", zero_division=0)
    )
    of = stats.per_class(counts)
    theirs = precision_recall_fscore_support(true, predicted, labels=range(5), zero_division=0)
    for mine, other in zip((of.precision, of.recall, of.f1, of.support), theirs, strict=True):
        np.testing.assert_allclose(mine, other)


@settings(deadline=None)  # a busy machine is no failure
@given(MATRICES.filter(lambda counts: counts.sum() > 0))
def test_the_bootstrap_is_ordered_within_bounds_and_the_same_for_a_seed(counts):
    low, high = stats.macro_f1_interval(counts, resamples=50)
    assert 0 <= low <= high <= 1
    assert stats.macro_f1_interval(counts, resamples=50) == (low, high)


def test_the_bootstrap_agrees_with_drawing_images_one_by_one():
    rng = np.random.default_rng(1)
    true = rng.integers(0, 3, 400)
    predicted = np.where(rng.random(400) < 0.8, true, rng.integers(0, 3, 400))
    counts = stats.confusion(true, predicted, classes=3)
    drawn = []
    for _ in range(1000):
        pick = rng.integers(0, 400, 400)
        drawn.append(stats.macro_f1(stats.confusion(true[pick], predicted[pick], classes=3)))
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert stats.macro_f1_interval(counts) == pytest.approx((low, high), abs=0.01)


def test_a_perfect_model_has_no_doubt_in_its_macro_f1():
    assert stats.macro_f1_interval(np.diag([5, 7, 9])) == (1, 1)
