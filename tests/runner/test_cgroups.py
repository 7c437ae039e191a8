"""Control groups, on trees that look as a kernel's do: delegated, not delegated, refused."""

import os
from pathlib import Path

import pytest

from runner.sandbox import cgroups
from runner.sandbox.cell import Cell

MINE = "1:name=systemd:/old\n0::/system.slice/bookwiz.service/runner\n"
BOTH = "cpu memory pids"


def tree(root: Path, *, offered: str = BOTH, given: str = BOTH) -> Path:
    """A service that was given ``offered``, of which it hands ``given`` on; return its folder."""
    service = root / "system.slice" / "bookwiz.service"
    (service / "runner").mkdir(parents=True)
    (service / "cgroup.controllers").write_text(f"{offered}\n")
    (service / "cgroup.subtree_control").write_text(f"{given}\n")
    return service


def test_groups_are_made_beside_our_own_where_its_parent_was_delegated(tmp_path: Path) -> None:
    service = tree(tmp_path)
    assert cgroups.delegated(MINE, tmp_path) == service
    assert (service / "cgroup.subtree_control").read_text() == f"{BOTH}\n"


def test_what_was_given_and_is_not_handed_on_yet_is_asked_for(tmp_path: Path) -> None:
    service = tree(tmp_path, given="cpu")
    assert cgroups.delegated(MINE, tmp_path) == service
    assert (service / "cgroup.subtree_control").read_text() == "+memory +pids"


@pytest.mark.parametrize(
    ("mine", "offered"),
    [
        ("4:memory:/docker/1\n", BOTH),  # version 1 alone
        ("0::/\n", BOTH),  # the root, beside which there is nothing
        ("", BOTH),
        ("0::/system.slice/other.service/runner\n", BOTH),  # not mounted here
        (MINE, "cpu memory"),
        (MINE, ""),
    ],
)
def test_nothing_is_made_where_nothing_was_delegated(
    mine: str, offered: str, tmp_path: Path
) -> None:
    service = tree(tmp_path, offered=offered, given="")
    assert cgroups.delegated(mine, tmp_path) is None
    assert (service / "cgroup.subtree_control").read_text() == "\n"


def test_a_parent_that_is_not_ours_to_write_is_left_alone(tmp_path: Path, monkeypatch) -> None:
    service = tree(tmp_path, given="")
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (service, os.W_OK))
    assert cgroups.delegated(MINE, tmp_path) is None
    assert (service / "cgroup.subtree_control").read_text() == "\n"


def test_a_kernel_that_refuses_to_hand_controllers_on_is_taken_at_its_word(tmp_path: Path) -> None:
    service = tree(tmp_path)
    (service / "cgroup.subtree_control").unlink()
    (service / "cgroup.subtree_control").mkdir()
    assert cgroups.delegated(MINE, tmp_path) is None


def test_a_group_bounds_memory_swap_and_processes_and_is_killed_when_it_is_removed(
    tmp_path: Path,
) -> None:
    group = cgroups.Group(tmp_path)
    group.limit(memory=1 << 30, processes=64)
    cgroups.join(str(group.folder))
    group.remove()
    # No kernel is behind this folder, so that it stays and its words with it.
    assert {file.name: file.read_text() for file in group.folder.iterdir()} == {
        "memory.max": str(1 << 30),
        "memory.swap.max": "0",
        "pids.max": "64",
        "cgroup.procs": "0",
        "cgroup.kill": "1",
    }


def test_an_empty_group_is_removed_and_two_are_never_one(tmp_path: Path) -> None:
    first, second = cgroups.Group(tmp_path), cgroups.Group(tmp_path)
    assert first.folder != second.folder
    for file in (first.folder, second.folder):
        assert file.is_dir()
    second.folder.rmdir()
    second.remove()  # gone already
    assert not second.folder.exists()


def test_what_groups_are_good_for_is_said_in_words(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(cgroups, "delegated", lambda: None)
    assert cgroups.try_out() == (
        False,
        "no control group (version 2) was delegated to this runner",
    )
    monkeypatch.setattr(cgroups, "delegated", lambda: tmp_path / "gone")
    assert cgroups.try_out() == (False, "No such file or directory")
    monkeypatch.setattr(cgroups, "delegated", lambda: tmp_path)
    assert cgroups.try_out()[0]


JOB = {"limits": {"cpu_seconds": 5, "memory": 64 << 20}, "full": False, "attacks": []}


@pytest.mark.sandbox
def test_a_cell_joins_its_group_before_it_gets_a_job_that_the_group_bounds(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(cgroups, "delegated", lambda: tmp_path)
    cell = Cell("probe", walls="reduced")
    heard: list[dict[str, object]] = []
    ending = cell.run(JOB, [], wall_seconds=20, on_line=heard.append)

    assert ending.well, heard
    [folder] = tmp_path.iterdir()
    assert {file.name: file.read_text() for file in folder.iterdir()} == {
        "memory.max": str((64 << 20) + (1 << 30)),
        "memory.swap.max": "0",
        "pids.max": "256",
        "cgroup.procs": "0",
        "cgroup.kill": "1",
    }


@pytest.mark.sandbox
def test_a_group_that_cannot_be_made_is_done_without(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(cgroups, "delegated", lambda: tmp_path / "gone")
    ending = Cell("probe", walls="reduced").run(JOB, [], wall_seconds=20, on_line=lambda _: None)
    assert ending.well


@pytest.mark.sandbox
def test_a_cell_that_cannot_join_its_group_ends_instead_of_running_outside(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(cgroups, "delegated", lambda: tmp_path)
    real = cgroups.Group

    def closed(parent: Path) -> cgroups.Group:
        group = real(parent)
        (group.folder / "cgroup.procs").mkdir()
        return group

    monkeypatch.setattr(cgroups, "Group", closed)
    cell = Cell("probe", walls="reduced")
    heard: list[dict[str, object]] = []
    ending = cell.run(JOB, [], wall_seconds=20, on_line=heard.append)
    assert not ending.well
    assert not any("confined" in line for line in heard)
    assert "IsADirectoryError in" in str(heard[0]["broken"])
