"""What is kept of a member's best may be lost by our own fault: the next entry is scored all the same."""

import pytest

from runner.contract import Ladder
from tests.runner.seasons import METRIC, season


@pytest.mark.parametrize("how", ["gone", "cut off", "a bit flipped", "of other images"])
@pytest.mark.parametrize("task", METRIC)
def test_an_entry_is_scored_without_a_verdict_where_the_best_is_lost(tmp_path, task, how):
    world = season(tmp_path, task)
    best = world.score(skill=0.4)
    kept = {a.name: a.sha256 for a in best.artifacts}
    named = kept["statistics-dev.npz" if how == "of other images" else "statistics-board.npz"]
    path = world.desk.file(named)
    data = path.read_bytes()
    match how:
        case "gone":
            path.unlink()
        case "cut off":
            path.write_bytes(data[:-40])
        case "a bit flipped":
            path.write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
    ladder = Ladder(released=best.verdict.released, statistics=named)
    found = world.score(skill=0.9, seed=5, splits=("board",), ladder=ladder)
    assert (len(found.scores), found.verdict) == (1, None)
