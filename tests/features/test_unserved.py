"""A submission that no connected runner can do: who reads what, and that it holds up nobody."""

import pytest
from sqlalchemy import select, update

from bot.features.leaderboards import lacks
from bot.features.leaderboards.models import Benchmark, Submission
from runner.contract import Progress, Stage
from tests.features.boards import MODEL, given, live, scored, submit

SCRIPT = b"PK\x03\x04" + bytes(26) + b"net/code/__torch__.py" + bytes(80)
QUEUE = "cpu+full+torch"
NOBODY = "No runner that can open TorchScript is connected just now"
TOLD = "Your place is kept, moderators were told, and it goes on by itself when one is."


@pytest.fixture
async def open_board(board):
    """The board, which takes every format, before runners that take all but TorchScript."""
    async with board.core.work("tests") as work:
        await work.session.execute(
            update(Benchmark).values(
                formats=["onnx", "safetensors", "torchscript", "pt2"], per_day=9
            )
        )
    await board.say("moira", "/admin channels moderators staff")
    board.engine.unserved = {QUEUE}
    return board


def jobs_of(chat, format):
    return [e for e in chat.engine.jobs.values() if e.format == format]


async def words(chat, evaluation):
    return (await live(chat, evaluation)).text.replace("\\", "")


def told(chat):
    return [s.text.replace("\\", "") for s in chat.to("staff") if "and submissions wait" in s.text]


async def marks(chat):
    async with chat.core.database.read() as session:
        return (
            await session.scalars(select(Submission.lacking).order_by(Submission.position))
        ).all()


@pytest.mark.parametrize(
    ("queue", "format", "purpose", "says"),
    [
        ("cpu", "onnx", "score", "No runner is connected just now"),
        ("gpu", "onnx", "score", "No runner with a GPU is connected just now"),
        (QUEUE, "torchscript", "score", NOBODY),
        (QUEUE, "pt2", "rescore", "No runner that can open .pt2 files is connected just now"),
        ("cpu+torch", "safetensors", "score", "No runner that can open safetensors is connected just now"),
        ("gpu+torch", "safetensors", "score", "No runner with a GPU that can open safetensors is connected just now"),
        ("cpu+full", "onnx", "score", "No runner in the full sandbox that this benchmark asks for is connected just now"),
        ("cpu+full", "onnx", "quantize", "No runner that can quantise models is connected just now"),
        (QUEUE, "safetensors", "score", "No runner that can open safetensors in the full sandbox that this benchmark asks for is connected just now"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_said_in_the_words_of_who_waits(queue, format, purpose, says):
    assert lacks.for_member(queue, format=format, purpose=purpose) == says


@pytest.mark.parametrize(
    ("queue", "says"),
    [
        ("cpu", ("cpu", "")),
        ("gpu+torch", ("gpu", "a GPU and PyTorch")),
        (QUEUE, ("cpu", "PyTorch and every wall (tier full)")),
    ],
)
def test_moderators_read_what_a_host_needs(queue, says):
    assert lacks.for_moderators(queue) == says


async def test_who_waits_for_a_runner_that_is_not_there_is_told_and_so_are_the_moderators_once(
    open_board,
):
    chat = open_board
    for n, who in enumerate(("ada", "bob", "chen")):
        assert not (await submit(chat, who, SCRIPT + bytes(n))).refused
    await chat.wait(seconds=6)
    for evaluation in jobs_of(chat, "torchscript"):
        text = await words(chat, evaluation)
        assert NOBODY in text
        assert TOLD in text
        assert "in line" not in text
    assert len(jobs_of(chat, "torchscript")) == 3
    [text] = told(chat)
    assert (
        "No runner with PyTorch and every wall (tier full) is connected for the queue cpu" in text
    )
    assert "bookwiz-runner work --queue cpu" in text
    await submit(chat, "dee", SCRIPT + b"late")
    for unserved in (set(), {QUEUE}):  # a runner that comes and goes
        chat.engine.unserved = unserved
        await chat.wait(seconds=6)
    assert len(told(chat)) == 1
    assert NOBODY in await words(chat, jobs_of(chat, "torchscript")[-1])


async def test_it_goes_on_by_itself_when_such_a_runner_comes(open_board):
    chat = open_board
    await submit(chat, data=SCRIPT)
    await submit(chat, data=SCRIPT + b"2")  # in line behind the first, for the same runner
    await chat.wait(seconds=6)
    first = given(chat)
    chat.engine.unserved = set()
    await chat.wait(seconds=6)
    assert "Next in line" in await words(chat, first)
    assert given(chat) == first  # the same attempt: nothing was handed over again
    await chat.engine.report(scored(first))
    await chat.deliver()
    second = given(chat)
    assert (second.format, second.attempt) == ("torchscript", 1)
    await chat.engine.report(scored(second))
    assert "90.0 %" in await words(chat, first)
    assert set(await marks(chat)) == {""}


async def test_a_runner_that_begins_before_anybody_looked_again_ends_the_wait(open_board):
    chat = open_board
    await submit(chat, data=SCRIPT)
    await chat.wait(seconds=6)
    evaluation = given(chat)
    about = {"submission": evaluation.submission, "attempt": 1, "token": evaluation.token}
    await chat.wait(seconds=3)
    await chat.engine.progress(Progress(**about, stage=Stage.PREDICT, done=0.5))
    assert "predicting" in await words(chat, evaluation)
    await submit(chat, data=MODEL)
    assert not jobs_of(chat, "onnx")  # one of a member at a time, again


async def test_what_waits_in_vain_holds_up_neither_its_member_nor_others(open_board):
    chat = open_board
    await submit(chat, data=SCRIPT)
    await submit(chat, data=MODEL)  # in line behind it
    assert not jobs_of(chat, "onnx")
    await chat.wait(seconds=6)
    [onnx] = jobs_of(chat, "onnx")
    assert "Next in line" in await words(chat, onnx)
    await submit(chat, data=SCRIPT + b"2")
    await submit(chat, "bob", MODEL + b"2")
    await chat.engine.report(scored(onnx))
    await chat.wait(seconds=6)
    [bobs] = jobs_of(chat, "onnx")
    assert bobs.submission != onnx.submission
    assert len(jobs_of(chat, "torchscript")) == 1  # the second keeps its place with us
    assert await marks(chat) == [QUEUE, "", QUEUE, ""]
    await chat.say("ada", f"/model cancel submission:{jobs_of(chat, 'torchscript')[0].submission}")
    chat.engine.unserved = set()
    await chat.wait(seconds=6)
    assert len(jobs_of(chat, "torchscript")) == 1


@pytest.mark.parametrize("unknown", ["not yet", "away"])
async def test_nothing_is_said_of_runners_that_had_no_time_to_say_hello(open_board, unknown):
    chat = open_board
    await submit(chat, "ada", SCRIPT)
    await chat.wait(seconds=6)
    if unknown == "away":
        chat.engine.away = True
    else:
        chat.engine.unserved = None  # as after a restart
    await submit(chat, "bob", MODEL)
    await chat.wait(seconds=6)
    assert await marks(chat) == [QUEUE, ""]  # what was known stays
    chat.engine.away = False
    chat.engine.unserved = set()
    await chat.wait(seconds=6)
    assert await marks(chat) == ["", ""]


async def test_moderators_without_a_channel_are_not_said_to_be_told(open_board):
    chat = open_board
    await chat.say("moira", "/admin channels moderators off")
    await submit(chat, data=SCRIPT)
    await chat.wait(seconds=6)
    text = await words(chat, given(chat))
    assert "Your place is kept and it goes on by itself when one is." in text
