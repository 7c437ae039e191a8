"""What the distributed engine remembers of runners, and how it reads their silence."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from bot.kit.jobs.roster import Roster
from runner.engine_connector import RunnerReport
from runner.needs import Hello

HELLO = Hello(runner="box", tier="full", hardware="2-core", versions={})


def roster(*names, **more):
    """A roster of runners by these names, whose workers are 1, 2 and so on."""
    made = Roster()
    for number, name in enumerate(names, 1):
        report = {"name": name, "queue": "cpu", "worker_id": number, "hello": HELLO} | more
        made.introduce(RunnerReport(**report))
    return made


def beat(worker=1, age=0.0, key=None):
    return {"id": worker, "last_heartbeat": datetime.now(UTC), "age": age, "key": key}


def states(made, *, stall=30.0):
    return {r.name: r.state for r in made.seen({}, stall=stall)}


@pytest.mark.parametrize(
    ("age", "stall", "state"),
    [(0, 30, "up"), (29, 30, "up"), (31, 30, "lost"), (99, None, "up")],
)
def test_who_does_not_beat_is_lost_unless_nobody_may_be_judged(age, stall, state):
    made = roster("box")
    made.note([beat(age=age)])
    assert states(made, stall=stall) == {"box": state}


def test_who_drains_says_so_and_who_is_registered_no_more_has_stopped():
    made = roster("box", draining=True)
    made.note([beat()])
    assert states(made) == {"box": "draining"}
    made.note([])
    assert states(made) == {"box": "stopped"}


def test_a_runner_that_comes_back_replaces_itself():
    made = roster("box", draining=True)
    made.note([])
    made.introduce(RunnerReport(name="box", queue="cpu", worker_id=7, hello=HELLO))
    assert made.workers() == [7]
    assert made.note([beat(7, key="a:1")]) == {7: "a:1"}
    assert [r.busy_with for r in made.seen({7: "a:1"}, stall=30)] == ["a:1"]
    assert states(made) == {"box": "up"}


def test_what_is_taken_outlives_a_restart_of_a_runner_but_not_its_end():
    made = roster("box", takes=("cpu", "cpu+torch"))
    made.note([beat(age=60)])
    made.note([])  # away to be restarted
    assert made.taken(within=90) == {"cpu", "cpu+torch"}
    assert made.taken(within=30) == set()


def test_an_older_runner_takes_its_line_alone_and_one_that_can_do_nothing_takes_nothing():
    assert roster("old").taken(within=1) == {"cpu"}
    assert roster("weak", takes=()).taken(within=1) == set()


def test_who_went_long_ago_is_forgotten():
    made = roster("one", "other")
    made.forget(seconds=60)
    assert set(states(made)) == {"one", "other"}
    made.forget(seconds=-1)
    assert states(made) == {}


@pytest.mark.parametrize(
    "lie",
    [
        {"worker_id": 2**64},
        {"worker_id": -1},
        {"name": "x" * 101},
        {"queue": "x" * 101},
        {"takes": ("x" * 101,)},
        {"hello": HELLO.model_dump() | {"hardware": "x" * 10_000}},
        {"hello": HELLO.model_dump() | {"versions": {"x": "y" * 10_000}}},
        {"hello": HELLO.model_dump() | {"gpus": ("x",) * 65}},
    ],
)
def test_a_hello_beyond_all_bounds_is_not_heard(lie):
    with pytest.raises(ValidationError):
        RunnerReport.model_validate(
            {"name": "box", "queue": "cpu", "worker_id": 1, "hello": HELLO} | lie
        )


def test_made_up_names_drive_out_each_other_before_a_runner_that_beats():
    made = roster("quiet", "box")
    made.note([beat(1, age=60), beat(2)])
    for number in range(600):
        made.introduce(RunnerReport(name=f"n{number}", queue="cpu", worker_id=99, hello=HELLO))
    names = states(made)
    assert len(names) == 500
    assert {"quiet", "box", "n599"} <= names.keys()
    made.note([beat(1, age=60), beat(2), beat(99)])
    made.introduce(RunnerReport(name="new", queue="cpu", worker_id=7, hello=HELLO))
    assert "quiet" not in states(made)
