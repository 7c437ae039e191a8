"""From the chat through the real engine, runner and sandbox, and back: good models and bad ones."""

import asyncio
import json

import pytest
from sqlalchemy import select

from bot.app import Bot, engine_for
from bot.datasets import freeze
from bot.features.leaderboards import benchmarks
from bot.features.leaderboards.models import Benchmark
from bot.kit.db import Base
from bot.kit.testing import Chat
from tests import real_inputs
from tests.conftest import empty
from tests.opening import open_benchmark
from tests.runner import hostile_models, models

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
PATIENCE = 60
#: of what the sandbox says of a model, which is the same with any database; a good one asks both
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
#: what it must stand, and the code that a member reads
BAD = {
    "a text file": (b"just some text, no model", "E_NOT_ONNX"),
    "a web page": (b"<!DOCTYPE html><html><body>Sign in</body></html>", "E_NOT_ONNX"),
    "a pickle": (models.pickle(), "E_NOT_ONNX"),
    "a PyTorch file": (models.torch_zip(), "E_NOT_ONNX"),
    "a truncated model": (models.truncated(), "E_ONNX_BROKEN"),
    "a wrong input shape": (models.wrong_input_model(), "E_INPUT_SHAPE"),
    "a wrong number of classes": (models.wrong_classes_model(), "E_OUTPUT_SHAPE"),
    "NaN": (models.nan_model(), "E_NAN"),
    "an endless loop": (hostile_models.spin_model(), "E_TIME"),
    "200 bytes asking for 8 GB": (hostile_models.huge_alloc_model(), "E_MEMORY"),
    "8 GB asked for while it runs": (hostile_models.huge_alloc_model(static=False), "E_MEMORY"),
    "weights in a second file": (hostile_models.external_data_model(), "E_ONNX_EXTERNAL_DATA"),
    "nested functions": (hostile_models.nested_functions_model(), "E_ONNX_TOO_COMPLEX"),
    "an operator that reads files": (hostile_models.file_reading_op_model(), "E_ONNX"),
}


@pytest.fixture
async def road(settings, digits):
    """A chat on a bot with its real engine; the benchmark *digits* allows three seconds."""
    bot = Bot(settings, engine_for(settings))
    async with bot.database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await bot.prepare()
    await bot.engine.start(bot.outcome, bot.progress)
    await bot.courier.start()
    await bot.clerk.start()
    splits = [
        o for s in ("train", "dev", "board", "shadow") for o in (f"--{s}", str(digits / f"{s}.npz"))
    ]
    manifest = await freeze(
        settings,
        "digits",
        ["--task", "classification", *splits, "--licence", "CC BY 4.0", "--source", "UCI"],
    )
    chat = Chat(bot.core, bot.courier, bot.clock, bot.engine)
    async with bot.core.work("leaderboards") as work:
        await bot.core.services.people.account(
            work.session, platform="local", handle="moira", name="Moira"
        )
    await open_benchmark(
        bot.core,
        manifest,
        per_day=3,
        limits={"wall_seconds": 4, "cpu_seconds": 6, "memory_mb": 1024},
    )
    yield chat
    await bot.engine.stop()
    await bot.clerk.stop()
    await bot.courier.stop()
    await empty(bot)


async def submit(chat, data, who="ada", benchmark="digits"):
    """Hand in a model and wait for its end; the message that says it, or the refusal."""
    model = await chat.upload("model.onnx", data)
    answer = await chat.say(who, f"/model submit benchmark:{benchmark}", attach=[model])
    if answer.refused:
        return answer.message
    [key] = answer.follow
    async with asyncio.timeout(PATIENCE):
        while key not in chat.room.said or chat.room.said[key].message.pending:
            await asyncio.sleep(0.02)
    live = chat.room.said[key].message
    return chat.room.said[f"{key}:why"].message if live.failed else live


async def test_a_good_model_comes_back_with_its_score_and_rank(road, digits):
    card = await submit(road, (digits / "small-mlp.onnx").read_bytes())
    text = card.plain()
    assert "Rank **1** of 1" in text
    assert "95 % interval" in text
    assert "Ada" in await road.ask("bob", "/leaderboard show digits")


@ON_SQLITE
async def test_every_bad_model_is_explained_in_private_and_the_queue_goes_on(road, digits):
    for what, (data, code) in BAD.items():
        message = await submit(road, data)
        text = message.plain().replace("\\", "")
        assert message.private, what
        assert f"code: {code}" in text or f"Code: {code}" in text, f"{what}: {text}"
        assert "Expected" in text, what
        assert "Got" in text, f"{what}: {text}"
    card = await submit(road, (digits / "small-mlp.onnx").read_bytes())
    assert "Rank **1** of 1" in card.plain(), "no quota was lost and the queue went on"


async def test_who_waits_hears_at_once_what_is_wrong_with_a_file_and_a_good_one_keeps_its_turn(
    road, digits
):
    async with road.core.work("leaderboards") as work:
        found = await work.session.scalar(select(Benchmark))
        found.limits = found.limits | {"wall_seconds": 50, "cpu_seconds": 50}
    model = await road.upload("spin.onnx", hostile_models.spin_model())
    [long] = (await road.say("ada", "/model submit benchmark:digits", attach=[model])).follow
    good = await road.upload("good.onnx", (digits / "small-mlp.onnx").read_bytes())
    [waits] = (await road.say("cem", "/model submit benchmark:digits", attach=[good])).follow
    for data, code in (BAD["a truncated model"], BAD["a wrong number of classes"]):
        message = await submit(road, data, who="bob")
        assert f"ode: {code}" in message.plain().replace("\\", "")
        assert road.room.said[long].message.pending, "nobody waited for the runner"
    assert "in line" in road.room.said[waits].text
    await road.press("ada", road.room.said[long].message, "Cancel")
    async with asyncio.timeout(PATIENCE):
        while road.room.said[waits].message.pending:
            await asyncio.sleep(0.02)
    assert "Rank **1** of 1" in road.room.said[waits].text


async def test_cancelling_ends_the_sandboxed_child_at_once(road):
    model = await road.upload("spin.onnx", hostile_models.spin_model())
    answer = await road.say("ada", "/model submit benchmark:digits", attach=[model])
    [key] = answer.follow
    async with asyncio.timeout(PATIENCE):
        while (
            "predicting" not in road.room.said[key].text
            and "checking" not in road.room.said[key].text
        ):
            await asyncio.sleep(0.02)
        await road.press("ada", road.room.said[key].message, "Cancel")
        while road.room.said[key].message.pending:
            await asyncio.sleep(0.02)
        while await road.engine.alive([f"{key.split(':')[1]}:1"]):
            await asyncio.sleep(0.02)
    assert "Cancelled" in road.room.said[key].text


@ON_SQLITE
@pytest.mark.real_inputs("mnist")
async def test_the_zoos_mnist_model_scores_what_it_is_known_for(road, settings):
    """10,000 real test images, fixed batch 1, [1, 1, 28, 28], x / 255: .9890."""
    data = real_inputs.FOLDER / "mnist"
    files = f"{data}/t10k-images-idx3-ubyte.gz,{data}/t10k-labels-idx1-ubyte.gz"
    manifest = await freeze(
        settings,
        "mnist",
        [
            "--task",
            "classification",
            "--board",
            files,
            "--licence",
            "CC BY-SA 3.0",
            "--source",
            "LeCun",
        ],
    )
    async with road.core.work("leaderboards") as work:
        await benchmarks.add_dataset(work.session, manifest, now=work.now)
    await road.say(
        "moira",
        '/benchmark create name:mnist title:MNIST dataset:mnist metric:accuracy why:"All errors cost the same."',
    )
    card = await submit(road, (data / "mnist.onnx").read_bytes(), benchmark="mnist")
    assert "98.90 %" in card.plain()
    assert json.loads(manifest.model_dump_json())["splits"][0]["images"] == 10_000
