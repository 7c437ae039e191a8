"""What an analysing runner says that cannot be: not drawn, not served, and moderators hear of it."""

import json
from io import BytesIO

import numpy as np
import pytest

from bot.community.members import set_setting
from bot.features.leaderboards.models import State
from bot.kit.message import Place
from runner.contract import Outcome
from tests.features.boards import given, live, submit
from tests.features.lab import SPLITS
from tests.runner.models import good_model

ROWS = np.eye(10, dtype=np.float32)[np.arange(SPLITS["dev"]) % 10]


def npy(array):
    out = BytesIO()
    np.save(out, array)
    return out.getvalue()


def words(**variant):
    return json.dumps(
        {"variants": [{"name": "float", "predictions": "rows.npy", **variant}]}
    ).encode()


@pytest.fixture
async def moderated(lab):
    async with lab.chat.core.work("tests") as work:
        place = Place(platform="local", channel="moderators").model_dump()
        await set_setting(work.session, 1, "channel.moderators", place)


@pytest.fixture
async def analysed(lab, moderated):
    """The evaluation of an analysis that is with a runner."""
    await submit(lab.chat)
    evaluation = given(lab.chat)
    await lab.chat.engine.report(await lab.claim(evaluation, 0.75))
    await lab.chat.deliver()
    await lab.chat.say("ada", f"/analysis quantize {evaluation.submission}")
    return given(lab.chat)


def outcome(evaluation, *artifacts, **more):
    return Outcome(
        submission=evaluation.submission,
        attempt=evaluation.attempt,
        token=evaluation.token,
        runner="stranger",
        tier="full",
        artifacts=artifacts,
        **more,
    )


async def honest(lab, evaluation):
    said = await lab.sent("quantize.json", words())
    return outcome(evaluation, said, await lab.sent("rows.npy", npy(ROWS)))


LIES = {
    "nothing": lambda _said, _rows: (),
    "another's file": lambda said, rows: (said, rows.model_copy(update={"sha256": "0" * 64})),
    "another size": lambda said, rows: (said, rows.model_copy(update={"size": rows.size + 1})),
    "one name twice": lambda said, rows: (said, rows, rows),
    "too many": lambda said, _rows: tuple(
        said.model_copy(update={"name": f"{n}.npy"}) for n in range(301)
    ),
}
FORMS = {
    "no array": b"\x80\x04 a pickle, say",
    "a huge array": npy(ROWS).replace(b"(60, 10)", b"(6" + b"0" * 18 + b", 10)"),
}


async def told(lab):
    return [s.text for s in lab.chat.room.said.values() if "cannot be" in s.text]


async def refuse(lab, evaluation, said):
    await lab.chat.engine.report(said)
    await lab.chat.deliver()
    row = await lab.row(evaluation)
    assert (row.state, row.attempt, row.losses) == (State.DISPATCHED, 2, 1)
    [words] = await told(lab)
    assert "stranger" in words


@pytest.mark.parametrize("lie", LIES)
async def test_files_that_a_runner_did_not_make_so_are_not_drawn(lab, analysed, lie):
    said = await honest(lab, analysed)
    await refuse(lab, analysed, said.model_copy(update={"artifacts": LIES[lie](*said.artifacts)}))


@pytest.mark.parametrize("form", FORMS)
async def test_files_of_another_form_are_not_drawn(lab, analysed, form):
    said = await honest(lab, analysed)
    rows = await lab.sent("rows.npy", FORMS[form])
    await refuse(lab, analysed, said.model_copy(update={"artifacts": (said.artifacts[0], rows)}))


async def test_after_a_lie_another_runner_may_tell_the_truth(lab, analysed):
    await refuse(lab, analysed, outcome(analysed))
    await lab.chat.engine.report(await honest(lab, given(lab.chat)))
    assert "as it is" in (await live(lab.chat, analysed)).text
    assert (await lab.row(analysed)).state == State.SCORED


@pytest.mark.parametrize("name", ["quantize.json", "rows.npy", "model-static.onnx"])
async def test_a_file_that_changed_in_the_store_is_neither_drawn_nor_handed_out(
    lab, analysed, name
):
    said = await honest(lab, analysed)
    model = await lab.sent("model-static.onnx", good_model())
    said = said.model_copy(update={"artifacts": (*said.artifacts, model)})
    [file] = [a for a in said.artifacts if a.name == name]
    path = lab.chat.core.services.files.path(file.sha256)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    await lab.chat.engine.report(said)
    await lab.chat.deliver()
    assert (await lab.row(analysed)).attempt == 2
    [words] = await told(lab)
    assert "not what its hash says" in words


async def test_an_analysis_that_is_only_lied_about_ends_as_our_fault(lab, analysed):
    for _ in range(3):
        await lab.chat.engine.report(outcome(given(lab.chat)))
        await lab.chat.deliver()
    row = await lab.row(analysed)
    assert (row.state, row.failure["code"]) == (State.FAILED, "E_RUNNER_LIED")
    told = (await live(lab.chat, analysed)).text
    assert "this was our fault, all our tries are over" in told
    assert "Nothing of your quota is used up by analyses" in told


@pytest.mark.sandbox
async def test_no_page_of_a_runners_is_served_as_ours(lab, analysed):
    said = await honest(lab, analysed)
    model = await lab.sent("model-static.onnx", good_model(), "text/html")
    await lab.chat.engine.report(said.model_copy(update={"artifacts": (*said.artifacts, model)}))
    await lab.chat.deliver()
    row = await lab.row(analysed)
    assert row.state == State.SCORED
    kinds = {a["name"]: a["media_type"] for a in row.page["artifacts"]}
    assert kinds["model-static.onnx"] == "application/octet-stream"
    assert "text/html" not in kinds.values()


async def test_statistics_are_the_desks_and_never_a_runners(lab, moderated):
    await submit(lab.chat)
    evaluation = given(lab.chat)
    claim = await lab.claim(evaluation, 0.2)
    planted = await lab.sent("statistics-board.npz", b"as if all were right")
    await lab.chat.engine.report(claim.model_copy(update={"artifacts": (planted,)}))
    await lab.chat.deliver()
    row = await lab.row(evaluation)
    assert (row.state, row.attempt) == (State.DISPATCHED, 2)
    [words] = await told(lab)
    assert "nobody asked for" in words
