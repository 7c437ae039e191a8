"""What was drawn of an entry is kept, and is the same as drawn anew."""

import io
import os
import time

import numpy as np
import pytest

from runner.ranking import draws, ties
from tests.runner import kept
from tests.runner.test_ties import IMAGES, Board


@pytest.fixture
def board(tmp_path):
    return Board(tmp_path, "detection")


@pytest.fixture
def drawn(monkeypatch):
    """Which statistics were drawn."""
    seen, real = [], draws.draw
    monkeypatch.setattr(draws, "draw", lambda one, *a, **k: seen.append(one) or real(one, *a, **k))
    return seen


def detectors(board, many):
    random = np.random.default_rng(3)
    made = [kept.boxed(random, IMAGES, skill=0.9 - 0.2 * n) for n in range(many)]
    return [board.entrant(f"s{n}", one.save()) for n, one in enumerate(made)]


def files(board):
    return sorted((board.desk.files / "drawn").iterdir())


def test_a_new_entry_costs_its_own_draw_alone_and_the_board_is_as_drawn_anew(
    board, drawn, tmp_path
):
    first, second, third = detectors(board, 3)
    board.rank(first, second, metric="ap")
    assert len(drawn) == 2
    grown = board.rank(third, second, first, metric="ap")
    assert len(drawn) == 3

    anew = Board(tmp_path / "anew", "detection")
    assert grown == anew.rank(*detectors(anew, 3), metric="ap")


def test_another_metric_or_seed_is_drawn_by_itself(board, drawn):
    entrants = detectors(board, 2)
    models = [kept.boxed(np.random.default_rng(n), IMAGES, skill=0.9) for n in range(2)]
    folder = board.desk.files / "drawn"
    for metric, seed in (("ap", 0), ("ap50", 0), ("ap", 1), ("ap", 0)):
        kept_there = ties.rank(entrants, models, metric, resamples=50, seed=seed, folder=folder)
        assert kept_there == ties.rank(entrants, models, metric, resamples=50, seed=seed)
    assert len(files(board)) == 6


OTHER = io.BytesIO()
np.save(OTHER, np.zeros(3))


@pytest.mark.parametrize("damage", [b"", b"no array", OTHER.getvalue(), None])
def test_what_is_damaged_is_drawn_again(board, drawn, damage):
    entrants = detectors(board, 2)
    ranking = board.rank(*entrants, metric="ap")
    path = files(board)[0]
    path.write_bytes(path.read_bytes()[:-8] if damage is None else damage)
    assert board.rank(*entrants, metric="ap") == ranking
    assert len(drawn) == 3


def test_a_store_that_takes_nothing_costs_time_and_no_place(board, drawn):
    board.desk.files.mkdir(parents=True, exist_ok=True)
    (board.desk.files / "drawn").write_bytes(b"in the way of the folder")
    entrants = detectors(board, 2)
    ranking = board.rank(*entrants, metric="ap")
    assert [r.submission for r in ranking.ranked] == ["s0", "s1"]
    assert board.rank(*entrants, metric="ap") == ranking
    assert len(drawn) == 4


def test_what_no_board_asked_for_in_a_month_is_forgotten(board):
    first, second = detectors(board, 2)
    board.rank(first, metric="ap")
    [path] = files(board)
    old = time.time() - 31 * 24 * 3600
    os.utime(path, (old, old))
    board.rank(first, metric="ap")
    assert files(board) == [path], "it was used again"
    os.utime(path, (old, old))
    board.rank(second, metric="ap")
    assert path not in files(board)
