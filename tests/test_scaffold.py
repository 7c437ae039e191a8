"""A feature is one folder: written, found, tried and tested without a list being edited."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.scaffold import new_feature, next_steps

ROOT = Path(__file__).parents[1]


@pytest.fixture
def tree(tmp_path):
    """A copy of all that a feature's tests need."""
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("bot", "runner", "digests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    (tmp_path / "tests" / "features").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file in (ROOT / "tests").glob("*.py"):
        if not file.name.startswith("test_"):
            shutil.copy(file, tmp_path / "tests")
    return tmp_path


def run(tree, *command):
    done = subprocess.run(
        [sys.executable, *command],
        check=False,
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_new_feature_works_at_once_and_shows_in_help(tree):
    written = new_feature("reading_list", tree)
    assert {str(p.relative_to(tree)) for p in written} == {
        "bot/features/reading_list/__init__.py",
        "bot/features/reading_list/commands.py",
        "bot/features/reading_list/models.py",
        "bot/features/reading_list/service.py",
        "bot/features/reading_list/templates/added.md.j2",
        "bot/features/reading_list/templates/list.md.j2",
        "tests/features/test_reading_list.py",
    }
    (tree / "tests" / "test_help.py").write_text(
        "async def test_help_names_it(chat):\n"
        "    assert 'reading' in await chat.ask('ada', '/bookwiz help')\n"
        "    shown = (await chat.ask('ada', '/reading_list')).replace('\\\\', '')\n"
        "    assert '/reading_list add' in shown\n"
    )
    closing = run(
        tree, "-m", "pytest", "-q", "-k", "sqlite", "-p", "no:cacheprovider"
    ).splitlines()[-1]
    assert closing.startswith("3 passed")
    run(tree, "-m", "ruff", "check", "--no-cache", *map(str, written[:4]), str(written[-1]))
    run(
        tree,
        "-m",
        "ruff",
        "format",
        "--check",
        "--no-cache",
        *map(str, written[:4]),
        str(written[-1]),
    )


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Wins",
        "1st",
        "class",
        "has space",
        "../wins",
        "wins_",
        "x" * 21,
        "guide",
        "bookwiz",
        "né",
    ],
)
def test_a_name_that_is_no_good_or_taken_is_refused_and_writes_nothing(tmp_path, name):
    (tmp_path / "bot" / "features").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"no name for a feature|is taken"):
        new_feature(name, tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


@pytest.mark.parametrize("there", ["bot/features/wins", "tests/features/test_wins.py"])
def test_nothing_is_overwritten(tmp_path, there):
    (tmp_path / "bot" / "features").mkdir(parents=True)
    (tmp_path / there).mkdir(parents=True)
    with pytest.raises(ValueError, match="nothing is overwritten"):
        new_feature("wins", tmp_path)


def test_outside_a_checkout_it_says_so(tmp_path):
    with pytest.raises(ValueError, match="not a checkout"):
        new_feature("wins", tmp_path)


def test_it_says_what_to_do_next():
    steps = next_steps("wins", ROOT)
    assert "pytest tests/features/test_wins.py" in steps
    assert "bookwiz migrate --new" in steps
