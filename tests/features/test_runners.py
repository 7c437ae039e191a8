"""What an admin sees of the runners: who is there, what each can and does, and what waits for whom."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from bot.features.leaderboards.models import Benchmark
from bot.kit.jobs import RunnerSeen
from bot.kit.message import Fields, Table
from runner.contract import Progress, Speed, Stage
from tests.features.boards import MODEL, given, scored, submit
from tests.features.test_unserved import QUEUE, SCRIPT

EXPORTED = b"PK\x03\x04" + bytes(26) + b"net/archive_format" + bytes(80)


def a_runner(chat, name="box-1", **more):
    given_ = {
        "queue": "cpu",
        "tier": "full",
        "hardware": "2-core x86_64 CPU",
        "versions": {"bookwiz": "1.0", "onnxruntime": "1.29"},
        "heartbeat_at": chat.now - timedelta(seconds=12),
        "busy_with": None,
        "formats": ("onnx", "safetensors"),
        "takes": ("cpu", "cpu+torch"),
    }
    return RunnerSeen(name=name, **given_ | more)


async def asked(chat):
    """The blocks of the answer, without what escapes characters."""
    answer = await chat.say("moira", "/admin runners")
    assert not answer.refused
    return answer.message


def fields(message):
    """Names and values of each runner."""
    return [
        {name: value.replace("\\", "") for name, value in block.pairs}
        for block in message.blocks
        if isinstance(block, Fields)
    ]


def words(message):
    return message.plain().replace("\\", "")


def speed(share, seconds=1.0):
    return Speed(
        p50_ms=1, p95_ms=1, images_per_second=1, limit_per_second=1, efficiency=share,
        seconds=seconds, threads=1, hardware="2-core",
    )  # fmt: skip


async def score_one(chat, n, share, seconds=1.0):
    await submit(chat, data=MODEL + bytes(n))
    outcome = scored(given(chat), speed=speed(share, seconds))
    await chat.engine.report(outcome.model_copy(update={"runner": "box-1"}))
    await chat.deliver()


async def test_a_runner_is_shown_with_all_that_it_is_and_can(board):
    board.engine.seen = [
        a_runner(board, purposes=("score", "saliency"), gpus=("NVIDIA L4",)),
    ]
    await board.say("moira", "/profile timezone Europe/Berlin")
    message = await asked(board)
    assert "**box-1** · free" in words(message)
    [shown] = fields(message)
    heard = shown.pop("Last heard of")
    assert "Mon 23 Nov 2026, 09:59 CET" in heard  # on the admin's own clock
    assert "](when:2026-11-23T08:59" in heard  # and on any other reader's
    assert shown == {
        "Sandbox": "full: walls, and a world of its own",
        "Opens": "ONNX, safetensors",
        "Can": "score, saliency",
        "Queues": "cpu, cpu+torch",
        "Hardware": "2-core x86_64 CPU, NVIDIA L4",
        "Versions": "bookwiz 1.0, onnxruntime 1.29",
    }
    assert "Nothing waits." in words(message)


async def test_what_it_is_on_is_said_with_the_stage_and_since_when(board):
    await submit(board)
    evaluation = given(board)
    key = f"{evaluation.submission}:1"
    about = {"submission": evaluation.submission, "attempt": 1, "token": evaluation.token}
    await board.engine.progress(Progress(**about, stage=Stage.PREDICT, done=0.5))
    board.engine.seen = [a_runner(board, busy_with=key), a_runner(board, "other", busy_with="x:1")]
    message = await asked(board)
    assert "**box-1** · at work" in words(message)
    first, other = fields(message)
    assert first["Is on"].startswith(
        f"{evaluation.submission} on digits: predicting, since [Mon 23"
    )
    assert other["Is on"] == "x:1"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"state": "asleep"}, "box-1** · asleep; the next job wakes it"),
        ({"state": "draining"}, "box-1** · draining: ends what it is on and takes no more"),
        ({"state": "stopped"}, "box-1** · stopped"),
        ({"state": "lost"}, "box-1** · lost: it stopped answering"),
        ({"tier": "none", "takes": ()}, "box-1** · takes nothing"),
        ({"tier": "none", "takes": ()}, "none of cpu**: no wall held there"),
        ({"queue": "gpu", "takes": ()}, "none of gpu**: no model computes on a GPU there"),
    ],
)
async def test_how_it_is_said_in_words(board, more, says):
    board.engine.seen = [a_runner(board, **more)]
    message = await asked(board)
    assert says in words(message) + str(fields(message))


async def test_efficiency_is_the_median_of_jobs_that_were_long_enough_to_measure(board):
    async with board.core.work("tests") as work:
        await work.session.execute(update(Benchmark).values(per_day=99))
    for n, share in enumerate((0.1, 0.9, 0.8, 0.95)):
        await score_one(board, n, share)
    await score_one(board, 9, 0.2, seconds=0.01)
    board.engine.seen = [a_runner(board), a_runner(board, "new")]
    first, new = fields(await asked(board))
    assert first["Efficiency"] == "85 % of its own limit, the median of 4 jobs"
    assert "Efficiency" not in new


async def test_what_waits_is_shown_by_queue_with_the_oldest_and_whether_anybody_takes_it(board):
    async with board.core.work("tests") as work:
        await work.session.execute(
            update(Benchmark).values(formats=["onnx", "torchscript", "pt2"], per_day=9)
        )
    board.engine.unserved = {QUEUE}
    await submit(board, "ada", EXPORTED)
    board.clock.moment += timedelta(minutes=30)
    await submit(board, "bob", SCRIPT)
    await submit(board, "chen", MODEL)
    board.clock.moment += timedelta(minutes=2)
    await board.wait(seconds=6)
    message = await asked(board)
    [table] = [b for b in message.blocks if isinstance(b, Table)]
    assert table.head == ("Queue", "Waiting", "Oldest")
    assert [tuple(c.replace("\\", "") for c in row) for row in table.rows] == [
        (f"{QUEUE} **no runner**", "2", "32 min"),
        ("cpu", "1", "2 min"),
    ]


async def test_nothing_in_it_is_wider_than_a_phone(board):
    board.engine.seen = [a_runner(board, gpus=("NVIDIA H100 80GB HBM3",))]
    await submit(board)
    message = await asked(board)
    tables = [b for b in message.blocks if isinstance(b, Table)]
    assert all(len(t.head) <= 3 for t in tables)
    assert all(sum(map(len, row)) < 40 for t in tables for row in t.rows)


async def test_no_runner_and_no_engine_are_told_apart(board):
    assert "No runner is up just now" in words(await asked(board))
    board.engine.trusted = False
    assert "No runner has said hello" in words(await asked(board))
    board.engine.trusted = True
    board.engine.away = True
    await submit(board)
    message = words(await asked(board))
    assert "cannot be reached" in message
    assert "Waiting" in message  # what waits is known all the same
