"""What is measured is written, whatever else breaks."""

import sys
from types import SimpleNamespace

import pytest

from bench import __main__ as bench
from bench.figures import Figure

FINE = Figure("a thing", "1 s", "≤ 2 s", True)


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Measure with these benchmarks; gives the exit code and the page."""

    def run(**measures):
        for name, measure in measures.items():
            monkeypatch.setitem(sys.modules, f"bench.{name}", SimpleNamespace(measure=measure))
        monkeypatch.setattr(bench, "BENCHES", tuple(measures))
        monkeypatch.setattr(bench, "_PAGE", tmp_path / "benchmarks.md")
        monkeypatch.setattr(sys, "argv", ["bench"])
        return bench.main(), (tmp_path / "benchmarks.md").read_text()

    return run


def broken():
    raise RuntimeError("no\nroom | left")


def test_a_benchmark_that_breaks_is_named_and_leaves_the_others_their_lines(run):
    code, page = run(first=lambda: [FINE], second=broken, third=lambda: [FINE])
    assert code == 1
    assert page.count("| a thing | 1 s | ≤ 2 s | yes |") == 2
    assert "| second: not measured, it broke | RuntimeError: no room / left |  | **no** |" in page


@pytest.mark.parametrize(("good", "wanted"), [(True, 0), (None, 0), (False, 1)])
def test_what_misses_its_gate_is_the_exit_code(run, good, wanted):
    assert run(first=lambda: [Figure("a thing", "1 s", "", good)])[0] == wanted
