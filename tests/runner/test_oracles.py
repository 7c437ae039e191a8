"""What the ranking promises, asked of simulated worlds whose truth is known."""

import math

import numpy as np
import pytest

from runner import stats
from runner.ranking import ladder, ties
from runner.report.versus import mcnemar
from runner.tasks import segmentation, statistics
from tests.runner import kept

IMAGES = QUERIES = 1000


class Attacker:
    """Guesses labels of two classes at random and votes with what a board says is better than chance.

    Blum and Hardt's boosting attack (2015): each guess that a board praises leans to its labels.
    """

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.truth = self.random.random(IMAGES) < 0.5
        self.votes = np.zeros(IMAGES)

    def guess(self):
        said = self.random.random(IMAGES) < 0.5
        return said, said == self.truth

    def believe(self, said):
        self.votes += np.where(said, 1, -1)

    @property
    def loss(self):
        """On the board itself, where half is chance and less was learnt from the board's answers."""
        undecided = self.random.random(IMAGES) < 0.5
        final = np.where(self.votes == 0, undecided, self.votes > 0)
        return float((final != self.truth).mean())


def against_raw_values(attacker):
    for _ in range(QUERIES):
        said, right = attacker.guess()
        if right.mean() > 0.5:
            attacker.believe(said)


def against_the_best_alone(attacker):
    best = 0.0
    for _ in range(QUERIES):
        said, right = attacker.guess()
        if right.mean() > best:
            best = right.mean()
            if best > 0.5:
                attacker.believe(said)


def against_the_ladder(attacker):
    best = released = None
    for _ in range(QUERIES):
        said, right = attacker.guess()
        entry = kept.classified(right, classes=2)
        verdict = ladder.verdict(entry, "accuracy", best=best, released=released)
        if verdict.counts:
            best, released = entry, verdict.released
            if released > 0.5:
                attacker.believe(said)


@pytest.mark.parametrize(
    ("board", "loss"),
    [(against_raw_values, 0.284), (against_the_best_alone, 0.441), (against_the_ladder, 0.467)],
)
def test_a_thousand_random_guesses_learn_little_from_the_ladder(board, loss):
    attackers = [Attacker(seed) for seed in range(24)]
    for attacker in attackers:
        board(attacker)
    assert np.mean([a.loss for a in attackers]) == pytest.approx(loss, abs=0.01)


def holm_splits(rights):
    """Whether McNemar's test of the leader against each other one, after Holm, parts any."""
    leader, *others = sorted(rights, key=lambda right: -right.mean())
    ps = sorted(
        mcnemar(int((leader & ~other).sum()), int((other & ~leader).sum())) for other in others
    )
    return ps[0] * len(ps) < 0.05


def test_equal_models_are_split_at_most_seven_times_in_a_hundred(record_property):
    """Pairwise tests against the leader split them twice as often: it was chosen by looking."""
    worlds, models = 400, 8
    [weights] = statistics.resamples(IMAGES, count=1000, seed=0)
    ours = pairwise = 0
    for seed in range(worlds):
        rights = kept.luck(models, IMAGES, 0.7, seed)
        values = rights.mean(axis=1)
        drawn = (weights @ rights.T.astype(np.float32)).astype(np.float64) / IMAGES
        better = ties.tested(values, drawn).better
        ours += len(ties.groups(np.argsort(-values, kind="stable").tolist(), better)) > 1
        pairwise += holm_splits(rights)
    record_property("false splits of max-T", ours / worlds)
    record_property("false splits of McNemar and Holm", pairwise / worlds)
    assert 0.02 <= ours / worlds <= 0.07
    assert 0.08 <= pairwise / worlds <= 0.14


# How often a 95 % interval holds the truth

AT_LEAST = 0.92


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.989])
@pytest.mark.parametrize("images", [60, 500, 10_000])
def test_accuracys_interval_holds_the_truth(share, images):
    """Exactly, by summing over all counts of right answers."""
    held = 0.0
    for right in range(images + 1):
        log = (
            math.lgamma(images + 1) - math.lgamma(right + 1) - math.lgamma(images - right + 1)
            + right * math.log(share) + (images - right) * math.log1p(-share)
        )  # fmt: skip
        low, high = stats.wilson(right, images)
        held += math.exp(log) * (low <= share <= high)
    assert held >= AT_LEAST


@pytest.mark.parametrize(
    ("made", "metric", "images", "trials"),
    [
        (kept.named, "macro_f1", 150, 250),
        (kept.segmented, "miou", 150, 250),
        (kept.segmented, "dice", 150, 250),
        (kept.boxed, "ap", 150, 200),
        (kept.boxed, "ap50", 150, 200),
    ],
)
def test_the_bootstraps_interval_holds_the_value_on_all_images_there_are(
    made, metric, images, trials
):
    random = np.random.default_rng(0)
    world = made(random, 6000)
    truth = statistics.value(world, metric)
    held = 0
    for _ in range(trials):
        few = np.sort(random.choice(world.images, images, replace=False))
        low, high = statistics.interval(world.take(few), metric, count=400)
        held += low <= truth <= high
    assert held / trials >= AT_LEAST, held / trials


@pytest.mark.parametrize("metric", ["miou", "dice", "pixel_accuracy"])
def test_a_resample_of_masks_is_worth_what_scoring_its_images_anew_gives(metric):
    random = np.random.default_rng(1)
    classes = 5
    masks = random.integers(0, classes, (9, 7, 7)).astype(np.uint8)
    masks[random.random(masks.shape) < 0.1] = 255
    said = random.integers(0, classes, masks.shape).astype(np.uint8)
    model = segmentation.read(said, masks, classes=classes)[0]
    [weights] = statistics.resamples(9, count=40, seed=2)
    values = model.replicates(metric, weights)
    for row, weight in enumerate(weights.astype(int)):
        drawn = np.repeat(np.arange(9), weight)
        assert values[row] == pytest.approx(by_hand(masks[drawn], said[drawn], metric), abs=1e-9)


def by_hand(masks, said, metric):
    """The metric of all pixels, by sets."""
    there = masks != 255
    if metric == "pixel_accuracy":
        return (masks == said)[there].mean()
    found = []
    for k in range(5):
        true, taken = (masks == k) & there, (said == k) & there
        both, either = (true & taken).sum(), (true | taken).sum()
        if either:
            found.append(both / either if metric == "miou" else 2 * both / (both + either))
    return np.mean(found)
