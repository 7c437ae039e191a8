"""Every attack of ours, at both tiers, as root and as an ordinary user: each is held."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.sandbox import cases, tier
from runner.sandbox.attacks import ATTACKS
from runner.sandbox.purposes import PURPOSES
from runner.sandbox.storms import STORMS
from runner.sandbox.tier import Probe, attempt, prove, weather
from tests.runner.conftest import best_tier

pytestmark = pytest.mark.sandbox
TIERS = ("full", "reduced")
ROOT = Path(__file__).parents[2]


def needs(wanted: str) -> None:
    if wanted == "full" and best_tier() != "full":
        pytest.skip(f"TIER FULL CANNOT BE TRIED HERE: {cases.why_no_namespaces()}")


@pytest.fixture(scope="module")
def tried() -> dict[str, tuple[Probe, ...]]:
    return {name: attempt(name) for name in TIERS if name == "reduced" or best_tier() == "full"}


@pytest.mark.parametrize("walls", TIERS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_held(attack: str, walls: str, tried) -> None:
    needs(walls)
    if ATTACKS[attack].full_only and walls != "full":
        assert not [probe for probe in tried[walls] if probe.name == attack]
        return
    [probe] = [probe for probe in tried[walls] if probe.name == attack]
    assert probe.held, probe.sentence()
    assert ATTACKS[attack].wall in probe.sentence()


@pytest.mark.parametrize("walls", TIERS)
@pytest.mark.parametrize("storm", STORMS)
def test_a_storm_ends_as_it_must(storm: str, walls: str, tmp_path: Path) -> None:
    needs(walls)
    probe = weather(storm, walls, str(tmp_path))
    assert probe.held, probe.sentence()


def test_the_tier_is_the_strongest_that_held(monkeypatch: pytest.MonkeyPatch) -> None:
    assert prove().tier == best_tier()
    real = attempt

    def one_got_through(name: str, **given) -> tuple[Probe, ...]:
        probes = real(name, **given)
        return (*probes, Probe("fly", False, "flew")) if name == refused else probes

    monkeypatch.setattr(tier, "attempt", one_got_through)
    monkeypatch.setattr(tier, "likely_walls", lambda: "full")
    refused = "full"
    proof = prove()
    assert (proof.tier, "It could fly: flew." in proof.refused) == ("reduced", True)
    monkeypatch.setattr(tier, "likely_walls", lambda: "reduced")
    refused = "reduced"
    assert prove().tier == "none"


def test_without_any_wall_no_tier_is_reached() -> None:
    open_ = {probe.name for probe in attempt("none") if not probe.held}
    assert open_ >= {"read the labels", "connect to loopback", "fork", "start a program"}


def as_a_user(*command: str) -> subprocess.CompletedProcess[str]:
    """Run it as nobody, who may read this tree and its interpreter wherever they lie."""
    if os.geteuid() != 0:
        pytest.skip(
            "ONLY ROOT CAN BECOME SOMEBODY ELSE; run as an ordinary user, all tests are that"
        )
    homes = [path for path in Path(sys.executable).resolve().parents if closed(path)]
    script = ""
    if homes:  # a copy of nothing: the same folders, in a mount namespace with open doors
        home, inner = homes[-1], Path(sys.executable).resolve().parents[1]
        script = (
            f"exec 3<{inner} && mount -t tmpfs -o mode=755 none {home} && mkdir -p {inner}"
            f" && mount -c --bind /proc/self/fd/3 {inner} && exec 3<&- && "
        )
    script += 'exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs "$@"'
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", *command],
        cwd=ROOT,
        env={"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "TOKEN": "secret"},
        capture_output=True,
        text=True,
        check=False,
    )


def closed(path: Path) -> bool:
    return not path.stat().st_mode & 0o001


RUNNER = (sys.executable, "-m", "runner")


@pytest.mark.slow
def test_an_ordinary_user_reaches_the_same_tier_and_every_probe_is_held() -> None:
    done = as_a_user(*RUNNER, "probe", "--json")
    said = json.loads(done.stdout)
    assert said["tier"] == best_tier()
    assert "by user 65534" in said["case"]
    names = {probe["probe"] for probe in said["probes"] if probe["held"]}
    assert names >= ATTACKS.keys() | STORMS.keys()


_READY = """
import sys
from runner.sandbox.cell import Cell

said = []
limits = {"cpu_seconds": 20, "memory": 1 << 30}
Cell(sys.argv[1], walls=sys.argv[2]).run({"limits": limits}, [], wall_seconds=20, on_line=said.append)
assert {"ready": {}} in said, said
"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """A copy of the runner beneath /tmp, which stages use for their own."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="bookwiz-checkout-") as folder:
        Path(folder).chmod(0o755)
        shutil.copytree(ROOT / "runner", Path(folder, "runner"))
        yield folder


def started_in(folder: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": folder},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_checkout_beneath_the_stage_reaches_the_same_tier(elsewhere: str) -> None:
    """The stage hides /tmp: what lies there was opened before."""
    done = started_in(elsewhere, "-m", "runner", "probe", "--quick", "--json")
    assert json.loads(done.stdout)["tier"] == best_tier()


@pytest.mark.parametrize("purpose", sorted(PURPOSES.keys() - {"torch"}))
def test_cells_of_every_purpose_start_from_a_checkout_beneath_the_stage(
    purpose: str, elsewhere: str
) -> None:
    """A folder of a cell's own that is mounted over one that is bound hides what lies there."""
    needs("full")
    done = started_in(elsewhere, "-c", _READY, purpose, "full")
    assert done.returncode == 0, done.stderr


# What an ordinary container does to a runner: its seccomp profile refuses new namespaces.
CONTAINED = """
import ctypes, os, struct, sys
j = lambda code, value, yes=0, no=0: struct.pack("=HBBI", code, yes, no, value)
calls = [j(0x20, 0)]
for number in {refused}:
    calls += [j(0x15, number, 0, 1), j(0x06, 0x00050001)]
calls += [j(0x15, 56, 0, 3), j(0x20, 16), j(0x45, 0x10000000, 0, 1), j(0x06, 0x00050001)]
calls += [j(0x06, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(calls))
libc = ctypes.CDLL(None)
class P(ctypes.Structure):
    _fields_ = (("n", ctypes.c_ushort), ("f", ctypes.c_void_p))
p = P(len(calls), ctypes.cast(code, ctypes.c_void_p))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(p)) == 0
os.execv(sys.argv[1], sys.argv[1:])
""".replace("{refused}", "(165, 272, 308, 435)")  # mount, unshare, setns, clone3


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
@pytest.mark.parametrize("who", ["root", "user"])
def test_an_ordinary_container_gets_reduced_and_is_told_what_to_type(who: str) -> None:
    command = [sys.executable, "-c", CONTAINED, *RUNNER, "probe", "--quick", "--json"]
    if who == "root":
        if os.geteuid() != 0:
            pytest.skip("ONLY ROOT CAN TRY A CONTAINER'S ROOT")
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    else:
        done = as_a_user(*command)
    said = json.loads(done.stdout)
    assert (said["tier"], done.returncode) == ("reduced", 0), done.stderr
    assert "without namespaces" in said["case"]
    assert ("root, which gives" in said["case"]) == (who == "root")
    assert said["advice"].startswith("For tier full")
    assert "Could not hear a cell to its end" in said["refused"]


def test_a_host_without_bubblewrap_is_told_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    proof = prove()
    assert proof.tier == "reduced"
    assert "bubblewrap is not installed" in proof.refused
    assert "apt install bubblewrap" in proof.advice
