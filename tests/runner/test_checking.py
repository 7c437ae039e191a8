"""What a member hears of a file on their own machine, with nothing but a benchmark's card."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner import checking
from runner.card import BenchmarkCard
from runner.cli import main
from runner.contract import Declared, Limits
from runner.formats import admission
from runner.sandbox.tier import Proof
from tests.runner import hostile_models, models

pytestmark = pytest.mark.sandbox
CARD = BenchmarkCard(
    name="Toy",
    task="classification",
    classes=tuple("abcdefghij"),
    height=8,
    width=8,
    channels=1,
    images=200,
    formats=("onnx", "torchscript"),
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "card.json").write_text(CARD.model_dump_json())
    return tmp_path


def check(place: Path, model: bytes, *options: str):
    (place / "m.onnx").write_bytes(model)
    said = CliRunner().invoke(
        main,
        [
            "check",
            str(place / "m.onnx"),
            "--benchmark",
            str(place / "card.json"),
            "--json",
            *options,
        ],
    )
    return said.exit_code, json.loads(said.stdout)


def test_a_good_file_is_accepted_with_what_it_is(place: Path) -> None:
    status, said = check(place, models.small_cnn_model())
    assert (status, said["verdict"], said["code"]) == (0, "accept", "")
    assert said["sandbox"] in ("reduced", "full")
    # 2 · (16·9·64 + 32·16·9·16 + 512·10) multiply-adds
    assert said["model"]["flops"] == 2 * (16 * 9 * 64 + 32 * 16 * 9 * 16 + 512 * 10)
    assert said["model"]["opset"] == 17


def test_a_bad_file_is_refused_with_what_to_do(place: Path) -> None:
    status, said = check(place, models.wrong_classes_model())
    assert (status, said["verdict"], said["code"]) == (1, "refuse", "E_OUTPUT_SHAPE")
    assert said["expected"]
    assert said["got"]
    assert said["fix"]


@pytest.mark.parametrize(
    ("tier", "torch", "ends"),
    [
        ("reduced", True, (2, "contain", "E_TIER")),
        ("none", True, (2, "contain", "E_TIER")),
        ("reduced", False, (2, "contain", "E_NO_TORCH")),
        ("full", False, (2, "contain", "E_NO_TORCH")),
    ],
)
def test_what_only_the_sandbox_decides_is_contained(
    tier, torch, ends, place: Path, monkeypatch
) -> None:
    monkeypatch.setattr(checking, "prove", lambda: Proof(tier, ()))
    monkeypatch.setattr(admission, "has_torch", lambda: torch)
    status, said = check(place, models.torch_zip(script=True))
    assert (status, said["verdict"], said["code"]) == ends


def test_a_model_that_runs_for_ever_is_contained(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(hostile_models.spin_model())
    found = checking.check_for_card(tmp_path / "m.onnx", CARD, declared=Declared(), seconds=3)
    assert (found.verdict, found.failure.code) == ("contain", "E_TIME_WALL")


def test_time_is_predicted_for_all_images_of_the_benchmark(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(models.small_cnn_model())
    card = CARD.model_copy(
        update={"images": 10**9, "limits": Limits(wall_seconds=30, cpu_seconds=1000)}
    )
    found = checking.check_for_card(tmp_path / "m.onnx", card, declared=Declared())
    assert (found.verdict, found.failure.code) == ("contain", "E_TIME_PREDICTED")
    assert "ms an image" in found.failure.got


def test_what_the_form_would_declare_is_given_on_the_command_line(place: Path) -> None:
    status, said = check(place, models.good_model(), "--preproc", '{"scale": 1}')
    assert (status, said["model"]["input"]) == (0, "float32 [N, 1, 8, 8], scaled by 1")


def test_ones_own_file_is_checked_without_a_sandbox_and_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "prove", lambda: Proof("none", ()))
    (tmp_path / "m.onnx").write_bytes(models.good_model())
    found = checking.check_for_card(tmp_path / "m.onnx", CARD, declared=Declared())
    assert (found.verdict, found.as_json()["sandbox"]) == ("accept", "unsandboxed")
    assert "unsandboxed" in found.words()


WRONG = {
    "card that is no JSON": ("E_CARD", "broken.json", ["m.onnx", "--benchmark", "broken.json"]),
    "card of nothing": ("E_CARD", "name", ["m.onnx", "--benchmark", "empty.json"]),
    "no such card": ("E_USAGE", "crad.json", ["m.onnx", "--benchmark", "crad.json"]),
    "no such model": ("E_USAGE", "modle.onnx", ["modle.onnx", "--benchmark", "card.json"]),
    "no model": ("E_USAGE", "MODEL", ["--benchmark", "card.json"]),
    "no benchmark": ("E_USAGE", "--benchmark CARD.json", ["m.onnx"]),
    "unknown option": ("E_USAGE", "--jsn", ["m.onnx", "--benchmark", "card.json", "--jsn"]),
    "no such dataset": (
        "E_RUNNER_DATASET",
        "toys-000000000000",
        ["m.onnx", "--dataset", "toys-000000000000", "--datasets", "."],
    ),
}


@pytest.mark.parametrize(("code", "got", "words"), WRONG.values(), ids=WRONG)
def test_what_keeps_a_model_from_being_looked_at_is_no_verdict_on_it(
    code: str, got: str, words: list[str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    (place / "broken.json").write_text("{")
    (place / "empty.json").write_text("{}")
    (place / "m.onnx").write_bytes(b"")
    asked = CliRunner().invoke(main, ["check", *words, "--json"])
    said = json.loads(asked.stdout)
    assert (asked.exit_code, said["verdict"], said["code"]) == (3, "unknown", code)
    assert got in said["got"]
    assert said["problem"]
    assert said["fix"]
    plain = CliRunner().invoke(main, ["check", *words])
    assert plain.exit_code == 3
    assert plain.stdout.startswith(f"unknown {code}: ")


def test_a_defect_of_ours_is_no_verdict_on_the_model(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_, **__):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(checking, "check_for_card", broken)
    status, said = check(place, models.good_model())
    assert (status, said["verdict"], said["code"]) == (3, "unknown", "E_RUNNER_BUG")
    assert "ZeroDivisionError" in said["got"]


def test_help_is_no_error() -> None:
    asked = CliRunner().invoke(main, ["check", "--help"])
    assert asked.exit_code == 0
    assert "Unknown (3)" in asked.output
