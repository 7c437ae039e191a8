"""Boards from the chat to the real desk and back: places, front, comparison, the season's end."""

import numpy as np
import pytest

from bot.kit.message import Image, Table
from runner import blobs
from runner.contract import Outcome, Speed
from runner.evaluate import as_npy
from tests.features.boards import MODEL, given, live, submit
from tests.opening import open_benchmark
from tests.runner.seasons import SIZES, Season

# What a desk answers does not depend on the database; other tests ask both.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DEV = "Image by image on dev"
NIGHT = np.arange(SIZES["dev"]) % 3 == 0
TASKS = ("classification", "detection", "segmentation")


@pytest.fixture(params=TASKS)
async def world(request, chat):
    return await opened(chat, request.param)


async def opened(chat, task, **known):
    """A benchmark that the chat knows as digits, with its images on the desk."""
    made = Season(chat.clerk.desk.desk, task, **known)
    await open_benchmark(chat.core, made.manifest, title="Pets", metric=made.metric)
    return made


async def enter(chat, world, who, *, skill, ms=1.0, seed=None, shadow_skill=None, config=""):
    """Hand a model in and have the trusted side score it; gives its evaluation and what was scored."""
    seed = sum(who.encode()) if seed is None else seed
    data = MODEL + f"{who}{skill}{seed}".encode()
    await submit(chat, who, data, **({"config": config} if config else {}))
    evaluation = given(chat)
    scored = world.score(
        skill=skill, seed=seed, splits=evaluation.splits, ladder=evaluation.ladder,
        shadow_skill=shadow_skill,
    )  # fmt: skip
    dev = as_npy(world.predictions("dev", skill=skill, seed=seed))
    predictions = blobs.store(
        world.desk.files, dev, name="predictions-dev.npy", media_type="application/x-npy"
    )
    speed = Speed(
        p50_ms=ms, p95_ms=ms, images_per_second=1, limit_per_second=1, efficiency=1, seconds=1,
        threads=1, hardware="x",
    )  # fmt: skip
    outcome = Outcome(
        submission=evaluation.submission, attempt=evaluation.attempt, token=evaluation.token,
        runner="test", tier="reduced", scores=scored.scores, verdict=scored.verdict,
        warnings=scored.warnings, artifacts=scored.artifacts, predictions=(predictions,),
        speed=speed,
    )  # fmt: skip
    await chat.engine.report(outcome)
    await chat.deliver()
    return evaluation, scored


def rows_of(message):
    [table] = [b for b in message.blocks if isinstance(b, Table)]
    plain = [tuple(cell.replace("\\", "") for cell in row) for row in table.rows]
    return {row[1].removeprefix("→ "): row for row in plain}


async def test_who_cannot_be_told_apart_shares_a_place_and_a_bad_model_does_not(chat, world):
    await enter(chat, world, "ada", skill=0.9, seed=1)
    second, _ = await enter(chat, world, "bob", skill=0.9, seed=2)
    await enter(chat, world, "chen", skill=0.2, seed=3)
    answer = await chat.say("dina", "/leaderboard show digits")
    rows = rows_of(answer.message)
    assert [rows[who][0] for who in ("Ada", "Bob", "Chen")] == ["1 (tied)", "1 (tied)", "3"]
    assert "could be chance" in answer.message.plain()
    assert "Rank **1 (tied)** of 2" in (await live(chat, second)).text.replace("\\", "")


async def test_a_card_says_how_far_it_is_from_the_own_best_and_the_leader(chat, world):
    first, _ = await enter(chat, world, "ada", skill=0.4, seed=1)
    alone = (await live(chat, first)).message
    assert not [b for b in alone.blocks if _compares(b)]
    leads, _ = await enter(chat, world, "bob", skill=0.95, seed=2)
    second, scored = await enter(chat, world, "ada", skill=0.7, seed=1)
    [table] = [b for b in (await live(chat, second)).message.blocks if _compares(b)]
    own, leader = ([cell.replace("\\", "") for cell in row] for row in table.rows)
    assert own[0] == f"against own best so far, {first.submission}"
    assert leader[0] == f"against the leader, {leads.submission}"
    assert (own[1][0], leader[1][0]) == ("+", "-")
    assert own[3] == leader[3] == "hardly"
    asked = [e for e in chat.clerk.desk.asked if e.kind == "report"][-1]
    of_dev = {a.sha256 for a in scored.artifacts if a.name == "statistics-dev.npz"}
    assert {asked.kept} == of_dev, "of hidden images two entries are not compared"


def _compares(block):
    return isinstance(block, Table) and DEV in block.head[0]


async def test_the_leader_is_compared_with_the_next_team_and_not_with_itself(chat):
    world = await opened(chat, "classification")
    other, _ = await enter(chat, world, "bob", skill=0.3, seed=2)
    first, _ = await enter(chat, world, "ada", skill=0.6, seed=1)
    second, _ = await enter(chat, world, "ada", skill=0.98, seed=1)
    [table] = [b for b in (await live(chat, second)).message.blocks if _compares(b)]
    assert [row[0].replace("\\", "") for row in table.rows] == [
        f"against own best so far, {first.submission}",
        f"against the next on the board, {other.submission}",
    ]


async def test_for_deployment_the_slow_one_stays_only_if_it_is_clearly_better(chat, world):
    await enter(chat, world, "ada", skill=0.9, seed=1, ms=50)
    await enter(chat, world, "bob", skill=0.9, seed=2, ms=5)
    await enter(chat, world, "chen", skill=0.2, seed=3, ms=20)
    await enter(chat, world, "eve", skill=0.2, seed=4, ms=1)
    answer = await chat.say("dina", "/leaderboard show digits view:deployment")
    assert set(rows_of(answer.message)) == {"Ada", "Bob", "Eve"}


async def test_two_are_compared_with_a_picture_and_what_was_set_differently(chat, world):
    one, _ = await enter(chat, world, "ada", skill=0.95, config="lr: 0.1\nepochs: 3")
    other, _ = await enter(chat, world, "bob", skill=0.3, config="lr: 0.01\nepochs: 3")
    await chat.say("dina", f"/leaderboard compare {one.submission} {other.submission}")
    await chat.deliver()
    said = chat.to("general")[-1]
    assert not said.message.failed
    text = said.text.replace("\\", "")
    assert "That is more than chance." in text
    assert "≠ lr" in text
    assert "≠ epochs" not in text
    assert "dev images" in text
    [picture] = [b for b in said.message.blocks if isinstance(b, Image)]
    assert "difference" in picture.alt


async def test_the_reveal_finds_who_was_tuned_to_the_board(chat, world):
    await chat.say("moira", "/admin channels moderators staff")
    for n, (who, skill) in enumerate((("ada", 0.8), ("bob", 0.6), ("chen", 0.5))):
        await enter(chat, world, who, skill=skill, seed=n)
    await enter(chat, world, "eve", skill=0.99, seed=9, shadow_skill=0.2)
    await chat.say("moira", "/leaderboard reveal digits sure:yes")
    await chat.deliver()
    said = chat.to("general")[-1]
    assert not said.message.failed, said.text
    assert [b.name for b in said.message.blocks if isinstance(b, Image)] == ["shake-up.png"]
    [table] = [b for b in said.message.blocks if isinstance(b, Table)]
    ranks = {row[0]: row[-1] for row in table.rows}
    assert ranks["Eve"] == "1 → 4"


async def test_an_entry_whose_kept_images_are_lost_is_named_at_the_reveal(chat):
    world = await opened(chat, "classification")
    lost = ""
    for n, who in enumerate(("ada", "bob", "chen")):
        _, scored = await enter(chat, world, who, skill=0.7, seed=n)
        lost = next(a.sha256 for a in scored.artifacts if a.name == "statistics-shadow.npz")
    world.desk.file(lost).unlink()
    await chat.say("moira", "/leaderboard reveal digits sure:yes")
    await chat.deliver()
    text = chat.to("general")[-1].text
    assert "Not compared, since what was kept of the images is lost: Chen." in text
    assert SIZES["shadow"] == 50


async def test_a_member_reads_how_a_model_does_by_night_and_by_day(chat):
    world = await opened(chat, "classification", nights=True)
    entered, _ = await enter(chat, world, "ada", skill=0.7, seed=5)
    right = world.predictions("dev", skill=0.7, seed=5).argmax(1) == world.truth["dev"]
    night, day = (f"{100 * right[part].mean():.1f} %" for part in (NIGHT, ~NIGHT))
    assert night != day
    await chat.say("ada", f"/analysis slices {entered.submission}")
    await chat.deliver()
    said = chat.to("@ada")[-1]
    assert not said.message.failed, said.text
    [table] = [b for b in said.message.blocks if isinstance(b, Table)]
    assert [tuple(cell.replace("\\", "") for cell in row[:3]) for row in table.rows] == [
        ("light: day", "40", day),
        ("light: night", "20", night),
    ]
    [chart] = [b for b in said.message.blocks if isinstance(b, Image)]
    for words in (f"light day: {day} of 40 images", f"light night: {night} of 20 images"):
        assert words in chart.alt
    weakest = "night" if right[NIGHT].mean() < right[~NIGHT].mean() else "day"
    assert f"Weakest: light {weakest} with" in said.text.replace("\\", "")
