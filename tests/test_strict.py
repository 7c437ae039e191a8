"""What the strict plugin does with tests that leave themselves out."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TESTS = """
import pytest

@pytest.mark.{mark}
def test_that_lacks_something():
    pytest.skip("there is none here")

def test_that_runs():
    assert True
"""


def run(tmp_path, mark, *, strict):
    (tmp_path / "test_it.py").write_text(TESTS.format(mark=mark))
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nmarkers =\n    {mark}: x\n")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "tests.strict",
            "-p",
            "no:cacheprovider",
            tmp_path,
        ],
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "BOOKWIZ_TEST_STRICT": "1" if strict else ""},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("mark", ["browser", "postgres", "sandbox"])
def test_a_strict_run_fails_when_a_needed_test_is_left_out(tmp_path, mark):
    status, said = run(tmp_path, mark, strict=True)
    assert status == 1
    assert "nothing may be: there is none here" in said
    assert said.splitlines()[-1].startswith("1 failed, 1 passed")


@pytest.mark.parametrize(("mark", "strict"), [("browser", False), ("real_inputs", True)])
def test_what_may_be_left_out_is_said_aloud(tmp_path, mark, strict):
    status, said = run(tmp_path, mark, strict=strict)
    assert status == 0
    assert f"NOT TRIED ({mark}, 1): there is none here" in said
    assert said.splitlines()[-1].startswith("1 passed, 1 skipped")
