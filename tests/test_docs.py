"""The documents say what is so. ``python -m tests.test_docs`` writes those that are made from code."""

import re
import tomllib
from pathlib import Path

import click
import pytest
import yaml
from prometheus_client import REGISTRY
from pydantic import BaseModel

from bot.cli import main as bookwiz
from bot.config import Settings
from bot.web.metrics import JobMetrics
from runner.cli import main as runner
from runner.codes import CODES as RUNNER_CODES
from tests.catalogue import commands_page
from tests.codes import CODES as BOT_CODES

ROOT = Path(__file__).parents[1]
SETTINGS = """# Configuration

Set these in the environment, or in a file `.env` in the folder where `bookwiz` is started. They are
what the host decides; what moderators decide is a command (`/admin`).

| Variable | Default | What it is |
|---|---|---|
"""
ERRORS = """# Codes

Whatever is refused says one of these codes, with what was expected, what came and what to do. What
came is told as it was; here stands an example.

"""
OF_A_MODEL = """## Why a model has no score, and what you can do

"""
OF_THE_CHAT = """
## Commands, files and links

Said privately, before anything is written.

"""
OURS = """
## What is ours to mend

These cost no quota; what was running is tried again by itself.

"""
METRICS = """# Metrics

`/metrics` is for Prometheus. It is served where the bot listens (`BOOKWIZ_WEB__HOST`, by default this
machine alone); the proxy of the compose file lets nobody to it from outside. Beside these there are
Prometheus's own of the process (`process_…`, `python_…`).

No label names a member, a model, a benchmark or a runner. `queue` is the engine's queue: the line
that a benchmark's jobs wait in, and after each plus what they need (`cpu+full+torch`: tier full and
PyTorch). `line` is what a runner takes: `cpu`, `gpu`, `any` (the bot's own) or `other`. Gauges are
read from the rows and the engine at each visit; counters and histograms count since the bot started.

Worth an alarm: `bookwiz_job_oldest_seconds` over what your community waits for; a
`bookwiz_runner_heartbeat_age_seconds` over 60; `bookwiz_attempts_lost_total` that grows;
`bookwiz_reached` at 0.

| Metric | Kind | Labels | What it is |
|---|---|---|---|
"""
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = {"bookwiz": bookwiz, "bookwiz-runner": runner}


def settings_of(model, prefix):
    """Each setting as ``(variable, default, description)``."""
    for name, field in model.model_fields.items():
        variable = f"{prefix}{name.upper()}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_of(field.annotation, f"{variable}__")
        else:
            yield variable, field.default, field.description


def settings_page():
    rows = [
        f"| `{variable}` | {'' if default is None else f'`{default}`'} | {description} |\n"
        for variable, default, description in settings_of(Settings, "BOOKWIZ_")
    ]
    return SETTINGS + "".join(rows)


def errors_table(codes, *, ours):
    rows = [
        f"| `{code}` | {entry.meaning} | {entry.expected} | {entry.got} | {entry.fix} |\n"
        for code, entry in codes.items()
        if entry.ours == ours
    ]
    return (
        "| Code | What it means | Expected | Got, such as | What to do |\n|---|---|---|---|---|\n"
        + "".join(rows)
    )


def errors_page():
    return (
        f"{ERRORS}{OF_A_MODEL}{errors_table(RUNNER_CODES, ours=False)}"
        f"{OF_THE_CHAT}{errors_table(BOT_CODES, ours=False)}"
        f"{OURS}{errors_table(RUNNER_CODES | BOT_CODES, ours=True)}"
    )


def metrics_of(registry):
    """Every metric of ours in *registry* as Prometheus reads it: name, kind, labels, help."""
    for collector in registry._collector_to_names:
        for metric in collector.describe() if hasattr(collector, "describe") else ():
            if metric.name.startswith("bookwiz_"):
                name = f"{metric.name}_total" if metric.type == "counter" else metric.name
                yield name, metric.type, collector._labelnames, metric.documentation


def metrics_page():
    found = [*metrics_of(REGISTRY), *metrics_of(JobMetrics(None).registry)]
    rows = [
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {words} |\n"
        for name, kind, labels, words in sorted(found)
    ]
    return METRICS + "".join(rows)


#: documents that are made from code → how
MADE = {
    "commands.md": commands_page,
    "configuration.md": settings_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
}


def command(words):
    """The click command that *words* begin with, or None."""
    found = PROGRAMS[words[0]]
    for word in words[1:]:
        if not isinstance(found, click.Group):
            break
        found = found.get_command(click.Context(found), word)
    return found


def test_every_setting_is_described():
    assert [
        variable
        for variable, _, description in settings_of(Settings, "BOOKWIZ_")
        if not description
    ] == []


@pytest.mark.parametrize("name", MADE)
def test_a_document_that_is_made_from_code_says_what_the_code_says(name):
    assert (ROOT / "docs" / name).read_text() == MADE[name](), (
        "write it anew: python -m tests.test_docs"
    )


def test_every_code_that_can_be_said_is_on_the_page():
    """No code is only in the code, and none only on the page."""
    tables = {ROOT / "runner/codes.py"}
    said = {
        code
        for folder in ("bot", "runner", "digests")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".js", ".j2") and path not in tables
        for code in re.findall(r"\bE_[A-Z][A-Z0-9_]*", path.read_text())
    }
    page = re.findall(r"^\| `(E_[A-Z0-9_]+)`", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    assert sorted(page) == sorted(said)


def test_every_code_has_its_words():
    for code, entry in (RUNNER_CODES | BOT_CODES).items():
        words = (entry.meaning, entry.expected, entry.got, entry.fix)
        assert all(words), code
        assert not any("|" in text or "\n" in text for text in words), code


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_links_lead_to_files_that_exist(document):
    for target in re.findall(r"\]\((?!https?:|/|<|mailto:)([^)#\s]+)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_programs_in_examples_have_the_commands_that_are_shown(document):
    for block in re.findall(r"```sh\n(.*?)```", document.read_text(), re.DOTALL):
        for words in re.findall(
            r"(?:^|bin/|&& |\| |bot |migrate )(bookwiz(?:-runner)? [a-z][a-z-]+)",
            block,
            re.MULTILINE,
        ):
            assert command(words.split()) is not None, words


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.name)
def test_variables_that_are_named_exist(document):
    known = {variable for variable, _, _ in settings_of(Settings, "BOOKWIZ_")}
    known |= {
        "BOOKWIZ_PASSWORD",
        "BOOKWIZ_DOMAIN",
        "BOOKWIZ_JOBS_URL",
        "BOOKWIZ_RUNNER_URL",
        "BOOKWIZ_TEST_STRICT",
        "BOOKWIZ_TEST_DATABASE_URL",
    }
    assert set(re.findall(r"BOOKWIZ_[A-Z_]+[A-Z]", document.read_text())) <= known


def test_make_has_the_verbs_that_contributors_are_told():
    verbs = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert verbs == {"help", "demo", "test", "lint", "bench", "preview", "clean"}
    assert (
        set(
            re.findall(r"^\| `make ([a-z]+)`", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
        )
        <= verbs
    )


def test_hooks_of_a_commit_are_those_of_make_lint():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    entries = {hook["entry"].split()[0] for repo in config["repos"] for hook in repo["hooks"]}
    lint = (ROOT / "Makefile").read_text()
    assert {entry.removeprefix(".venv/bin/") for entry in entries} == set(
        re.findall(r"^\t@\$\(BIN\)/(ruff|mypy|lint-imports)", lint, re.MULTILINE)
    )


def test_every_pinned_name_is_pinned_once_and_exactly():
    lines = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    names = [line.partition("==")[0] for line in lines]
    assert all("==" in line for line in lines)
    assert len(set(names)) == len(names)
    assert names == sorted(names)


def test_every_direct_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(d for extra in project["optional-dependencies"].values() for d in extra),
    ]
    names = {re.match(r"[A-Za-z0-9._-]+", d)[0].lower() for d in wanted} - {"bookwiz"}
    pinned = {
        line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert names - pinned == set()


if __name__ == "__main__":
    for name, make in MADE.items():
        (ROOT / "docs" / name).write_text(make())
