"""/benchmark starter, data, rules and frame, as a member reads them."""

import json

import numpy as np
import pytest

from bot.features.leaderboards import benchmarks
from bot.kit.message import File
from runner.contract import Failure
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from tests.opening import open_benchmark


async def read(chat, line, who="ada"):
    return (await chat.ask(who, line)).replace("\\", "").replace("**", "").replace("`", "")


def given(message):
    return {block.name: block for block in message.blocks if isinstance(block, File)}


@pytest.fixture
async def open_board(chat):
    """A benchmark on a dataset that is really there."""
    real = chat.clerk.desk.desk
    random = np.random.default_rng(0)

    def source(count):
        images = random.integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
        return Source(images, np.arange(count, dtype=np.int64) % 2, ("cat", "dog"))

    manifest = add_dataset(
        Card("Pets", "classification", "CC0", "made up", {"shadow": "night, another camera"}),
        {"train": source(20), "dev": source(8), "board": source(10), "shadow": source(6)},
        datasets=real.datasets,
        artifacts=real.files,
    )
    await open_benchmark(
        chat.core,
        manifest,
        name="pets",
        title="Pets",
        why="A dog taken for a cat costs as much as a cat taken for a dog.",
    )
    return chat


async def test_a_start_is_written_once_and_given_at_once_the_second_time(open_board, desk):
    first = await open_board.say("ada", "/benchmark starter pets")
    assert "come as a message" in first.message.plain()
    [said] = [s for s in open_board.to("general") if s.key.startswith("starter:")]
    files = given(said.message)
    assert set(files) == {
        "start.py", "start.ipynb", "start_without_torch.py", "start_without_torch.ipynb", "card.json",
    }  # fmt: skip
    assert "trains a first model in about two minutes" in said.text.replace("\\", "")
    stored = open_board.core.services.files
    assert "/model submit benchmark:pets" in stored.path(files["start.py"].sha256).read_text()
    card = json.loads(stored.path(files["card.json"].sha256).read_bytes())
    assert (card["classes"], card["limits"]["model_mb"]) == (["cat", "dog"], 200)

    second = await open_board.say("bob", "/benchmark starter pets")
    assert given(second.message).keys() == files.keys()
    assert len(desk.of("starter")) == 1


async def test_a_start_is_written_anew_when_the_benchmark_has_changed(open_board, desk):
    await open_board.say("ada", "/benchmark starter pets")
    async with open_board.core.work("leaderboards") as work:
        found = await benchmarks.find(work.session, 1, "pets")
        found.title = "Pets at home"
    await open_board.say("ada", "/benchmark starter pets")
    assert [e.title for e in desk.of("starter")] == ["Pets", "Pets at home"]


async def test_a_start_that_could_not_be_written_says_so_and_is_asked_for_again(open_board, desk):
    desk.says["starter"] = Failure(code="E_RUNNER_BUG", ours=True, problem="The pencil broke.")
    await open_board.say("ada", "/benchmark starter pets")
    [said] = [s for s in open_board.to("general") if s.key.startswith("starter:")]
    assert "The pencil broke. (E_RUNNER_BUG)" in said.text.replace("\\", "")
    del desk.says["starter"]
    await open_board.say("ada", "/benchmark starter pets")
    assert len(desk.of("starter")) == 2


async def test_the_data_come_with_their_licence_and_how_to_read_them(open_board):
    answer = await open_board.say("ada", "/benchmark data pets")
    assert set(given(answer.message)) == {"train.npz", "dev.npz"}
    text = answer.message.plain().replace("\\", "").replace("`", "")
    assert "Licence: CC0" in text
    assert "labels the place of each one's class in classes" in text


async def test_the_rules_say_contract_limits_tier_ladder_and_honesty(open_board):
    text = await read(open_board, "/benchmark rules pets")
    for words in (
        "uint8 [N, 8, 8, 1]",
        "[N, 2], a score for each class",
        "5 scored submissions a day",
        "tier reduced or better",
        "the Ladder",
        "say in the notes what data you used",
        "6 images that stay silent until the season ends, from other conditions: night, another camera",
    ):
        assert words in text


async def test_a_frame_asks_its_questions_and_then_works_out_the_costs(open_board):
    text = await read(open_board, "/benchmark frame pets")
    for words in (
        "What is it for?",
        "What does an error cost?",
        "nobody has put numbers to it yet",
        "costs as much as a cat taken for a dog",
        "shadow comes from elsewhere: night, another camera",
    ):
        assert words in text
    line = "/benchmark frame pets false_alarm:1 miss:20 prevalence:0.02"
    assert "Measure: recall" in await read(open_board, line)
    refused = await read(open_board, "/benchmark frame pets false_alarm:1")
    assert "Those costs cannot be compared." in refused
    await open_board.ask("moira", line + " keep:yes")
    assert "Here a miss costs 20 times a false alarm" in await read(
        open_board, "/benchmark frame pets"
    )
