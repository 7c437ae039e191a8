"""What the demo makes its benchmarks of, made once for all processes of a run, and fewer images."""

import asyncio
import fcntl
import os

import pytest

from bot.datasets import child
from runner.shapes.files import Part
from runner.shapes.making import write_shapes

FEWER = {
    "train": Part(100),
    "dev": Part(40),
    "board": Part(60),
    "shadow": Part(20, nights=1.0, camera="B"),
}


def _made_once(tmp_path_factory, name, make):
    """A folder that all processes of pytest-xdist share, and that whoever comes first fills."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made = folder / "worlds" / name
    made.parent.mkdir(exist_ok=True)
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole = made / "whole"
        if not whole.exists():
            make(made)
            whole.touch()
    return made


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The digits' files: npz of each split and two models."""
    return _made_once(
        tmp_path_factory, "digits", lambda made: asyncio.run(child("digits", "--out", str(made)))
    )


@pytest.fixture(scope="session")
def shapes(tmp_path_factory):
    """The shapes' files, as ``bookwiz-runner shapes`` writes them."""
    return _made_once(tmp_path_factory, "shapes", lambda made: write_shapes(made, FEWER))


@pytest.fixture(scope="session")
def worlds(digits, shapes):
    """The folder that has a folder of each."""
    assert digits.parent == shapes.parent
    return digits.parent
