"""Every hostile or broken file meets the check and a whole evaluation, and both say what it is."""

from pathlib import Path

import pytest

from runner import checking
from runner.card import BenchmarkCard
from runner.checking import check_for_card
from runner.codes import CODES
from runner.contract import Declared, Limits, Task
from runner.evaluate import Evaluator
from runner.formats import admission
from runner.sandbox.tier import Proof, prove
from tests.runner.conftest import Bench, best_tier
from tests.runner.corpus import (
    Corpus,
    Hostile,
    onnx_answers,
    onnx_bytes,
    onnx_graphs,
    onnx_outputs,
    torch_files,
)
from tests.runner.models import torch_zip
from tests.runner.safetensors_files import BROKEN

pytestmark = pytest.mark.sandbox
CORPUS: Corpus = onnx_bytes.CORPUS | onnx_graphs.CORPUS | onnx_answers.CORPUS
LIMITS = Limits(wall_seconds=5, cpu_seconds=50, memory_mb=1024)
CARD = BenchmarkCard(
    name="Toy",
    task="classification",
    classes=tuple("abcdefghij"),
    height=8,
    width=8,
    channels=1,
    images=80,
    limits=LIMITS,
)
#: what never ends by itself is ended after so long, at the check and in the evaluation
SHORT = 2
#: what a payload of the corpus makes where it is run without walls
MADE = Path("/tmp/bookwiz-torch-attack")


@pytest.fixture(scope="session")
def proof() -> Proof:
    return prove()


@pytest.fixture(autouse=True)
def proven(proof: Proof, monkeypatch) -> None:
    """A check proves its walls anew each time; for a hundred files in a row once will do."""
    monkeypatch.setattr(checking, "prove", lambda: proof)


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(CORPUS) == sum(len(part.CORPUS) for part in (onnx_bytes, onnx_graphs, onnx_answers))
    judged = [entry for entry in CORPUS.values() if entry.verdict in ("refuse", "contain")]
    assert len(judged) >= 40
    assert {entry.code for entry in CORPUS.values() if entry.code} <= CODES.keys()


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_file_is_told_what_it_is_and_does_no_harm(
    name: str, bench: Bench, evaluator: Evaluator, tmp_path: Path
) -> None:
    entry = CORPUS[name]
    data = entry.make()
    seconds = SHORT if entry.code == "E_TIME_WALL" else LIMITS.wall_seconds
    check(entry, data, CARD, tmp_path, seconds=seconds)
    limits = LIMITS.model_copy(update={"wall_seconds": seconds})
    evaluate(entry, data, bench, evaluator, limits=limits)


@pytest.fixture(scope="session")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bench]:
    """Three classes of boxes, and three of masks."""
    names: tuple[Task, ...] = ("detection", "segmentation")
    return {
        name: Bench(tmp_path_factory.mktemp(name), classes=onnx_outputs.CLASSES, task=name)
        for name in names
    }


@pytest.mark.parametrize("name", onnx_outputs.CORPUS)
def test_boxes_and_masks_that_are_none_are_told_so_and_odd_ones_are_scored(
    name: str, tasks: dict[str, Bench], evaluator: Evaluator, tmp_path: Path
) -> None:
    entry = onnx_outputs.CORPUS[name]
    data = entry.make()
    card = CARD.model_copy(update={"task": entry.task, "classes": tuple("abc")})
    check(entry, data, card, tmp_path)
    evaluate(entry, data, tasks[entry.task], evaluator)


TORCH_LIMITS = Limits(wall_seconds=100, cpu_seconds=5, memory_mb=512)
TORCH_CARD = CARD.model_copy(
    update={"limits": TORCH_LIMITS, "formats": ("onnx", "safetensors", "torchscript", "pt2")}
)
#: what a check says goes by format and code alone, and PyTorch is slow to import: one file of each
CHECKED = {
    (entry.format, entry.verdict, entry.code): name for name, entry in torch_files.CORPUS.items()
}.values()


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # members write it all the same
@pytest.mark.parametrize("name", torch_files.CORPUS)
def test_a_pytorch_file_is_told_what_it_is_and_does_no_harm(
    name: str, bench: Bench, evaluator: Evaluator, tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: its files are not tested")
    entry = torch_files.CORPUS[name]
    if entry.format in admission.PROGRAMS and best_tier() != "full":
        pytest.skip("TIER FULL CANNOT BE TRIED HERE")
    MADE.unlink(missing_ok=True)
    data = entry.make()
    if name in CHECKED:
        check(entry, data, TORCH_CARD, tmp_path, seconds=60)
    evaluate(entry, data, bench, evaluator, limits=TORCH_LIMITS)
    assert not MADE.exists()


#: what needs no PyTorch to be made
PLAIN = (
    {
        name: Hostile(
            lambda data=data: data,  # type: ignore[misc]
            "contain",
            "E_NO_TORCH",
            format="safetensors",
            declared={"architecture": "mlp"},
        )
        for name, (data, _) in BROKEN.items()
        if data[8:9] == b"{"  # by whose first bytes they can be what they are said to be
    }
    | {
        "a script": Hostile(
            lambda: torch_zip(script=True), "contain", "E_NO_TORCH", format="torchscript"
        )
    }
)


@pytest.mark.parametrize("name", PLAIN)
def test_without_pytorch_its_files_are_opened_by_nobody(
    name: str, bench: Bench, evaluator: Evaluator, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(admission, "has_torch", lambda: False)
    monkeypatch.setattr(checking, "Cell", None)  # no cell is started for them
    entry = PLAIN[name]
    check(entry, entry.make(), TORCH_CARD, tmp_path)
    evaluate(entry, entry.make(), bench, evaluator)


def check(
    entry: Hostile, data: bytes, card: BenchmarkCard, folder: Path, *, seconds: float = 5
) -> None:
    """See a check say of ``data`` what ``entry`` says, in words that harm nobody."""
    file = folder / "m.onnx"
    file.write_bytes(data)
    checked = check_for_card(file, card, declared=Declared(**entry.declared), seconds=seconds)
    if entry.verdict == "any":
        assert checked.verdict != "unknown", checked
        return
    code = checked.failure.code if checked.failure else ""
    assert (checked.verdict, code) == (entry.verdict, entry.code), checked.failure
    expect_harmless(checked.words())


def evaluate(
    entry: Hostile, data: bytes, bench: Bench, evaluator: Evaluator, *, limits: Limits = LIMITS
) -> None:
    """See a whole evaluation of ``data`` end as ``entry`` says, in words that harm nobody."""
    asked = bench.evaluation(
        data, limits=limits, declared=entry.declared, format=entry.format, task=entry.task
    )
    outcome = evaluator.evaluate(asked, lambda _: None)
    if entry.verdict == "any":
        assert outcome.failure is None or not outcome.failure.ours, outcome.failure
        return
    ended = outcome.failure.code if outcome.failure else ""
    assert ended == (entry.code if entry.evaluated is None else entry.evaluated), outcome.failure
    expect_harmless(outcome.model_dump_json())


def expect_harmless(said: str) -> None:
    assert not {"@", "\x1b", "\u202e", "\x00"} & set(said)
    assert "/root" not in said
    assert "/etc/passwd" not in said
