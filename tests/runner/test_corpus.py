"""Every hostile or broken file meets the check and a whole evaluation, and both say what it is."""

from pathlib import Path

import pytest

from runner.card import BenchmarkCard
from runner.checking import check_for_card
from runner.contract import Declared, Limits
from runner.evaluate import Evaluator
from runner.failures import CODES
from tests.runner.conftest import Bench
from tests.runner.corpus import Corpus, onnx_answers, onnx_bytes, onnx_graphs

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


def test_the_corpus_is_as_large_as_it_says() -> None:
    assert len(CORPUS) == sum(len(part.CORPUS) for part in (onnx_bytes, onnx_graphs, onnx_answers))
    assert len(CORPUS) >= 40
    assert {entry.code for entry in CORPUS.values() if entry.code} <= CODES.keys()


@pytest.mark.parametrize("name", CORPUS)
def test_a_hostile_file_is_told_what_it_is_and_does_no_harm(
    name: str, bench: Bench, evaluator: Evaluator, tmp_path: Path
) -> None:
    entry = CORPUS[name]
    data = entry.make()
    file = tmp_path / "m.onnx"
    file.write_bytes(data)
    checked = check_for_card(file, CARD, declared=Declared(**entry.declared), seconds=5)
    outcome = evaluator.evaluate(
        bench.evaluation(data, limits=LIMITS, declared=entry.declared), lambda _: None
    )
    code = checked.failure.code if checked.failure else ""
    ended = outcome.failure.code if outcome.failure else ""
    if entry.verdict == "any":
        assert checked.verdict != "unknown", checked
        assert outcome.failure is None or not outcome.failure.ours, outcome.failure
        return
    assert (checked.verdict, code) == (entry.verdict, entry.code), checked.failure
    assert ended == (entry.code if entry.evaluated is None else entry.evaluated), outcome.failure
    said = checked.words() + outcome.model_dump_json()
    assert not {"@", "\x1b", "\u202e", "\x00"} & set(said)
    assert "/root" not in said
    assert "/etc/passwd" not in said
