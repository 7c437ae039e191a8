"""Every guard holds something by itself: with it alone an attack is held, without it it is not."""

import os
import sys
from pathlib import Path

import pytest

from runner.sandbox import cases, landlock, memory
from runner.sandbox.bubblewrap import NAMESPACES
from runner.sandbox.tier import attempt, weather
from tests.runner.conftest import best_tier
from tests.runner.test_sandbox_probes import as_a_user

pytestmark = pytest.mark.sandbox

#: guard, tier, what else would hold it and is left out, attack
ATTACKED = [
    ("landlock", "reduced", (), "read /etc/passwd"),
    ("few files", "full", ("landlock",), "read /etc/passwd"),
    ("environment", "reduced", ("empty environment",), "find a variable in its own environment"),
    (
        "empty environment",
        "reduced",
        ("landlock", "hidden", "nobody"),
        "read the environment that it was started with",
    ),
    (
        "--clearenv",
        "full",
        ("landlock", "hidden", "empty environment"),
        "read the environment that it was started with",
    ),
    ("net", "full", ("seccomp", "landlock"), "connect to loopback"),
    ("pid", "full", ("seccomp", "landlock"), "see that the runner is there"),
    ("ipc", "full", ("seccomp",), "find shared memory of the host"),
    ("uts", "full", ("seccomp",), "learn the host's name"),
    ("cgroup namespace", "full", (), "see the runner's control groups"),
    ("--disable-userns", "full", ("seccomp",), "make a new user namespace"),
    ("--new-session", "full", ("seccomp",), "join the runner's session"),
    ("--remount-ro", "full", ("seccomp", "landlock"), "write to the root folder"),
    ("nobody", "reduced", (), "stay root"),
    ("seccomp", "full", (), "map executable memory"),
    ("seccomp", "full", (), "start a thread"),
    ("seccomp", "reduced", ("landlock",), "connect to loopback"),
    ("address space", "full", ("cgroup",), "allocate 10 GB"),
    ("open files", "full", (), "open a thousand files"),
    ("core", "full", (), "leave a core file"),
    ("landlock", "reduced", ("nobody",), "open the images again to write"),
    ("landlock truncate", "reduced", ("seccomp", "nobody"), "empty another's file"),
    ("landlock devices", "reduced", ("seccomp",), "command a device"),
    ("landlock network", "reduced", ("seccomp",), "connect to loopback"),
    ("landlock sockets", "reduced", ("seccomp",), "reach a socket that has no file"),
    ("landlock signals", "reduced", ("seccomp", "nobody"), "signal the runner"),
    ("--ro-bind", "full", ("seccomp",), "find what it imports mounted to be written"),
    ("session", "reduced", ("seccomp",), "join the runner's session"),
    ("seal of contents", "reduced", (), "change the model that it runs"),
    ("seal of growth", "reduced", ("seccomp", "file size"), "grow the model that it runs"),
    ("seal of growth", "reduced", ("file size",), "grow its output"),
    ("seal of shrinking", "reduced", ("seccomp",), "shrink the model that it runs"),
    ("seal of shrinking", "reduced", ("seccomp",), "shrink its output"),
    ("seal of seals", "reduced", ("seccomp",), "seal its output for others"),
]
#: the same with what does not end by itself
STORMED = [
    ("cpu", "full", (), "spin until its processor time is over"),
    ("processes", "full", ("seccomp",), "fork for ever"),
    ("file size", "reduced", ("seccomp", "landlock"), "write 10 GB"),
    ("every thread", "reduced", (), "let an older thread make a file"),
]


def needs(tier: str, guard: str) -> None:
    if tier == "full" and best_tier() != "full":
        pytest.skip(f"TIER FULL CANNOT BE TRIED HERE: {cases.why_no_namespaces()}")
    if guard == "nobody" and os.geteuid() != 0:
        pytest.skip("ONLY ROOT HAS SOMETHING TO GIVE UP")
    if landlock.LATER.get(guard, 0) > landlock.abi():
        pytest.skip(
            f"{guard.upper()} CANNOT BE TRIED HERE: it came with ABI {landlock.LATER[guard]}, "
            f"and this kernel has {landlock.abi()}"
        )


@pytest.mark.parametrize(("guard", "tier", "others", "attack"), ATTACKED)
def test_an_attack_is_held_by_one_guard_alone_and_by_nothing_without_it(
    guard, tier, others, attack, monkeypatch
) -> None:
    needs(tier, guard)
    monkeypatch.setenv("TOKEN", "secret")
    held = {
        probe.name: probe.held
        for probe in attempt(tier, without=others)
        if probe.name == attack or probe.ours
    }
    assert held == {attack: True}
    open_ = {
        probe.name: probe.held
        for probe in attempt(tier, without=(*others, guard))
        if probe.name == attack or probe.ours
    }
    assert open_ == {attack: False}


@pytest.mark.slow
@pytest.mark.parametrize(("guard", "tier", "others", "storm"), STORMED)
def test_a_storm_is_ended_by_one_guard_alone_and_by_nothing_without_it(
    guard, tier, others, storm, tmp_path: Path
) -> None:
    needs(tier, guard)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o777)
    assert weather(storm, tier, str(tmp_path), others).held
    # What nothing ends but the deadline need not wait for the one that leaves busy machines time.
    wall = 3 if guard == "cpu" else None
    assert not weather(storm, tier, str(tmp_path), (*others, guard), wall_seconds=wall).held


def test_every_namespace_is_tried() -> None:
    assert set(NAMESPACES) <= {guard for guard, *_ in ATTACKED}


def test_every_right_that_landlock_learnt_and_every_seal_is_tried() -> None:
    assert {*landlock.LATER, *memory.SEALS} <= {guard for guard, *_ in ATTACKED}


_LOOK = """
import os, sys, time
from pathlib import Path
from runner.sandbox.cell import Cell

cell = Cell("probe", walls="reduced", without=sys.argv[1:])
warden = cell._warden.pid
while not (children := Path(f"/proc/{warden}/task/{warden}/children").read_text().split()):
    time.sleep(0.02)

def readable():
    try:
        os.close(os.open(f"/proc/{children[0]}/mem", os.O_RDONLY))
    except PermissionError:
        return False
    return True

until = time.monotonic() + 3
while readable() and time.monotonic() < until:
    time.sleep(0.05)
print(readable())
cell.close()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("without", "readable"), [((), "False"), (("hidden",), "True")])
def test_a_cell_cannot_be_read_by_others_of_the_same_user(without, readable) -> None:
    done = as_a_user(sys.executable, "-c", _LOOK, *without)

    assert done.stdout.strip() == readable, done.stderr
