"""What a strange runner says is a claim: scored by the desk from what was predicted, or not at all."""

import hashlib
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from bot.features.leaderboards import benchmarks
from bot.features.leaderboards.models import State, Submission
from bot.kit.received import Received
from runner.contract import Artifact, Metric, Outcome, Progress, Stage
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from tests.features.boards import MODEL, given, live, scored, submit

SPLITS = {"train": 20, "dev": 60, "board": 80, "shadow": 40}


def _named(split, path):
    """*split*, with its images file's hash and size."""
    data = path.read_bytes()
    found = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return split.model_copy(update=found)


class Lab:
    """A chat with a real dataset behind its benchmark, and what models predict on it."""

    def __init__(self, chat):
        self.chat = chat
        rng = np.random.default_rng(7)
        self.labels = {split: np.arange(n, dtype=np.int64) % 10 for split, n in SPLITS.items()}
        data = chat.core.services.data
        frozen = add_dataset(
            Card("Digits", "classification", "CC0", "made up", {}),
            {
                split: Source(rng.integers(0, 256, (len(y), 8, 8, 1), np.uint8), y, None)
                for split, y in self.labels.items()
            },
            datasets=data / "datasets",
            artifacts=data / "files",
        )
        images = data / "datasets" / frozen.key / "images"
        self.manifest = frozen.model_copy(
            update={"splits": tuple(_named(s, images / f"{s.split}.npy") for s in frozen.splits)}
        )

    async def predictions(self, split, right, *, shape=None):
        """Store predictions on *split* that are right on that many images."""
        labels = self.labels[split]
        said = np.where(np.arange(len(labels)) < right, labels, (labels + 1) % 10)
        rows = np.eye(10, dtype=np.float32)[said]
        return await self.stored(split, rows if shape is None else np.zeros(shape, np.float32))

    async def stored(self, split, array):
        out = BytesIO()
        np.save(out, array, allow_pickle=False)
        kept = await self.chat.core.services.files.add(out.getvalue())
        received = Received(self.chat.core.services.data / "received")
        for attempt in self.chat.engine.jobs:
            received.note(attempt, kept.sha256, kept.size)
        return Artifact(
            name=f"predictions-{split}.npy",
            media_type="application/x-npy",
            sha256=kept.sha256,
            size=kept.size,
        )

    async def claim(self, evaluation, right, **more):
        """The outcome of a runner whose model is right on that share of every split."""
        predictions = [
            await self.predictions(s, round(right * SPLITS[s])) for s in evaluation.splits
        ]
        return Outcome(
            submission=evaluation.submission,
            attempt=evaluation.attempt,
            token=evaluation.token,
            runner="stranger",
            tier="reduced",
            **{"predictions": tuple(predictions)} | more,
        )

    async def row(self, evaluation):
        async with self.chat.core.database.read() as session:
            return await session.get_one(Submission, evaluation.submission)


@pytest.fixture
async def lab(chat):
    """A benchmark that is scored by the real desk, with runners that are other people's."""
    lab = Lab(chat)
    chat.engine.trusted = False
    async with chat.core.work("leaderboards") as work:
        await benchmarks.add_dataset(work.session, lab.manifest, now=work.now)
        await benchmarks.create(
            work.session,
            1,
            name="digits",
            title="Digits",
            dataset=lab.manifest.key,
            metric="accuracy",
            why="All errors cost the same.",
            per_day=20,
            now=work.now,
        )
    return lab


async def test_a_strange_runner_gets_images_and_nothing_that_tells_a_label(lab):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    assert evaluation.datasets == ""
    assert evaluation.ladder is None
    assert [urlsplit(b.url).path.rpartition("/")[2] for b in evaluation.inputs] == [
        f"{split}.npy" for split in evaluation.splits
    ]
    facts = {s.split: s for s in lab.manifest.splits}
    assert [b.sha256 for b in evaluation.inputs] == [facts[s].sha256 for s in evaluation.splits]
    assert all(s.per_class == () for s in evaluation.manifest.splits)
    assert "labels" not in evaluation.model_dump_json()
    for url in (evaluation.model.url, evaluation.artifacts, *(b.url for b in evaluation.inputs)):
        assert url.startswith("http")
        assert parse_qs(urlsplit(url).query)["attempt"] == [f"{evaluation.submission}:1"]


async def test_what_another_attempt_sent_is_not_this_ones(lab):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    honest = await lab.claim(evaluation, 0.9)
    sent = lab.chat.core.services.data / "received"
    (sent / f"{evaluation.submission}.1").rename(sent / "other.1")
    await lab.chat.engine.report(honest)
    row = await lab.row(evaluation)
    assert (row.state, row.attempt, row.losses) == (State.DISPATCHED, 2, 1)


async def test_predictions_are_scored_by_the_desk_and_what_the_runner_says_of_them_is_not_read(lab):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    boast = scored(evaluation, 0.99).scores
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75, scores=boast))
    assert (await lab.row(evaluation)).state == State.SCORING
    card = await live(lab.chat, evaluation)
    assert "75.0 %" in card.text
    assert "99" not in card.text
    row = await lab.row(evaluation)
    assert (row.state, row.counts, row.claim) == (State.SCORED, True, None)


async def test_while_the_desk_scores_the_message_says_so_and_the_next_model_runs(lab):
    await submit(lab.chat)
    first = given(lab.chat)
    await submit(lab.chat, data=MODEL + b"2")
    clerk, lab.chat.clerk = lab.chat.clerk, None  # the desk takes its time
    await lab.chat.engine.report(await lab.claim(first, 0.75))
    assert "scoring" in (await live(lab.chat, first)).text
    assert given(lab.chat).submission != first.submission
    lab.chat.clerk = clerk
    assert "75.0 %" in (await live(lab.chat, first)).text


async def test_claims_of_one_member_are_scored_in_turn_each_against_the_last_best(lab):
    await submit(lab.chat)
    first = given(lab.chat)
    await submit(lab.chat, data=MODEL + b"2")
    clerk, lab.chat.clerk = lab.chat.clerk, None
    await lab.chat.engine.report(await lab.claim(first, 0.9))
    await lab.chat.deliver()
    second = given(lab.chat)
    await lab.chat.engine.report(await lab.claim(second, 0.5))
    lab.chat.clerk = clerk
    await lab.chat.deliver()
    asked = [e for e in lab.chat.clerk.desk.asked if e.kind == "score"]
    assert [e.ladder and e.ladder.released for e in asked] == [None, pytest.approx(0.9)]
    assert (await lab.row(second)).counts is False


@pytest.mark.parametrize("lie", ["none", "missing", "another size", "another hash", "another form"])
async def test_a_claim_that_cannot_be_true_is_our_failure_and_tried_again(lab, lie):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    honest = await lab.claim(evaluation, 0.75)
    first, *rest = honest.predictions
    files = lab.chat.core.services.files
    if lie == "another hash":
        path = files.path(first.sha256)
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    lies = {
        "none": (),
        "missing": (first.model_copy(update={"sha256": "0" * 64}), *rest),
        "another size": (first.model_copy(update={"size": first.size + 1}), *rest),
        "another hash": honest.predictions,
        "another form": (await lab.predictions("dev", 0, shape=(3, 10)), *rest),
    }
    await lab.chat.engine.report(honest.model_copy(update={"predictions": lies[lie]}))
    await lab.chat.deliver()
    again = given(lab.chat)
    assert again.attempt == 2
    assert (await lab.row(evaluation)).losses == 1
    if lie != "another hash":
        await lab.chat.engine.report(await lab.claim(again, 0.75))
        assert "75.0 %" in (await live(lab.chat, again)).text


async def test_a_runner_that_only_lies_ends_as_our_fault_and_costs_nothing(lab):
    await submit(lab.chat)
    for _ in range(3):
        evaluation = given(lab.chat)
        await lab.chat.engine.report(await lab.claim(evaluation, 0.75, predictions=()))
        await lab.chat.deliver()
    assert "our fault" in (await live(lab.chat, evaluation)).text
    assert not (await submit(lab.chat)).refused


@pytest.mark.parametrize("absurd", ["nan", "more than all", "backwards", "weak walls"])
async def test_absurd_figures_of_a_trusted_runner_are_not_believed_either(board, absurd):
    await submit(board)
    evaluation = given(board)
    told = scored(evaluation, 0.9)
    [metric, *others] = told.scores[0].metrics
    if absurd == "nan":
        metric = metric.model_copy(update={"value": float("nan")})
    elif absurd == "more than all":
        metric = metric.model_copy(update={"value": 1.7})
    elif absurd == "backwards":
        from runner.contract import Speed

        speed = Speed(
            p50_ms=-1, p95_ms=1, images_per_second=1, limit_per_second=1, efficiency=1,
            seconds=1, threads=1, hardware="x",
        )  # fmt: skip
        told = told.model_copy(update={"speed": speed})
    else:
        told = told.model_copy(update={"tier": "none"})
    one = told.scores[0].model_copy(update={"metrics": (metric, *others)})
    await board.engine.report(told.model_copy(update={"scores": (one, *told.scores[1:])}))
    await board.deliver()
    assert given(board).attempt == 2


async def test_a_model_that_is_very_surprised_is_believed_since_log_loss_has_no_end(board):
    await submit(board)
    evaluation = given(board)
    told = scored(evaluation, 0.9)
    dev, *others = told.scores
    surprised = dev.model_copy(update={"metrics": (*dev.metrics, Metric(name="nll", value=7.5))})
    await board.engine.report(told.model_copy(update={"scores": (surprised, *others)}))
    await board.deliver()
    assert "90.0 %" in (await live(board, evaluation)).text


async def test_a_claim_whose_errand_was_lost_is_asked_again(lab):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    clerk, lab.chat.clerk = lab.chat.clerk, None
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75))
    from bot.features.leaderboards.claims import errand_key
    from bot.kit.errands import take_back

    async with lab.chat.core.database.write() as session:
        await take_back(session, errand_key(await session.get(Submission, evaluation.submission)))
    lab.chat.clerk = clerk
    await lab.chat.deliver()
    assert (await lab.row(evaluation)).state == State.SCORING
    await lab.chat.wait(seconds=6)
    assert (await lab.row(evaluation)).state == State.SCORED


async def test_a_claim_can_be_cancelled_and_its_answer_comes_to_nothing(lab):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    clerk, lab.chat.clerk = lab.chat.clerk, None
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75))
    await lab.chat.press("ada", (await live(lab.chat, evaluation)).message, "Cancel")
    lab.chat.clerk = clerk
    await lab.chat.wait(seconds=6)
    assert (await lab.row(evaluation)).state == State.CANCELLED
    assert lab.chat.clerk.desk.asked == []


async def test_progress_that_comes_late_does_not_touch_a_claim(lab):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    clerk, lab.chat.clerk = lab.chat.clerk, None
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75))
    about = {"submission": evaluation.submission, "attempt": 1, "token": evaluation.token}
    await lab.chat.engine.progress(Progress(**about, stage=Stage.FETCH, done=0.1))
    assert (await lab.row(evaluation)).state == State.SCORING
    lab.chat.clerk = clerk
