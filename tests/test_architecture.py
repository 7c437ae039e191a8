"""The house rules that a machine can hold. Each rule is seen to fail once, where that is cheap."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from bot.features import discover
from bot.kit.feature import commands_of
from bot.kit.render import Renderer

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "runner", "digests")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
    "contracts"
]
FEATURES = discover()
COMMANDS = commands_of(FEATURES)
FOLDERS = sorted(p.parent for p in (ROOT / "bot" / "features").glob("*/__init__.py"))
MODULES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))

#: contract → a file of ours and a line that must not stand in it
VIOLATIONS = [
    ("layers", "bot/kit/planted.py", "import bot.community.models"),
    ("layers", "bot/config.py", "import bot.kit.clock"),
    (
        "features",
        f"bot/features/{FOLDERS[0].name}/planted.py",
        f"import bot.features.{FOLDERS[1].name}",
    ),
    ("platforms", "bot/community/planted.py", "import discord"),
    ("platforms", "bot/features/planted.py", "from slack_sdk import web"),
    ("runner", "runner/planted.py", "import sqlalchemy"),
    ("runner", "runner/planted.py", "import bot.kit.clock"),
    ("digests", "digests/planted.py", "import bot.kit.clock"),
    ("contract", "bot/kit/planted.py", "import runner.cli"),
    ("contract-is-light", "runner/contract.py", "import numpy"),
]


def where(path):
    return str(path.relative_to(ROOT))


def broken(tree):
    """The ids of the contracts that import-linter finds broken in *tree*."""
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as l; l()"]
    done = subprocess.run(
        [*lint, "--no-logo", "--cache-dir", tree / ".import_linter_cache"],
        check=False,
        cwd=tree,
        env=os.environ | {"COLUMNS": "300", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    found = {
        c["id"]: re.search(rf"^{re.escape(c['name'])} .*?(KEPT|BROKEN)", done.stdout, re.MULTILINE)
        for c in CONTRACTS
    }
    assert all(found.values()), done.stdout + done.stderr
    return {name for name, match in found.items() if match[1] == "BROKEN"}, done.stdout


@pytest.fixture(scope="module")
def as_it_is(tree):
    """What is broken, planted or not; of interest to one test alone."""
    return broken(tree)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the packages, for planting in."""
    tree = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def test_every_import_contract_is_kept(as_it_is):
    found, report = as_it_is
    assert found == set(), report


def test_every_import_contract_is_seen_to_fail_below():
    assert {contract for contract, _, _ in VIOLATIONS} == {c["id"] for c in CONTRACTS}


@pytest.mark.parametrize(("contract", "file", "line"), VIOLATIONS)
def test_a_forbidden_import_is_found_by_its_own_contract(tree, as_it_is, contract, file, line):
    planted = tree / file
    before = planted.read_text() if planted.exists() else None
    planted.write_text(f"{before or ''}\n{line}\n")
    try:
        found, report = broken(tree)
    finally:
        planted.unlink() if before is None else planted.write_text(before)
    assert found - as_it_is[0] <= {contract}, report
    assert contract in found
    assert f"{file.removesuffix('.py').replace('/', '.')} -> {line.split()[1]}" in report


@pytest.mark.parametrize("module", MODULES, ids=where)
def test_a_file_is_a_room(module):
    assert len(module.read_text().splitlines()) <= 350
    assert module.stem not in {"utils", "helpers", "misc", "common", "util", "helper"}


def test_no_migration_imports_the_bot():
    for version in (ROOT / "migrations" / "versions").glob("*.py"):
        assert not imported(version) & set(PACKAGES), where(version)


def imported(path):
    """The top-level names that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def test_onnx_runtime_is_never_imported_before_its_telemetry_is_off():
    modules = [m for m in MODULES if "onnxruntime" in imported(m)]
    assert modules, "nothing imports ONNX Runtime any more: delete this test"
    for module in modules:
        name = ".".join(module.relative_to(ROOT).with_suffix("").parts)
        program = f"import os, {name}; print(os.environ.get('ORT_DISABLE_TELEMETRY'))"
        env = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
        done = subprocess.run(
            [sys.executable, "-c", program],
            check=False,
            env=env,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert done.stdout.strip() == "1", f"{name}: {done.stderr[-500:]}"


def test_what_the_bot_reads_of_the_runner_costs_nothing():
    program = "import sys, json, runner.contract; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert not {"numpy", "onnx", "onnxruntime", "torch", "aiohttp", "matplotlib"} & set(
        json.loads(done.stdout)
    )


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_a_feature_is_found_by_its_folder_and_has_commands(folder):
    assert FEATURES[folder.name].package == f"bot.features.{folder.name}"
    assert (folder / "commands.py").exists() or (folder / "commands" / "__init__.py").exists()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f.name)
def test_a_feature_has_the_templates_it_names_and_no_others(folder):
    named = {
        node.value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.endswith(".j2")
    }
    templates = {
        p.relative_to(folder / "templates").as_posix(): p for p in folder.glob("templates/**/*.j2")
    }
    words = "".join(p.read_text() for p in templates.values())
    assert named <= set(templates)
    assert {t for t in templates if t not in named and f"{folder.name}/{t}" not in words} == set()


def test_every_template_can_be_read():
    renderer = Renderer(FEATURES)
    for name in renderer._words.list_templates(["j2"]):
        (renderer._pages if ".html." in name else renderer._words).get_template(name)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda c: c.name)
def test_a_command_fits_into_what_the_platforms_take(command):
    assert re.fullmatch(r"[a-z][a-z0-9_-]{0,31} [a-z][a-z0-9_-]{0,31}", command.name)
    assert 0 < len(command.help) <= 100
    assert len(command.arguments) <= 25
    for argument in command.arguments.values():
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,31}", argument.name)
        assert argument.arg.help
        assert len(argument.choices) <= 25
        assert all(0 < len(c.label) <= 100 and 0 < len(c.value) <= 100 for c in argument.choices)
    required = [a.required for a in command.arguments.values()]
    assert required == sorted(required, reverse=True), "Discord takes required options first"


def test_the_groups_fit_into_what_discord_takes():
    groups = Counter(c.group for c in COMMANDS.values())
    assert len(groups) <= 100
    assert max(groups.values()) <= 25
    for group in groups:
        characters = sum(
            len(c.name)
            + len(c.help)
            + sum(len(a.name) + len(a.arg.help) for a in c.arguments.values())
            for c in COMMANDS.values()
            if c.group == group
        )
        assert characters <= 8000, group
