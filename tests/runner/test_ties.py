"""Tie groups and fronts: what they are for any board, and what a desk answers."""

import io
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import blobs
from runner.contract import DatasetManifest, SplitFacts
from runner.desk import Desk, carry_out
from runner.errands import Entrant, RankErrand
from runner.failures import Refusal
from runner.ranking import pareto, ties
from runner.ranking.outward import outward
from runner.tasks import statistics
from tests.runner import kept

IMAGES = 200


def entrants(many, **more):
    return [
        Entrant(submission=f"s{n}", name=f"Member {n}", statistics=f"{n:064x}", **more)
        for n in range(many)
    ]


def ranked(rights, **more):
    """The places of models that are right where ``rights`` [m, n] says so."""
    models = [kept.classified(right) for right in rights]
    return ties.rank(entrants(len(models), **more), models, "accuracy", resamples=200)


boards = st.builds(
    lambda models, share, spread, seed: (
        np.random.default_rng(seed).random((models, IMAGES))
        < share + spread * np.linspace(0, 1, models)[:, None]
    ),
    st.integers(1, 9),
    st.floats(0.2, 0.6),
    st.floats(0, 0.4),
    st.integers(0, 2**32 - 1),
)


@given(boards, st.randoms())
def test_the_order_in_which_entries_are_given_changes_nothing(rights, random):
    there = entrants(len(rights))
    models = [kept.classified(right) for right in rights]
    order = list(range(len(rights)))
    random.shuffle(order)
    again = ties.rank(
        [there[k] for k in order], [models[k] for k in order], "accuracy", resamples=200
    )
    assert again == ties.rank(there, models, "accuracy", resamples=200)


@given(boards)
def test_groups_are_runs_of_one_order_and_each_entry_is_in_one(rights):
    rows = ranked(rights).ranked
    assert len({row.submission for row in rows}) == len(rights)
    assert [row.value for row in rows] == sorted((row.value for row in rows), reverse=True)
    places = [row.rank for row in rows]
    assert places == sorted(places)
    for place in set(places):
        group = [row for row in rows if row.rank == place]
        assert places.index(place) + 1 == place, "a group's place is its first member's"
        assert {row.tied for row in group} == {len(group) > 1}
    assert all(row.low <= row.value <= row.high for row in rows)


@given(boards)
def test_a_leader_is_clearly_better_than_the_next_ones_and_than_no_one_of_its_group(rights):
    models = [kept.classified(right) for right in rights]
    values = np.array([statistics.value(one, "accuracy") for one in models])
    drawn = statistics.joint(models, "accuracy", count=200)
    better = ties.tested(values, drawn).better
    order = sorted(range(len(values)), key=lambda k: -values[k])
    found = ties.groups(order, better)
    assert [k for group in found for k in group] == order
    for group, following in itertools.pairwise(found):
        assert not better[group[0], group].any()
        assert better[group[0], following[0]]
    assert not (better & better.T).any()


@given(st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_identical_models_tie_whatever_they_are(many, seed):
    right = np.random.default_rng(seed).random(IMAGES) < 0.5
    rows = ranked([right] * many).ranked
    assert {(row.rank, row.tied) for row in rows} == {(1, True)}


def test_a_single_entry_is_first_and_tied_with_nobody():
    ranking = ranked(kept.luck(1, IMAGES, 0.7, 0))
    [row] = ranking.ranked
    assert (row.rank, row.tied, ranking.critical) == (1, False, 0)


def test_a_gap_that_no_resample_changes_is_no_chance():
    rows = ranked([np.ones(IMAGES, bool), np.zeros(IMAGES, bool)]).ranked
    assert [row.rank for row in rows] == [1, 2]


def test_the_same_seed_gives_the_same_places_and_another_one_another_threshold():
    models = [kept.classified(right) for right in kept.luck(5, IMAGES, 0.6, 1)]
    one, same, other = (ties.rank(entrants(5), models, "accuracy", seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one.critical != other.critical


def test_more_models_make_it_harder_to_be_told_apart():
    few, many = (ranked(kept.luck(m, IMAGES, 0.7, 3)).critical for m in (2, 9))
    assert 1.5 < few < many < 4


def test_rounded_values_are_shown_and_raw_ones_decide():
    """Rounding to 1/n would part two segmenters that no image tells apart."""
    random = np.random.default_rng(0)
    model = kept.segmented(random, 10)
    value = statistics.value(model, "miou")
    one, other = entrants(2)
    one = one.model_copy(update={"quality": round(value, 1) + 0.1})
    other = other.model_copy(update={"quality": round(value, 1)})
    rows = ties.rank([other, one], [model, model], "miou", resamples=200).ranked
    assert [(r.submission, r.rank, r.tied) for r in rows] == [("s0", 1, True), ("s1", 1, True)]
    assert rows[0].value == one.quality


@pytest.mark.parametrize("metric", ["macro_f1", "top5_accuracy"])
def test_labels_are_ranked_by_any_of_their_metrics(metric):
    models = [kept.classified(right) for right in kept.luck(3, IMAGES, 0.7, 4)]
    assert len(ties.rank(entrants(3), models, metric, resamples=100).ranked) == 3


def test_one_product_for_all_is_each_models_own_resampling():
    models = [kept.classified(right) for right in kept.luck(4, IMAGES, 0.7, 5)]
    drawn = statistics.joint(models, "accuracy", count=50, seed=9)
    [weights] = statistics.resamples(IMAGES, count=50, seed=9)
    for number, model in enumerate(models):
        assert drawn[:, number].tolist() == model.replicates("accuracy", weights).tolist()


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 5000), st.floats(0, 1))
def test_intervals_widen_to_what_rounding_shows_and_never_narrow(a, b, images, share):
    low, high = sorted((a, b))
    wide = outward(low, high, images=images)
    value = low + share * (high - low)
    assert wide[0] - 1e-9 <= low
    assert high <= wide[1] + 1e-9
    assert wide[0] - 1e-12 <= round(value * images) / images <= wide[1] + 1e-12
    assert all(abs(round(w * images) - w * images) < 1e-6 for w in wide)


BETTER = np.zeros((4, 4), bool)
BETTER[0, 2] = BETTER[0, 3] = BETTER[1, 3] = True


@pytest.mark.parametrize(
    ("costs", "front"),
    [
        ((1, 1, 1, 1), [True, True, False, False]),  # of equal cost: whom nobody clearly beats
        ((4, 3, 2, 1), [True, True, True, True]),  # each faster than what beats it
        ((4, 1, 2, 3), [True, True, True, False]),
        ((None, 1, 2, 3), [False, True, True, False]),  # no cost: no choice, pushes nobody out
        ((1, None, 2, 3), [True, False, False, False]),
    ],
)
def test_an_entry_is_dominated_only_by_one_that_is_clearly_better_and_no_dearer(costs, front):
    assert pareto.front(costs, BETTER) == front


@given(boards, st.lists(st.none() | st.integers(1, 5), min_size=9, max_size=9))
def test_the_cheapest_and_the_best_are_always_on_the_front(rights, costs):
    models = [kept.classified(right) for right in rights]
    there = [
        e.model_copy(update={"cost": c}) for e, c in zip(entrants(len(rights)), costs, strict=False)
    ]
    rows = ties.rank(there, models, "accuracy", resamples=200).ranked
    cost = {e.submission: e.cost for e in there}
    known = [r for r in rows if cost[r.submission] is not None]
    if known:
        least = min(cost[r.submission] for r in known)
        cheapest = next(r for r in known if cost[r.submission] == least)
        assert cheapest.front
        assert known[0].front
    assert not any(r.front for r in rows if cost[r.submission] is None)


# At the desk


class Board:
    """A desk with a dataset of ``IMAGES`` board images and what is kept of some models."""

    def __init__(self, folder, task="classification"):
        self.desk = Desk(folder / "files", folder / "datasets")
        self.manifest = DatasetManifest(
            key="toy-0123456789ab", name="Toy", task=task, classes=tuple("0123456789"), height=8,
            width=8, channels=1, licence="CC0",
            splits=(SplitFacts(split="board", images=IMAGES, per_class=(IMAGES // 10,) * 10),),
        )  # fmt: skip
        place = self.desk.datasets / self.manifest.key
        place.mkdir(parents=True)
        (place / "manifest.json").write_text(self.manifest.model_dump_json())

    def entrant(self, name, data):
        found = blobs.store(self.desk.files, data, name="s.npz", media_type="application/x-npz")
        return Entrant(submission=name, name=name, statistics=found.sha256)

    def rank(self, *entrants, metric="accuracy"):
        errand = RankErrand(
            task=self.manifest.task, dataset=self.manifest.key, metric=metric, entrants=entrants
        )
        return carry_out(self.desk, errand)


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path)


def test_the_desk_ranks_what_is_kept_and_says_what_it_cannot_rank(board):
    ada, bob, chen = kept.luck(3, IMAGES, 0.8, 6)
    ranking = board.rank(
        board.entrant("ada", kept.classified(ada).save()),
        board.entrant("bob", kept.classified(bob).save()),
        board.entrant("low", kept.classified(chen & (ada & bob)).save()),
        board.entrant("short", kept.classified(ada[:50]).save()),
        board.entrant("other", kept.segmented(np.random.default_rng(0), IMAGES).save()),
        board.entrant("broken", b"no archive"),
        Entrant(submission="gone", name="gone", statistics="0" * 64),
    )
    assert {r.submission for r in ranking.ranked[:2]} == {"ada", "bob"}
    assert [r.rank for r in ranking.ranked] == [1, 1, 3]
    assert ranking.left_out == ("short", "other", "broken", "gone")


def damaged(data, how):
    """What a disk makes of a file, or a hand that mixed two up."""
    middle = len(data) // 2
    match how:
        case "cut off":
            return data[:middle]
        case "emptied":
            return b""
        case "a bit flipped in an array":
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        case "a bit flipped in the list of arrays":
            return data[:-30] + bytes([data[-30] ^ 1]) + data[-29:]
        case "an array alone":
            file = io.BytesIO()
            np.save(file, np.arange(IMAGES))
            return file.getvalue()
        case "objects":
            file = io.BytesIO()
            np.savez(file, true=np.array([{}], dtype=object))
            return file.getvalue()


DAMAGES = (
    "cut off", "emptied", "a bit flipped in an array", "a bit flipped in the list of arrays",
    "an array alone", "objects",
)  # fmt: skip


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_file_costs_its_entry_its_place_and_nobody_else_theirs(board, how, renamed):
    ada, bob = (kept.classified(one).save() for one in kept.luck(2, IMAGES, 0.8, 6))
    ruined = damaged(bob, how)
    entrant = board.entrant("bob", ruined if renamed else bob)
    board.desk.file(entrant.statistics).write_bytes(ruined)
    ranking = board.rank(board.entrant("ada", ada), entrant)
    assert ([r.submission for r in ranking.ranked], ranking.left_out) == (["ada"], ("bob",))


def test_nothing_left_to_rank_is_a_failure_of_ours(board):
    with pytest.raises(Refusal, match="E_RUNNER_FETCH") as refused:
        board.rank(board.entrant("broken", b"no archive"))
    assert refused.value.ours
    assert refused.value.got == "none of 1 entries"


def test_a_metric_of_another_task_and_a_dataset_that_is_not_here_are_refused(board):
    ada = board.entrant("ada", kept.classified(kept.luck(1, IMAGES, 0.8, 6)[0]).save())
    with pytest.raises(Refusal, match="E_TASK"):
        board.rank(ada, metric="ap")
    board.manifest = board.manifest.model_copy(update={"key": "gone-0123456789ab"})
    with pytest.raises(Refusal, match="E_RUNNER_DATASET"):
        board.rank(ada)


@pytest.mark.parametrize(("task", "metric"), [("detection", "ap"), ("segmentation", "miou")])
def test_boxes_and_masks_are_ranked_like_labels(tmp_path, task, metric):
    board = Board(tmp_path, task)
    random = np.random.default_rng(1)
    made = (
        [kept.boxed(random, IMAGES, skill=skill) for skill in (0.9, 0.4)]
        if task == "detection"
        else [kept.segmented(random, IMAGES) for _ in range(2)]
    )
    ranking = board.rank(
        *(board.entrant(f"s{n}", one.save()) for n, one in enumerate(made)), metric=metric
    )
    assert len(ranking.ranked) == 2
    if task == "detection":
        assert [(r.submission, r.rank) for r in ranking.ranked] == [("s0", 1), ("s1", 2)]
