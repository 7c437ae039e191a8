"""What is inside a cell stays inside: every wall is tried, and tried again with the walls away."""

import contextlib
import fcntl
import os
import struct
import subprocess
import sys
import time
from typing import Any

import psutil
import pytest

from runner.contract import Evaluation
from runner.sandbox import landlock, seccomp
from runner.sandbox.cell import Cell
from runner.sandbox.purposes import PURPOSES
from tests.runner import hostile_models
from tests.runner.conftest import Bench, Served

pytestmark = pytest.mark.sandbox


def test_a_kernel_without_landlock_has_no_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "abi", lambda: 0)
    with pytest.raises(OSError, match="no Landlock"):
        landlock.restrict(())


def test_an_unknown_architecture_fails_closed() -> None:
    with pytest.raises(OSError, match="riscv64"):
        seccomp.program("riscv64", 1)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_path_through_the_filter_ends_in_a_verdict_and_the_last_is_a_refusal(
    machine: str,
) -> None:
    code = [struct.unpack("=HBBI", part) for part in batched(seccomp.program(machine, 42), 8)]
    assert len(code) < 4096
    for place, (kind, if_true, if_false, _) in enumerate(code):
        if kind & 0x07 == 0x05:
            assert place + 1 + max(if_true, if_false) < len(code)
    assert code[-1] == (0x06, 0, 0, 0x00050001)


@pytest.mark.parametrize(
    ("call", "arguments", "allowed"),
    [
        ("read", (), True),
        ("futex", (), True),
        ("mmap", (0, 4096, 3), True),
        ("mmap", (0, 4096, 7), False),
        ("mprotect", (0, 4096, 4), False),
        ("tgkill", (42, 1, 6), True),
        ("tgkill", (1, 1, 9), False),
        ("prlimit64", (0, 7, 0), True),
        ("prlimit64", (0, 7, 1 << 40), False),
        ("fcntl", (0, 1030), True),
        ("fcntl", (0, 8), False),
    ],
)
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_reads_arguments(
    machine: str, call: str, arguments: tuple[int, ...], allowed: bool
) -> None:
    arch, _, calls = seccomp._TABLES[machine]
    verdict = run_filter(seccomp.program(machine, 42), calls[call], arch, arguments)
    assert (verdict == seccomp._ALLOW) == allowed


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_executable_memory_and_files_are_let_through_only_where_the_purpose_asks(
    machine: str,
) -> None:
    arch, _, calls = seccomp._TABLES[machine]
    jit = seccomp.program(machine, 42, executable_memory=True)
    assert run_filter(jit, calls["mmap"], arch, (0, 4096, 7)) == seccomp._ALLOW
    assert run_filter(jit, calls["mprotect"], arch, (0, 4096, 4)) == seccomp._ALLOW
    unlink = seccomp._FILES[machine]["unlinkat"]
    assert run_filter(jit, unlink, arch, ()) == seccomp._EPERM
    files = seccomp.program(machine, 42, files=True)
    assert run_filter(files, unlink, arch, ()) == seccomp._ALLOW
    assert run_filter(files, calls["mmap"], arch, (0, 4096, 7)) == seccomp._EPERM


@pytest.mark.parametrize("number", [41, 56, 57, 58, 59, 62, 101, 155, 165, 298, 310, 319, 321, 425])
def test_calls_that_break_out_are_refused_on_x86_64(number: int) -> None:
    verdict = run_filter(seccomp.program("x86_64", 42), number, 0xC000003E, ())
    assert verdict == seccomp._EPERM


def test_another_architectures_calls_kill() -> None:
    assert run_filter(seccomp.program("x86_64", 42), 0, 0x40000003, ()) == seccomp._KILL
    x32 = run_filter(seccomp.program("x86_64", 42), 0x40000000, 0xC000003E, ())
    assert x32 == seccomp._KILL


def test_every_purpose_names_a_module_of_ours_and_an_unknown_one_is_refused() -> None:
    assert {"predict", "torch", "quantize", "probe"} <= PURPOSES.keys()
    assert all(purpose.module.startswith("runner.") for purpose in PURPOSES.values())
    with pytest.raises(KeyError):
        Cell("mine bitcoin")


def batched(data: bytes, size: int) -> list[bytes]:
    return [data[i : i + size] for i in range(0, len(data), size)]


def run_filter(code: bytes, number: int, arch: int, arguments: tuple[int, ...]) -> int:
    """A classic BPF machine, as small as this filter needs."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, arch, 0, *padded)
    program = [struct.unpack("=HBBI", part) for part in batched(code, 8)]
    place, value = 0, 0
    while True:
        kind, if_true, if_false, operand = program[place]
        place += 1
        if kind == 0x20:
            value = struct.unpack_from("=I", data, operand)[0]
        elif kind == 0x06:
            return operand
        else:
            holds = {0x15: value == operand, 0x45: bool(value & operand), 0x35: value >= operand}
            place += if_true if holds[kind] else if_false


def spinning(bench: Bench) -> Evaluation:
    return bench.evaluation(
        hostile_models.spin_model(), limits={"wall_seconds": 100, "cpu_seconds": 60}
    )


def wait_until(holds, seconds: float = 60) -> bool:
    """The bound is for a busy machine: it is reached only where what is waited for never comes."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.02)
    return False


def start_spinning(served: Served, evaluation: Evaluation) -> list[psutil.Process]:
    """Begin it and return every process below serve, once one of them spins."""
    served.send(evaluation)
    me = psutil.Process(served.process.pid)

    def spins() -> bool:
        with contextlib.suppress(psutil.NoSuchProcess):
            return any(p.cpu_times().user > 0.8 for p in me.children(recursive=True))
        return False

    assert wait_until(spins)
    return me.children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    return not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def test_a_runner_killed_with_kill_9_leaves_nothing_alive(bench: Bench) -> None:
    served = Served()
    below = start_spinning(served, spinning(bench))
    assert len(below) >= 2
    served.process.kill()
    served.process.wait()
    assert wait_until(lambda: gone(below))
    served.process.stdin.close()
    served.process.stdout.close()


def test_a_runner_dies_with_its_own_parent(bench: Bench) -> None:
    code = (
        "import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', 'runner', 'serve']);"
        " print(p.pid, flush=True); p.wait()"
    )
    # Its stdin stays open in our hands, so that end of file cannot be what ends it.
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pid = int(parent.stdout.readline())
    runner = psutil.Process(pid)
    assert wait_until(lambda: len(runner.children()) >= 1)
    below = [runner, *runner.children(recursive=True)]
    parent.kill()
    parent.wait()
    # Its stdout stays open too: a broken pipe would end it as well.
    assert wait_until(lambda: gone(below))
    parent.stdout.close()
    parent.stdin.close()


NOTHING = {"limits": {"cpu_seconds": 1, "memory": 1 << 20}}


def cell_saying(words: bytes) -> Cell:
    """A cell whose status pipe already holds ``words``."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.write(write, words)
    os.close(write)
    cell = Cell("probe")
    os.close(cell._status)
    cell._status = read
    return cell


def test_a_cell_that_floods_its_status_pipe_is_ended() -> None:
    cell = cell_saying(b'{"x": 1}\n' * 8000)
    heard = []
    ending = cell.run(NOTHING, [], wall_seconds=30, on_line=heard.append)
    assert ending.flooded
    assert not ending.well
    assert len(heard) * 9 <= 64 * 1024


def test_what_a_cell_says_that_is_not_json_is_passed_over() -> None:
    heard = []
    cell = cell_saying(b'nonsense\n[1]\n{"progress": 0.5}\n' + b"[" * 5000 + b"\n")
    cell.run(NOTHING, [], wall_seconds=30, on_line=heard.append)
    assert heard == [{"progress": 0.5}]


def test_a_cell_has_an_empty_environment_and_only_the_pipes_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BOOKWIZ_TOKEN", "secret")
    cell = Cell()
    try:
        warden = psutil.Process(cell._warden.pid)
        assert wait_until(warden.children)
        for process in (warden, *warden.children()):
            # Python itself may set the character set of its locale, and nothing else.
            assert process.environ().keys() <= {"LC_CTYPE"}
    finally:
        cell.close()


@pytest.mark.parametrize("walls", [True, False, "nearly", ""])
def test_walls_of_no_known_name_start_no_cell(walls) -> None:
    with pytest.raises(ValueError, match="walls are full, reduced, none"):
        Cell(walls=walls)


def test_the_child_takes_no_unknown_word_for_leave_to_go_without_walls(monkeypatch) -> None:
    monkeypatch.setattr("runner.sandbox.cell.get_args", lambda _: ("nearly",))
    cell = Cell("probe", walls="nearly")  # type: ignore[arg-type]
    heard: list[dict[str, Any]] = []
    job = {"limits": {"cpu_seconds": 1, "memory": 1 << 26}}
    ending = cell.run(job, [], wall_seconds=30, on_line=heard.append)
    assert not ending.well
    assert not any("confined" in line for line in heard)
    assert any("no walls are called" in str(line.get("broken")) for line in heard)


def test_a_model_does_not_pay_for_the_imports_of_its_cell_and_winds_no_clock_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The clock starts with the first word "ready", which is our own code's; a second one is nobody's."""
    for_ever = (
        "import time\nfor _ in range(600): print('{\"ready\": {}}', flush=True); time.sleep(.1)"
    )
    starts = (
        f"import time, sys; time.sleep(1.5); print('{{\"ready\": {{}}}}', flush=True)\n{for_ever}"
    )
    cell = Cell("probe")
    cell.close()
    reads, writes = os.pipe()
    with subprocess.Popen([sys.executable, "-c", starts], stdout=writes) as process:
        os.close(writes)
        monkeypatch.setattr(cell, "_status", reads)
        monkeypatch.setattr(cell, "_hand_over", lambda *_: None)
        begun = time.monotonic()
        ending = cell.run({}, [], wall_seconds=1.0, on_line=lambda _: None)
        spent = time.monotonic() - begun
        process.kill()
    assert ending.timed_out
    assert spent > 2.4, "a second and a half of imports, and a second of its own"
