"""What a beginner starts from is run as a beginner runs it, and what it writes is scored."""

import ast
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runner.card import BenchmarkCard
from runner.checking import check_for_card
from runner.contract import Blob, DatasetManifest, Declared, Evaluation
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from runner.datasets.truth import Boxes
from runner.desk import Desk
from runner.errands import StarterErrand
from runner.evaluate import Evaluator
from runner.starters.notebook import cells_of, notebook
from runner.starters.writing import carry_out, comment, sizes_of

SIZE = 32
METRICS = {"classification": "accuracy", "detection": "ap50", "segmentation": "miou"}
#: what a model that guesses reaches at best, and a third of the way from there to all
ABOVE_CHANCE = {"classification": 0.6, "detection": 0.1, "segmentation": 0.5}
CLASSES = {
    "classification": ("box", "disc"),
    "detection": ("box", "disc"),
    "segmentation": ("ground", "box", "disc"),
}


def scenes(count: int, seed: int, task: str) -> Source:
    """One bright box or disc on dark ground."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 60, (count, SIZE, SIZE, 3), dtype=np.uint8)
    labels = np.arange(count, dtype=np.int64) % 2
    masks = np.zeros((count, SIZE, SIZE), np.uint8)
    corner = random.integers(1, SIZE - 15, (count, 2))
    row, column = np.mgrid[:SIZE, :SIZE]
    side = 14
    for n, (x, y) in enumerate(corner):
        box = (column >= x) & (column < x + side) & (row >= y) & (row < y + side)
        disc = np.hypot(column - x - 6.5, row - y - 6.5) < side / 2
        inside = disc if labels[n] else box
        images[n][inside] = (60, 200, 255) if labels[n] else (255, 200, 60)
        masks[n][inside] = labels[n] + 1
    if task == "classification":
        return Source(images, labels, CLASSES[task])
    if task == "segmentation":
        return Source(images, masks, CLASSES[task])
    # Of originals twice as large, as --resize leaves them: boxes must be led to the image at hand.
    return Source(
        images,
        Boxes(
            image=np.arange(count),
            box=np.concatenate([2.0 * corner, np.full((count, 2), 2.0 * side)], 1),
            category=labels,
            area=np.full(count, 4.0 * side * side),
            crowd=np.zeros(count, bool),
            size=np.full((count, 2), 2 * SIZE),
            scale=np.full((count, 2), 0.5),
            pad=np.zeros((count, 2)),
        ),
        CLASSES[task],
    )


def made(folder: Path, task: str, splits=("train", "dev", "board"), **words) -> DatasetManifest:
    """Freeze a dataset, and put its downloads and its starter files into ``folder``."""
    manifest = add_dataset(
        Card(f"Toy {task}", task, "CC0", "made up", {}),
        {s: scenes(160 if s == "train" else 60, n, task) for n, s in enumerate(splits)},
        datasets=folder / "datasets",
        artifacts=folder / "files",
    )
    desk = Desk(folder / "files", folder / "datasets")
    errand = StarterErrand(
        task=task,
        dataset=manifest.key,
        metric=METRICS[task],
        **{"name": "toy", "title": "Toys", "why": "All errors cost the same."} | words,
    )
    answer = carry_out(desk, errand)
    assert carry_out(desk, errand) == answer, "the same bytes, under the same names"
    for artifact in (*answer.artifacts, *manifest.downloads):
        (folder / artifact.name).write_bytes(desk.file(artifact.sha256).read_bytes())
    return manifest


def started(folder: Path, script: str, **settings: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "ORT_DISABLE_TELEMETRY": "1",
            "OMP_NUM_THREADS": "1",  # other tests use the other cores
            **settings,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return done.stdout


def judged(folder: Path, manifest: DatasetManifest, evaluator: Evaluator) -> float:
    """Check model.onnx with the card, then have it scored; gives its score on the board."""
    card = BenchmarkCard.model_validate_json((folder / "card.json").read_bytes())
    checked = check_for_card(folder / "model.onnx", card, declared=Declared())
    assert checked.verdict == "accept", checked.words()
    model = folder / "model.onnx"
    outcome = evaluator.evaluate(
        Evaluation(
            submission="7",
            attempt=1,
            token="token",
            task=manifest.task,
            model=Blob(
                sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
                size=model.stat().st_size,
                url=model.as_uri(),
            ),
            dataset=manifest.key,
            datasets=(folder / "datasets").as_uri(),
            splits=("board",),
            artifacts=(folder / "files").as_uri(),
            metric=METRICS[manifest.task],
        ),
        lambda _: None,
    )
    assert outcome.failure is None, outcome.failure
    [score] = outcome.scores
    return next(m.value for m in score.metrics if m.name == METRICS[manifest.task])


@pytest.mark.torch
@pytest.mark.sandbox
@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("classification", {"EPOCHS": "2", "IMAGES": "64"}),
        ("segmentation", {"EPOCHS": "2"}),
        ("detection", {"EPOCHS": "10"}),
    ],
)
def test_a_starter_trains_and_what_it_writes_is_taken_and_beats_chance(
    task, settings, tmp_path, evaluator
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: starters for it are not run")
    manifest = made(tmp_path, task)
    said = started(tmp_path, "start.py", **settings)
    assert "/model submit benchmark:toy" in said
    assert "of ONNX Runtime and PyTorch are at most" in said
    assert judged(tmp_path, manifest, evaluator) > ABOVE_CHANCE[task]


@pytest.mark.sandbox
def test_without_pytorch_the_one_in_numpy_trains_and_beats_chance(tmp_path, evaluator) -> None:
    manifest = made(tmp_path, "classification")
    said = started(tmp_path, "start_without_torch.py", EPOCHS="10")
    apart = float(said.partition("are at most ")[2].partition(" apart")[0])
    assert apart < 1e-3
    assert judged(tmp_path, manifest, evaluator) > ABOVE_CHANCE["classification"]


def test_the_one_in_numpy_ends_in_time_and_holds_a_fifth_back_where_there_is_no_dev(
    tmp_path,
) -> None:
    made(tmp_path, "classification", splits=("train", "board"))
    said = started(tmp_path, "start_without_torch.py", MINUTES="1e-9")
    assert "128 images to learn from, 32 to choose by" in said
    assert "Time is up in epoch 1" in said
    assert (tmp_path / "model.onnx").exists()


def test_a_missing_download_is_named_with_the_command_that_gives_it(tmp_path) -> None:
    made(tmp_path, "classification")
    (tmp_path / "dev.npz").unlink()
    done = subprocess.run(
        [sys.executable, "start_without_torch.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "dev.npz is not in this folder. Type in the chat: /benchmark data toy\n"


@pytest.mark.parametrize("task", METRICS)
def test_the_notebook_is_the_script_in_cells(task, tmp_path) -> None:
    made(tmp_path, task)
    scripts = sorted(tmp_path.glob("*.py"))
    assert len(scripts) == (2 if task == "classification" else 1)
    for script in scripts:
        found = json.loads(script.with_suffix(".ipynb").read_text())
        assert (found["nbformat"], found["nbformat_minor"]) == (4, 4)
        assert found["metadata"]["kernelspec"]["name"] == "python3"
        for cell in found["cells"]:
            wanted = {"cell_type", "metadata", "source"}
            if cell["cell_type"] == "code":
                wanted |= {"execution_count", "outputs"}
                compile("".join(cell["source"]), "cell", "exec")
            assert set(cell) == wanted
        code = "\n".join("".join(c["source"]) for c in found["cells"] if c["cell_type"] == "code")
        assert ast.dump(ast.parse(code)) == ast.dump(ast.parse(script.read_text()))


@pytest.mark.parametrize(
    "splits", [("train", "board"), ("dev", "board"), ("train", "dev", "board")]
)
@pytest.mark.parametrize("task", METRICS)
def test_every_starter_is_python_whatever_people_wrote(task, splits, tmp_path) -> None:
    words = 'Toys"""\n# %%\nimport os; os.abort() {{ 7 }} '
    made(tmp_path, task, splits, title=words, why=words * 20)
    for script in tmp_path.glob("*.py"):
        text = script.read_text()
        names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)]
        assert "abort" not in {node.attr for node in names}
        assert f'"{splits[0]}.npz"' in text


def test_without_public_images_there_is_the_card_alone(tmp_path) -> None:
    manifest = made(tmp_path, "segmentation", splits=("board",))
    card = BenchmarkCard.model_validate_json((tmp_path / "card.json").read_bytes())
    assert card.manifest().classes == manifest.classes
    assert (card.images, card.metric) == (60, "miou")
    assert not list(tmp_path.glob("start*"))


@pytest.mark.parametrize("height", [1, 7, 8, 28, 32, 96, 161, 224, 640])
def test_the_parts_fit_any_image(height) -> None:
    found = sizes_of(height, 2 * height, 2)
    assert 2 <= len(found["widths"]) <= 5
    assert 2 ** len(found["stages"]) == found["cell"]
    assert 1 <= found["most"] <= 100
    assert 1 <= found["pool"] <= height


def test_cells_are_told_by_their_marks() -> None:
    script = "# %% [markdown]\n# # Title\n#\n# text\n\n# %%\nx = 1\n\n\n# %%\ny = 2\n"
    assert cells_of(script) == [
        ("markdown", "# Title\n\ntext"),
        ("code", "x = 1"),
        ("code", "y = 2"),
    ]
    assert json.loads(notebook(script))["cells"][1]["source"] == ["x = 1"]
    with pytest.raises(ValueError, match="before the first cell"):
        cells_of("import os\n# %%\n")


def test_a_comment_begins_no_cell() -> None:
    assert all(line.startswith("# ") for line in comment("a\n# %%\n" * 80).splitlines())
    assert "%%" not in comment("a\n# %%\nb")
