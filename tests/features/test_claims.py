"""What a strange runner says is a claim: scored by the desk from what was predicted, or not at all."""

from urllib.parse import parse_qs, urlsplit

import pytest

from bot.features.leaderboards.models import State, Submission
from runner.contract import Metric, Progress, Stage, Verdict
from tests.features.boards import given, live, scored, submit
from tests.runner import models


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
        query = parse_qs(urlsplit(url).query)
        assert query["attempt"] == [f"{evaluation.submission}:1"]
        left = float(query["expires"][0]) - lab.chat.clock.now().timestamp()
        assert left > 86_400 + evaluation.limits.wall_seconds, "a long line, and then all its time"


async def test_what_another_attempt_sent_is_not_this_ones(lab):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    honest = await lab.claim(evaluation, 0.9)
    sent = lab.chat.core.services.data / "received"
    (sent / f"{evaluation.submission}.1").rename(sent / "other.1")
    await lab.chat.engine.report(honest)
    row = await lab.row(evaluation)
    assert (row.state, row.attempt, row.losses) == (State.DISPATCHED, 2, 1)


async def test_predictions_are_scored_by_the_desk(lab):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75))
    assert (await lab.row(evaluation)).state == State.SCORING
    assert "75.0 %" in (await live(lab.chat, evaluation)).text
    row = await lab.row(evaluation)
    assert (row.state, row.counts, row.claim) == (State.SCORED, True, None)


@pytest.mark.parametrize("boast", ["scores", "absurd scores", "a verdict"])
async def test_a_strange_runner_that_knows_scores_lies_since_it_has_no_labels(lab, boast):
    await lab.chat.say("moira", "/admin channels moderators staff")
    await submit(lab.chat)
    evaluation = given(lab.chat)
    more = {
        "scores": {"scores": scored(evaluation, 0.99).scores},
        "absurd scores": {"scores": scored(evaluation, 7).scores},
        "a verdict": {"verdict": Verdict(counts=True, released=0.99)},
    }
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75, **more[boast]))
    await lab.chat.deliver()
    assert given(lab.chat).attempt == 2
    [told] = [s.text for k, s in lab.chat.room.said.items() if k.startswith("lied:")]
    assert "stranger" in told
    assert "predictions alone" in told
    await lab.chat.engine.report(await lab.claim(given(lab.chat), 0.75))
    card = await live(lab.chat, evaluation)
    assert "75.0 %" in card.text
    assert "99.0" not in card.text


async def test_while_the_desk_scores_the_message_says_so_and_the_next_model_runs(lab):
    await submit(lab.chat)
    first = given(lab.chat)
    await submit(lab.chat, data=models.good_model(seed=2))
    clerk, lab.chat.clerk = lab.chat.clerk, None  # the desk takes its time
    await lab.chat.engine.report(await lab.claim(first, 0.75))
    assert "scoring" in (await live(lab.chat, first)).text
    assert given(lab.chat).submission != first.submission
    lab.chat.clerk = clerk
    assert "75.0 %" in (await live(lab.chat, first)).text


async def test_claims_of_one_member_are_scored_in_turn_each_against_the_last_best(lab):
    await submit(lab.chat)
    first = given(lab.chat)
    await submit(lab.chat, data=models.good_model(seed=2))
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
