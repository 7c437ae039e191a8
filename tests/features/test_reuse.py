"""The same bytes have the same answer, whoever hands them in, and each member their own Ladder."""

import pytest

from bot.features.leaderboards import report_pages, reuse
from bot.features.leaderboards.models import Benchmark, Score, State, Submission
from bot.kit.work import Work
from tests.features.boards import MODEL, given, given_keys, submit


@pytest.fixture
async def scored_once(lab):
    """Ada's model, scored; gives its evaluation."""
    await submit(lab.chat)
    evaluation = given(lab.chat)
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75, warnings=("Mind the step.",)))
    await lab.chat.deliver()
    return evaluation


async def _last(lab):
    async with lab.chat.core.database.read() as session:
        query = Submission.__table__.select().order_by(Submission.position.desc()).limit(1)
        row = (await session.execute(query)).one()
        scores = Score.__table__.select().where(Score.submission_id == row.id)
        return row, {(s.split, s.metric): s.value for s in await session.execute(scores)}


async def test_another_members_same_bytes_are_answered_without_a_run(lab, scored_once):
    _, first = await _last(lab)
    answer = await submit(lab.chat, "bob")
    assert "was run here before" in answer.message.plain()
    assert "is next" not in answer.message.plain()
    assert given_keys(lab.chat) == []
    await lab.chat.deliver()
    row, second = await _last(lab)
    assert (row.id == scored_once.submission, row.state, row.counts) == (False, State.SCORED, True)
    assert first == second != {}
    card = lab.chat.room.said[f"submission:{row.id}"].text
    assert "75.0 %" in card
    assert "run here before" in card
    assert card.count("Mind the step") == 1
    assert "Ada" not in card.split("run here before")[1]


async def test_nobody_is_compared_with_their_own_bytes(lab, scored_once):
    await submit(lab.chat, "cem", MODEL + b"other")
    await lab.chat.engine.report(await lab.claim(given(lab.chat), 0.7))
    await lab.chat.deliver()
    await submit(lab.chat, "bob")
    await lab.chat.deliver()
    row, _ = await _last(lab)
    async with lab.chat.core.database.read() as session:
        work = Work(session, lab.chat.clock.now(), "leaderboards", lab.chat.core.services)
        mine = await session.get_one(Submission, row.id)
        benchmark = await session.get_one(Benchmark, mine.benchmark_id)
        others = await report_pages._others(work, benchmark, mine, None)
    assert [other.name.partition(",")[0] for other in others] == ["the next on the board"]


async def test_who_has_a_better_one_does_not_count_with_the_same_bytes(lab, scored_once):
    await submit(lab.chat, "bob", MODEL + b"better")
    await lab.chat.engine.report(await lab.claim(given(lab.chat), 0.95))
    await lab.chat.deliver()
    await submit(lab.chat, "bob")
    await lab.chat.deliver()
    row, _ = await _last(lab)
    assert (row.state, row.counts) == (State.SCORED, False)


async def test_it_runs_where_the_contract_is_another_or_what_was_predicted_is_gone(
    lab, scored_once
):
    await submit(lab.chat, "bob", output='{"kind": "logits"}')
    assert len(given_keys(lab.chat)) == 1
    earlier = await lab.row(scored_once)
    gone = earlier.report["predictions"][0]["sha256"]
    lab.chat.core.services.files.path(gone).unlink()
    await submit(lab.chat, "cem")
    assert len(given_keys(lab.chat)) == 2


@pytest.mark.parametrize(
    ("of", "field", "value"),
    [
        ("submission", "sha256", "b"),
        ("submission", "format", "pt2"),
        ("submission", "declared", {"preproc": "x"}),
        ("benchmark", "dataset_key", "digits-1"),
        ("benchmark", "metric", "macro_f1"),
        ("benchmark", "metric_version", 2),
        ("benchmark", "limits", {"memory_mb": 1}),
        ("benchmark", "minimum_tier", "full"),
    ],
)
def test_whatever_decides_a_score_is_in_its_key(of, field, value):
    rows = {
        "submission": {"sha256": "a", "format": "onnx", "declared": {}},
        "benchmark": {
            "dataset_key": "digits-0",
            "metric": "accuracy",
            "metric_version": 1,
            "limits": {},
            "minimum_tier": "reduced",
        },
    }

    def key():
        return reuse.score_key(Submission(**rows["submission"]), Benchmark(**rows["benchmark"]))

    before = key()
    assert key() == before
    rows[of][field] = value
    assert key() != before
