"""What the terminal's commands say to the person who typed them, above all when something is wrong."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click import ClickException
from click.testing import CliRunner

from bot import cli, demo
from bot.alone import alone_in
from bot.config import Settings
from runner.cli import main as runner


def bookwiz(*words, **environment):
    """Run the program as a person would; gives its exit code and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def npz(tmp_path):
    file = tmp_path / "board.npz"
    images = np.arange(20 * 64, dtype=np.uint8).reshape(20, 8, 8)
    np.savez(file, images=images, labels=np.arange(20) % 2, classes=np.array(["a", "b"]))
    return file


def added(npz, data):
    return bookwiz(
        "dataset",
        "add",
        "tiny",
        "--board",
        npz,
        "--licence",
        "CC0",
        "--source",
        "made up",
        "--data",
        data,
    )


def test_a_dataset_is_added_once_and_known_the_second_time(npz, tmp_path):
    data = tmp_path / "data"
    assert bookwiz("migrate", "--data", data)[0] == 0
    code, said = added(npz, data)
    assert (code, "added tiny-" in said, "20 images" in said) == (0, True, True)
    assert "known already" in added(npz, data)[1]


def test_without_a_schema_the_next_command_is_named_and_nothing_is_frozen(npz, tmp_path):
    code, said = added(npz, tmp_path / "data")
    assert (code, "bookwiz migrate" in said, "Traceback" in said) == (1, True, False)
    assert not (tmp_path / "data" / "datasets").exists()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--licence", " ", "licence"), ("--board", "/nowhere", "nowhere")],
)
def test_what_a_dataset_lacks_is_said_in_a_sentence(npz, tmp_path, option, value, words):
    data = tmp_path / "data"
    bookwiz("migrate", "--data", data)
    given = {"--board": npz, "--licence": "CC0", "--source": "made up"} | {option: value}
    code, said = bookwiz(
        "dataset", "add", "tiny", *[w for pair in given.items() for w in pair], "--data", data
    )
    assert (code, words in said, "Traceback" in said) == (1, True, False)


def test_the_doctor_finds_a_missing_schema_and_then_nothing(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    code, said = bookwiz("doctor", "--data", data)
    assert (code, "→ bookwiz migrate" in said) == (1, True)
    bookwiz("migrate", "--data", data)
    code, said = bookwiz("doctor", "--data", data)
    assert "LOOK" not in said
    assert (code, "sandbox tier" in said) == (0, True)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"BOOKWIZ_WEB__PORT": "abc"}, "BOOKWIZ_WEB__PORT"),
        ({"BOOKWIZ_DATABASE_URL": "foo"}, "BOOKWIZ_DATABASE_URL"),
        ({"BOOKWIZ_DATA": "/proc/nope"}, "/proc/nope"),
    ],
)
@pytest.mark.parametrize("command", ["doctor", "up"])
def test_a_wrong_setting_is_named_without_a_traceback(command, environment, words):
    code, said = bookwiz(command, **environment)
    assert (code, words in said, "Traceback" in said) == (1, True, False)


def test_a_second_bot_on_the_same_folder_is_refused_and_the_next_one_is_not(tmp_path):
    with (
        alone_in(tmp_path),
        pytest.raises(ClickException, match="already runs on"),
        alone_in(tmp_path),
    ):
        pass
    with alone_in(tmp_path):
        pass


def test_the_runner_says_which_walls_hold():
    done = subprocess.run(
        [sys.executable, "-m", "runner", "probe", "--quick", "--json"],
        capture_output=True,
        check=False,
    )
    said = json.loads(done.stdout)
    assert said["tier"] in {"full", "reduced", "none"}
    assert {"probe", "held", "answer"} <= said["probes"][0].keys()


@pytest.mark.parametrize(
    ("program", "words", "status"),
    [(cli.main, ["demo"], 1), (runner, ["check", "m.onnx"], 3), (runner, ["probe"], 3)],
)
def test_on_another_system_than_linux_it_says_so_and_starts_nothing(
    program, words, status, monkeypatch
):
    monkeypatch.setattr(sys, "platform", "darwin")
    done = CliRunner().invoke(program, words)
    assert done.exit_code == status
    assert "needs Linux" in done.output
    assert "darwin" in done.output


def test_models_are_exported_on_any_system(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert CliRunner().invoke(runner, ["export", "--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("host", "own"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.4", False)]
)
def test_a_demo_takes_all_files_for_its_owners_only_where_nobody_else_can_come(
    host, own, monkeypatch
):
    monkeypatch.setenv("RUNNER_UNSAFE", "")
    monkeypatch.delenv("RUNNER_UNSAFE")
    settings = Settings()
    settings.web.host = host
    demo.own_files_alone(settings)
    assert settings.own_files is own
    assert (demo.os.environ.get("RUNNER_UNSAFE") == "1") is own


@pytest.mark.parametrize(
    ("environment", "read"),
    [
        ({"BOOKWIZ_JOBS_URL": "postgresql://a"}, "postgresql://a"),
        ({"BOOKWIZ_JOBS__URL": "postgresql://b"}, "postgresql://b"),
        ({"BOOKWIZ_JOBS_URL": "postgresql://a", "BOOKWIZ_JOBS__URL": "postgresql://b"}, "postgresql://b"),
    ],
)  # fmt: skip
def test_a_runner_finds_its_jobs_by_either_name(environment, read, monkeypatch):
    found = []

    def refuse(url, **_more):
        found.append(url)
        raise ValueError("seen")

    monkeypatch.setattr("runner.worker.QueueRunner", refuse)
    monkeypatch.delenv("BOOKWIZ_JOBS_URL", raising=False)
    monkeypatch.delenv("BOOKWIZ_JOBS__URL", raising=False)
    done = CliRunner().invoke(runner, ["work"], env=environment)
    assert found == [read], done.output
