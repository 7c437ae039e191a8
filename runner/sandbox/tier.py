"""Decides how safe this runner is by trying to break out of it, not by asking for versions.

``reduced``: Landlock, seccomp and rlimits all held every probe. ``none``: at least one did not.
(``full`` adds namespaces and cgroups around the same cell; it will be proved here as well.)
"""

import os
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.contract import Tier
from runner.sandbox.cell import Cell

_SECONDS = 10.0
_MIB = 1 << 20


@dataclass(frozen=True)
class Probe:
    """One attempt: ``held`` where a wall answered, and what it said."""

    name: str
    held: bool
    answer: str


@dataclass(frozen=True)
class Proof:
    """What the probes showed."""

    tier: Tier
    probes: tuple[Probe, ...]


def unsafe_allowed() -> bool:
    """Return whether the host's owner takes models without walls: their own files, no strangers'."""
    return os.environ.get("RUNNER_UNSAFE") == "1"


def prove(*, walls: bool = True) -> Proof:
    """Run every probe in a cell of its own and return what held. Takes about a tenth of a second."""
    try:
        probes = _probe(walls=walls)
    except (OSError, AttributeError) as error:  # a system that lacks even the calls for it
        return Proof("none", (Probe("start a cell", False, type(error).__name__),))
    held = bool(probes) and all(probe.held for probe in probes)
    return Proof("reduced" if held else "none", probes)


def _probe(*, walls: bool) -> tuple[Probe, ...]:
    probes: list[Probe] = []
    done: list[str] = []
    broken: list[str] = []

    def hear(line: dict[str, Any]) -> None:
        if "probe" in line:
            probes.append(Probe(str(line["probe"]), line["held"] is True, str(line["answer"])))
        broken.extend([str(line["broken"])] if "broken" in line else [])
        done.extend(["done"] if line.get("done") is True else [])

    with tempfile.TemporaryDirectory(prefix="bookwiz-probe-") as folder, socket.socket() as server:
        Path(folder).chmod(0o777)  # the walls must refuse, not the file's owner
        labels = Path(folder, "labels.npy")
        labels.write_bytes(b"bait")
        labels.chmod(0o644)
        server.bind(("127.0.0.1", 0))
        server.listen()
        cell = Cell("probe", walls=walls)
        try:
            with labels.open("rb") as open_file:
                job = {
                    "labels": str(labels),
                    "folder": folder,
                    "port": server.getsockname()[1],
                    "pid": os.getpid(),
                    "limits": {"cpu_seconds": _SECONDS, "memory": 64 * _MIB},
                }
                ending = cell.run(job, [open_file.fileno()], wall_seconds=_SECONDS, on_line=hear)
        finally:
            cell.close()
    if not (done and ending.well):
        probes.append(
            Probe("come to an end", False, "; ".join(broken) or f"status {ending.status}")
        )
    return tuple(probes)
