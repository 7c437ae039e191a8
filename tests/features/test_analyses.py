"""What a member asks about a model of theirs: drawn by the desk, some after another run."""

import pytest
from sqlalchemy import select

from bot.features.leaderboards import wishes
from bot.features.leaderboards.models import Purpose, State, Submission
from bot.kit.errands import ErrandRow
from bot.kit.message import File, Image
from runner.contract import Failure, Outcome, Progress, Stage
from runner.errands import Made
from tests.features.boards import (
    MANIFEST,
    MODEL,
    OURS,
    THEIRS,
    artifact,
    failed,
    given,
    live,
    scored_entry,
    submit,
)


async def drawn(chat, words):
    """What a desk makes: a picture and a page."""
    files = chat.core.services.files
    picture = artifact("a.png", await files.add(b"\x89PNG a"), "image/png", alt=f"picture: {words}")
    page = artifact("a.html", await files.add(b"<p>a"), "text/html")
    return Made(artifacts=(picture, page), words=words, rows=(("class", "count"), ("zero", "3")))


@pytest.fixture
async def entry(board, desk):
    desk.says["analysis"] = await drawn(board, "Eights look like threes.")
    desk.says["report"] = await drawn(board, "The report.")
    desk.says["rank"] = Failure(code="E_RUNNER_BUG", ours=True, problem="not asked here")
    return await scored_entry(board)


def only(said):
    [one] = said
    return one


@pytest.mark.parametrize("kind", ["confusion", "errors", "slices"])
async def test_an_analysis_needs_no_run_and_comes_as_one_private_message(board, desk, entry, kind):
    answer = await board.say("ada", f"/analysis {kind} {entry.submission}")
    assert answer.message.private
    assert not board.engine.jobs
    message = only(board.to("@ada"))
    assert "Eights look like threes" in message.text
    assert "zero" in message.text
    assert not message.message.pending
    assert {type(b) for b in message.message.blocks} >= {Image, File}
    errand = only(desk.of("analysis"))
    assert (errand.analysis, errand.submission) == (kind, entry.submission)
    assert errand.dev


async def test_a_difference_is_against_the_best_or_against_what_is_named(board, desk, entry):
    assert (await board.say("ada", f"/analysis diff {entry.submission}")).code == "E_SUBMISSION"
    second = await scored_entry(board, data=MODEL + b"2", value=0.95)
    await board.say("ada", f"/analysis diff {second.submission}")
    assert only(desk.of("analysis")).other_name == entry.submission
    await board.say("ada", f"/analysis diff {entry.submission} other:{second.submission}")
    assert desk.of("analysis")[-1].other_name == second.submission


@pytest.mark.parametrize("kind", ["confusion", "saliency", "share analysis:confusion"])
async def test_nobody_analyses_what_is_anothers(board, entry, kind):
    answer = await board.say("bob", f"/analysis {kind} submission:{entry.submission}")
    assert answer.code == "E_SUBMISSION"


async def test_a_failure_of_the_desk_is_said_where_the_analysis_was_awaited(board, desk, entry):
    desk.says["analysis"] = Failure(
        code="E_RUNNER_BUG", ours=True, problem="The pencil broke.", got="half a pencil"
    )
    await board.say("ada", f"/analysis errors {entry.submission}")
    message = only(board.to("@ada"))
    assert message.message.failed
    assert "The pencil broke" in message.text


async def test_share_puts_it_where_everybody_reads(board, entry):
    await board.say("ada", f"/analysis confusion {entry.submission}")
    before = len(board.to("general"))
    await board.press("ada", only(board.to("@ada")).message, "Share")
    shared = board.to("general")[before:]
    assert "Eights look like threes" in only(shared).text
    assert "Share" not in [b.label for b in only(shared).message.buttons()]


async def run(board, entry, kind="saliency"):
    await board.say("ada", f"/analysis {kind} {entry.submission}")
    return given(board)


async def done(board, evaluation):
    stored = await board.core.services.files.add(b"maps")
    outcome = Outcome(
        submission=evaluation.submission,
        attempt=evaluation.attempt,
        token=evaluation.token,
        runner="test",
        tier="reduced",
        artifacts=(artifact("saliency.npz", stored),),
    )
    await board.engine.report(outcome)
    await board.deliver()
    return stored.sha256


@pytest.mark.parametrize("kind", ["saliency", "robustness", "quantize"])
async def test_an_analysis_that_runs_the_model_takes_the_line_and_is_drawn_from_its_outputs(
    board, desk, entry, kind
):
    evaluation = await run(board, entry, kind)
    assert (evaluation.purpose, evaluation.splits) == (kind, ("dev",))
    assert evaluation.model.sha256 == (await row(board, entry.submission)).sha256
    message = board.room.said[f"submission:{evaluation.submission}"]
    assert message.place.channel == "@ada"
    about = {"submission": evaluation.submission, "attempt": 1, "token": evaluation.token}
    await board.wait(seconds=3)
    await board.engine.progress(Progress(**about, stage=Stage.PREDICT, done=0.5))
    assert "50%" in (await live(board, evaluation)).text

    made = await done(board, evaluation)
    card = (await live(board, evaluation)).message
    assert "Eights look like threes" in card.plain()
    assert not card.pending
    errand = only(desk.of("analysis"))
    assert errand.analysis == kind
    assert [a.sha256 for a in errand.outputs] == [made]


async def row(chat, id_):
    async with chat.core.database.read() as session:
        return await session.get_one(Submission, id_)


async def test_what_analyses_is_no_submission_on_boards_in_quotas_or_in_lists(board, entry):
    evaluation = await run(board, entry)
    await done(board, evaluation)
    assert evaluation.submission not in await board.ask("ada", "/model status")
    assert (await board.ask("bob", "/leaderboard show digits")).count("Ada") == 1
    again = await submit(board)  # the same file is the submission, not its analysis
    assert entry.submission in again.message.plain()
    assert not (await submit(board, data=MODEL + b"2")).refused  # two a day


async def test_its_picture_words_and_table_go_into_the_report_as_well(board, desk, entry):
    await done(board, await run(board, entry))
    found = only(desk.of("report")[-1].analyses)
    assert (found.heading, found.made) == ("What it looks at", desk.says["analysis"])
    assert desk.of("report")[0].analyses == ()


@pytest.mark.parametrize("kind", ["slices", "saliency"])
async def test_a_long_table_is_cut_in_the_chat_and_says_where_the_rest_is(board, desk, entry, kind):
    lines = tuple((f"camera {n}", f"{n}") for n in range(30))
    long = desk.says["analysis"].model_copy(update={"rows": (("where", "images"), *lines)})
    desk.says["analysis"] = long.model_copy(update={"artifacts": long.artifacts[:1]})
    if kind == "saliency":
        await done(board, await run(board, entry))
    else:
        await board.say("ada", f"/analysis {kind} {entry.submission}")
    text = only(board.to("@ada")).text
    assert "camera 24" in text
    assert "camera 25" not in text
    assert "The other 5 lines can be read in the submission's report" in text
    if kind == "saliency":
        assert only(desk.of("report")[-1].analyses).made.rows == long.rows


async def test_the_same_analysis_again_is_shown_and_not_run(board, entry):
    evaluation = await run(board, entry)
    twice = await board.say("ada", f"/analysis saliency {entry.submission}")
    assert "Drawing" in twice.message.plain()
    assert len(board.engine.jobs) == 1
    await done(board, evaluation)
    again = await board.say("ada", f"/analysis saliency {entry.submission}")
    assert "Eights look like threes" in again.message.plain()
    assert again.message.private
    assert not board.engine.jobs
    shared = await board.say("ada", f"/analysis share saliency {entry.submission}")
    assert not shared.message.private


async def test_a_run_can_be_cancelled_before_and_while_it_is_drawn(board, entry):
    evaluation = await run(board, entry)
    said = await board.press("ada", (await live(board, evaluation)).message, "Cancel")
    assert f"saliency of submission {entry.submission} is not made" in said.message.plain()
    assert not board.engine.jobs
    clerk, board.clerk = board.clerk, None
    evaluation = await run(board, entry)
    await done(board, evaluation)
    await board.press("ada", (await live(board, evaluation)).message, "Cancel")
    board.clerk = clerk
    await board.wait(seconds=6)
    assert (await row(board, evaluation.submission)).state == State.CANCELLED


async def test_a_run_that_fails_says_why_in_its_private_message(board, entry):
    evaluation = await run(board, entry)
    await board.engine.report(failed(evaluation, THEIRS))
    message = await live(board, evaluation)
    assert "224" in message.text
    assert message.place.channel == "@ada"
    evaluation = await run(board, entry)
    for _ in range(3):
        await board.engine.report(failed(given(board), OURS))
        await board.deliver()
    assert (await row(board, evaluation.submission)).state == State.FAILED


async def test_a_drawing_whose_errand_was_lost_is_asked_again(board, entry):
    from bot.kit.errands import take_back

    clerk, board.clerk = board.clerk, None
    evaluation = await run(board, entry)
    await done(board, evaluation)
    async with board.core.database.write() as session:
        await take_back(session, f"draw:{evaluation.submission}:1")
    board.clerk = clerk
    await board.wait(seconds=6)
    assert (await row(board, evaluation.submission)).state == State.SCORED


async def test_analysing_runs_have_a_days_measure(board, entry, monkeypatch):
    from bot.features.leaderboards import analyses

    monkeypatch.setattr(analyses, "PER_DAY", 1)
    await done(board, await run(board, entry))
    answer = await board.say("ada", f"/analysis robustness {entry.submission}")
    assert answer.code == "E_QUOTA"


async def test_nobody_fills_the_desk_with_drawings(board, desk, entry):
    """One desk serves all: what a member wishes waits behind scores, and not a hundred times."""
    clerk, board.clerk = board.clerk, None
    lines = [f"/analysis errors {entry.submission}", f"/dataset check {MANIFEST.key}"]
    answers = [await board.say("ada", lines[number % 2]) for number in range(wishes.MOST + 1)]
    assert [a.code for a in answers] == [""] * wishes.MOST + ["E_WISHES"]
    assert "the next one has come" in answers[-1].message.plain()
    async with board.core.database.read() as session:
        urgent = set(await session.scalars(select(ErrandRow.key).where(ErrandRow.urgent)))
    assert not [key for key in urgent if ":by-" in key]
    assert (await board.say("bob", lines[1])).code == ""
    board.clerk = clerk
    await board.deliver()
    assert (await board.say("ada", lines[0])).code == ""


@pytest.mark.parametrize("images", ["1,x", "-3", "1" * 9, ",".join(["1"] * 25)])
async def test_places_of_images_are_numbers(board, entry, images):
    answer = await board.say("ada", f'/analysis saliency {entry.submission} images:"{images}"')
    assert answer.code == "E_ARGUMENT"


async def test_chosen_images_reach_the_runner(board, entry):
    await board.say("ada", f'/analysis saliency {entry.submission} images:"3, 17"')
    assert given(board).options == {"images": "3,17"}


async def test_what_has_no_score_cannot_be_analysed(board):
    await submit(board)
    answer = await board.say("ada", f"/analysis errors {given(board).submission}")
    assert answer.code == "E_STATE"


async def test_a_dataset_is_looked_through(board, desk):
    desk.says["dataset"] = await drawn(board, "Balanced.")
    await board.say("ada", "/dataset check digits-0123456789ab")
    assert "Balanced" in only(board.to("@ada")).text
    archive = await board.upload("mine.zip", b"PK\x03\x04")
    await board.say("ada", "/dataset check", attach=[archive])
    assert [(e.dataset, bool(e.archive)) for e in desk.of("dataset")] == [
        ("digits-0123456789ab", False),
        ("", True),
    ]
    assert (await board.say("ada", "/dataset check nothing")).code == "E_DATASET"
    both = await board.say("ada", "/dataset check digits-0123456789ab", attach=[archive])
    assert both.code == "E_ARGUMENT"


async def test_a_dataset_that_cannot_be_read_says_how_to_mend_it(board, desk):
    desk.says["dataset"] = Failure(
        code="E_DATASET", problem="There is no picture in it.", got="a text", fix="Put some in."
    )
    archive = await board.upload("mine.zip", b"PK\x03\x04")
    await board.say("ada", "/dataset check", attach=[archive])
    message = only(board.to("@ada"))
    assert message.message.failed
    assert "Put some in" in message.text


async def test_purposes_are_those_of_the_contract(board, entry):
    rows = [Purpose.SALIENCY, Purpose.ROBUSTNESS, Purpose.QUANTIZE]
    from bot.features.leaderboards import analyses, kinds

    assert list(analyses.RUN) == rows
    assert {str(p) for p in rows} < set(kinds.KINDS)


@pytest.mark.parametrize(
    ("kind", "task", "format", "fits"),
    [
        ("saliency", "classification", "safetensors", True),
        ("saliency", "detection", "onnx", False),
        ("saliency", "segmentation", "onnx", False),
        ("quantize", "detection", "onnx", True),
        ("quantize", "classification", "safetensors", False),
        ("quantize", "classification", "pt2", False),
        ("robustness", "segmentation", "torchscript", True),
    ],
)
def test_what_no_runner_could_do_is_refused_before_the_wait(kind, task, format, fits):
    from bot.features.leaderboards.analyses import refuse_unfit
    from bot.kit.command import Refusal

    if fits:
        refuse_unfit(kind, task=task, format=format)
        return
    with pytest.raises(Refusal) as refused:
        refuse_unfit(kind, task=task, format=format)
    assert refused.value.code == "E_ANALYSIS"


async def test_a_submission_that_is_no_onnx_file_is_not_put_in_the_line(board, entry):
    async with board.core.database.write() as session:
        (await session.get_one(Submission, entry.submission)).format = "safetensors"
    answer = await board.say("ada", f"/analysis quantize {entry.submission}")
    assert answer.code == "E_ANALYSIS"
    assert not board.engine.jobs


async def test_without_an_id_the_newest_scored_is_meant_and_without_any_that_is_said(board, desk):
    refused = await board.say("ada", "/analysis confusion")
    assert (refused.code, "no scored submission yet" in refused.message.plain()) == (
        "E_SUBMISSION",
        True,
    )
    await scored_entry(board)
    newest = await scored_entry(board, data=MODEL + b"2", value=0.95)
    assert not (await board.say("ada", "/analysis confusion")).refused
    await board.deliver()
    assert desk.of("analysis")[-1].submission == newest.submission
