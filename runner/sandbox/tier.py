"""Decides how safe this runner is by trying to break out of it, not by asking for versions.

``full``: a cell in namespaces held every probe. ``reduced``: Landlock, seccomp and rlimits alone
did, which is what an ordinary container allows. ``none``: at least one probe got through.
"""

import ctypes
import os
import socket
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from runner.contract import Tier
from runner.sandbox import cases, cgroups, memory
from runner.sandbox.attacks import ATTACKS
from runner.sandbox.cell import Cell, Ending, likely_walls
from runner.sandbox.storms import STORMS, Storm

_SECONDS = 10.0
_MIB = 1 << 20
_OUTPUT = 4096
_BAIT = b"bait"
_PRIVATE, _REMOVE, _CREATE = 0, 0, 0o1000
_SIGNALS = {"cpu": {24, 9}, "crashed": {11}}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Probe:
    """One attempt: ``held`` where a wall answered, and what it said."""

    name: str
    held: bool
    answer: str
    wall: str = ""
    ours: bool = False  #: something that we could not do, rather than an attack
    needed: bool = True  #: False: of use where it can be had, and no tier depends on it

    def sentence(self) -> str:
        """Say what was tried, and what came of it."""
        if not self.needed:
            return f"{self.name}: {self.answer}."
        if self.ours and not self.held:
            return f"Could not {self.name}: {self.answer}."
        if not self.held:
            return f"It could {self.name}: {self.answer}."
        return f"Tried to {self.name}: held by {self.wall} ({self.answer})."


@dataclass(frozen=True)
class Proof:
    """What the probes showed, in which situation, and what would show more."""

    tier: Tier
    probes: tuple[Probe, ...]
    case: str = ""
    advice: str = ""
    refused: str = ""  #: why the tier above this one did not hold
    seconds: float = field(default=0.0, compare=False)


def unsafe_allowed() -> bool:
    """Return whether the host's owner takes models without walls: their own files, no strangers'."""
    return os.environ.get("RUNNER_UNSAFE") == "1"


def prove(*, thorough: bool = False) -> Proof:
    """Try the strongest walls first and return the first tier that held every probe.

    Takes a fifth of a second; ``thorough`` adds the attacks that need a cell each, and seconds.
    """
    refused: list[str] = []
    tiers: tuple[Tier, ...] = ("full", "reduced") if likely_walls() == "full" else ("reduced",)
    if len(tiers) == 1:
        refused.append("bubblewrap is not installed")
    probes: tuple[Probe, ...] = ()
    for tier in tiers:
        probes = attempt(tier, thorough=thorough)
        if all(probe.held for probe in probes if probe.needed):
            return _proof(tier, probes, refused)
        open_ = next(probe for probe in probes if probe.needed and not probe.held)
        refused.append(f"{tier}: {open_.sentence()}")
    return _proof("none", probes, refused)


def _proof(tier: Tier, probes: tuple[Probe, ...], refused: list[str]) -> Proof:
    case = cases.this_one(tier)
    return Proof(tier, probes, case.words, case.advice, " ".join(refused))


def attempt(
    tier: Tier, *, thorough: bool = False, without: Collection[str] = ()
) -> tuple[Probe, ...]:
    """Run the probes in cells of ``tier``, and the storms if ``thorough``. Never raises."""
    try:
        with tempfile.TemporaryDirectory(prefix="bookwiz-probe-") as folder:
            Path(folder).chmod(0o777)  # the walls must refuse, not the file's owner
            probes = _attack(tier, folder, without)
            if thorough:
                probes += [weather(name, tier, folder, without) for name in STORMS]
    except (OSError, AttributeError) as error:  # a system that lacks even the calls for it
        return (Probe("start a cell", False, type(error).__name__, ours=True),)
    held, words = cgroups.try_out()
    return (*probes, Probe("limit by control group", held, words, needed=False))


def _attack(tier: Tier, folder: str, without: Collection[str]) -> list[Probe]:
    probes: list[Probe] = []
    done: list[str] = []
    broken: list[str] = []

    def hear(line: dict[str, Any]) -> None:
        if "probe" in line:
            name = str(line["probe"])
            probes.append(Probe(name, line["held"] is True, str(line["answer"]), _wall(name, tier)))
        broken.extend([str(line["broken"])] if "broken" in line else [])
        done.extend(["done"] if line.get("done") is True else [])

    shared = _libc.shmget(os.getpid(), 1, _CREATE | 0o666)
    try:
        with socket.socket() as server, socket.socket(socket.AF_UNIX) as local:
            server.bind(("127.0.0.1", 0))
            server.listen()
            abstract = f"bookwiz-probe-{os.getpid()}-{server.getsockname()[1]}"
            local.bind(f"\0{abstract}")
            local.listen()
            bait = {
                "port": server.getsockname()[1],
                "abstract": abstract,
                "shared": os.getpid(),
            }
            ending = _in_a_cell(tier, folder, bait, hear, without=without)
    finally:
        if shared >= 0:
            _libc.shmctl(shared, _REMOVE, None)
    if not (done and ending.well):
        words = "; ".join(broken) or f"status {ending.status}"
        probes.append(Probe("hear a cell to its end", False, words, ours=True))
    return probes


def _wall(name: str, tier: Tier) -> str:
    attack = ATTACKS.get(name)
    if attack is None:
        return ""
    behind = f", {attack.behind} behind it" if attack.behind and tier == "full" else ""
    return attack.wall + behind


def weather(
    name: str,
    tier: Tier,
    folder: str,
    without: Collection[str] = (),
    *,
    wall_seconds: float | None = None,
) -> Probe:
    """Run one storm in a cell of its own, at most ``wall_seconds``; it held if that ended as it must."""
    storm = STORMS[name]
    storm = replace(storm, wall_seconds=wall_seconds or storm.wall_seconds)
    reached: list[str] = []
    ending = _in_a_cell(
        tier,
        folder,
        {"storm": name},
        lambda line: reached.append(str(line["storm"])) if "storm" in line else None,
        storm=storm,
        without=without,
    )
    how = _how(ending, storm)
    words = f"{how}, {reached[0]}" if reached else how
    return Probe(name, how == storm.ends, words[:120], storm.wall)


def _how(ending: Ending, storm: Storm) -> str:
    if ending.timed_out:
        return "timed out"
    if ending.flooded:
        return "flooded"
    if ending.well:
        return "well"
    if ending.signal in _SIGNALS.get(storm.ends, ()):
        return storm.ends
    return f"signal {ending.signal}" if ending.signal else f"status {ending.status}"


def _in_a_cell(
    tier: Tier,
    folder: str,
    bait: dict[str, Any],
    hear: Any,
    *,
    storm: Storm | None = None,
    without: Collection[str] = (),
) -> Ending:
    labels, other = Path(folder, "labels.npy"), Path(folder, "submission.onnx")
    for file in (labels, other):
        file.write_bytes(_BAIT)
        file.chmod(0o644)
    model = memory.sealed(_BAIT, without)
    output, map_ = memory.board(_OUTPUT, without)
    cell = Cell("probe", walls=tier, without=without)
    try:
        with labels.open("rb") as images:
            job = bait | {
                "full": tier == "full",
                "labels": str(labels),
                "submission": str(other),
                "folder": folder,
                "pid": os.getpid(),
                "host": os.uname().nodename,
                "session": os.getsid(0),
                "groups": Path("/proc/self/ns/cgroup").stat().st_ino,
                "output_size": _OUTPUT,
                "limits": {
                    "cpu_seconds": storm.cpu_seconds if storm else _SECONDS,
                    "memory": 64 * _MIB,
                },
            }
            return cell.run(
                job,
                [images.fileno(), model, output],
                wall_seconds=storm.wall_seconds if storm else _SECONDS,
                on_line=hear,
            )
    finally:
        cell.close()
        map_.close()
        os.close(model)
        os.close(output)
