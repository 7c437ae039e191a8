"""docs/recipes/export.md, executed: what a member copies from it works."""

import ast
import re
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.card import BenchmarkCard
from runner.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "recipes" / "export.md").read_text()
SECTIONS = {
    text.partition("\n")[0]: re.findall(r"```(python|sh)\n(.*?)```", text, re.DOTALL)
    for text in PAGE.split("\n## ")[1:]
}
#: libraries that members have and this project does not; their blocks are only compiled
FOREIGN = {"torchvision", "timm", "ultralytics", "skl2onnx"}
CARD = BenchmarkCard(
    name="Toy", task="classification", classes=("a", "b", "c"), height=32, width=32, channels=3
)


def imported(code: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


def foreign(blocks: list[tuple[str, str]]) -> set[str]:
    return {n for kind, text in blocks if kind == "python" for n in imported(text) & FOREIGN}


def typed(line: str) -> None:
    program, command, *rest = shlex.split(line)
    assert (program, command) in {("bookwiz", "export"), ("bookwiz-runner", "check")}
    said = CliRunner().invoke(main, [command, *rest])
    assert said.exit_code == 0, said.output
    if command == "export":
        assert "against PyTorch on random images: at most" in said.output
    else:
        assert said.output.startswith("accept"), said.output


@pytest.mark.torch
@pytest.mark.sandbox
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:You are using the legacy:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:The feature will be removed:DeprecationWarning")
def test_the_recipes_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: the recipes are not tried")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("card.json").write_text(CARD.model_dump_json())
    detection = CARD.model_copy(update={"task": "detection"})
    Path("detection.json").write_text(detection.model_dump_json())
    before = set(sys.modules)
    ran = []
    for title, blocks in SECTIONS.items():
        if foreign(blocks):
            continue
        for kind, text in blocks:
            if kind == "python":
                name = text.partition("\n")[0].removeprefix("# ")
                Path(name).write_text(text)
                exec(compile(text, name, "exec"), {"__name__": "__main__"})
            else:
                for line in filter(None, text.splitlines()):
                    typed(line)
        ran.append(title)
    for name in sys.modules.keys() - before:
        if (tmp_path / f"{name}.py").exists():
            del sys.modules[name]
    assert len(ran) >= 5
    assert {p.name for p in tmp_path.glob("*.onnx*")} == {"model.onnx", "plain.onnx"}


@pytest.mark.parametrize("title", [t for t, blocks in SECTIONS.items() if foreign(blocks)])
def test_recipes_for_libraries_that_are_not_ours_are_python_and_say_options_that_exist(
    title: str,
) -> None:
    export = main.commands["export"]
    for kind, text in SECTIONS[title]:
        if kind == "python":
            compile(text, title, "exec")
            continue
        for line in filter(None, text.splitlines()):
            export.parse_args(export.make_context("export", ["x"]), shlex.split(line)[2:3])
            options = {o for p in export.params for o in p.opts}
            assert {w for w in shlex.split(line) if w.startswith("--")} <= options


def test_no_library_is_taken_for_foreign_that_no_recipe_is_about() -> None:
    assert {n for blocks in SECTIONS.values() for n in foreign(blocks)} == FOREIGN
