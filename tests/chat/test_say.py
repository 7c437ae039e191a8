"""``bookwiz say`` against a running chat. In a process of its own, as people run it."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass

import pytest

# It knows no database; one is enough.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SAY = [sys.executable, "-c", "from bot.chat.local.say import say; say(prog_name='bookwiz say')"]


@dataclass
class Result:
    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def begin(town):
    """Start it; gives its process."""
    data = town.bot.settings.data
    without = {k: v for k, v in os.environ.items() if not k.startswith("BOOKWIZ_")}
    environment = {**without, "BOOKWIZ_DATA": str(data), "http_proxy": "http://127.0.0.1:9"}

    async def begin(*words):
        return await asyncio.create_subprocess_exec(
            *SAY,
            *map(str, words),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            cwd=data,
        )

    return begin


async def ended(process):
    out, err = await process.communicate()
    return Result(process.returncode, out.decode(), err.decode())


@pytest.fixture
def say(begin):
    async def run(*words):
        return await ended(await begin(*words))

    return run


@pytest.fixture
async def courier(town):
    """Carries messages by itself, as in a running bot."""

    async def carry():
        while True:
            await town.bot.courier.round()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(carry())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_finds_the_running_bot_and_prints_the_answer_without_markup(say):
    result = await say("/trial shout *so* [it] goes.")
    assert (result.exit_code, result.stdout) == (0, "*so* [it] goes.\n\n")


async def test_every_block_is_readable_in_a_terminal(say):
    words = (await say("/trial gallery")).stdout
    assert "\\" not in words
    assert "Metric        macro F1" in words
    assert "   1  Ada Lovelace  resnet-tiny-quantised-int8      0.9820  0.004   4.1 ms" in words
    assert "[picture: Accuracy of five models; the fourth is best]\nhttp://127.0.0.1:" in words
    assert "[Start a run]  [Details]  [Withdraw]" in words
    assert "- better than 83 % of all submissions\n- 4 ms an image" in words


async def test_it_speaks_as_whom_and_where_one_says(say, town):
    await say("it is me", "--as", "bob", "--channel", "papers")
    [said] = (await town.get("/api/messages", **{"as": "ada", "channel": "papers"}))["messages"]
    assert said["author"]["handle"] == "bob"
    assert await town.seen("ada", "general") == []


async def test_without_more_words_ada_speaks_in_general(say, town):
    await say("it is me")
    [said] = (await town.get("/api/messages", **{"as": "bob", "channel": "general"}))["messages"]
    assert said["author"]["handle"] == "ada"


async def test_it_reaches_a_bot_by_its_port_alone(say, town):
    port = town.url.rsplit(":", 1)[1]
    await town.chat.stop()  # which takes away the note of where it is; the page stays up
    assert (await say("hello")).exit_code == 2
    result = await say("/trial shout hello", "--port", port)
    assert (result.exit_code, result.stdout) == (0, "hello\n\n")


async def test_a_refusal_ends_with_one(say):
    result = await say("/trial refuse")
    assert result.exit_code == 1
    assert "E_NO" in result.stdout


async def test_a_line_that_opens_a_form_says_how_to_fill_it_in(say):
    result = await say("/trial diary")
    assert result.exit_code == 2
    assert "* done" in result.stderr


async def test_a_form_is_filled_in(say):
    result = await say("/trial diary", "--form", "done=a=b", "--form", "next=y")
    assert (result.exit_code, result.stdout.split(" / ")[0]) == (0, "a=b")


async def test_a_form_filled_in_wrong_ends_with_one(say):
    result = await say(
        "/trial diary", "--form", "done=x", "--form", "next=y", "--form", "hours=500"
    )
    assert result.exit_code == 1
    assert "A week has fewer hours than that." in result.stdout


async def test_a_file_goes_along(say, tmp_path):
    (tmp_path / "my model.onnx").write_bytes(b"weights")
    result = await say("/trial pick apple", "--file", tmp_path / "my model.onnx")
    assert result.stdout == "apple, good, my model.onnx\n\n"


async def test_a_file_too_large_is_refused_with_its_code(say, town, tmp_path, monkeypatch):
    monkeypatch.setattr(town.bot.files, "cap", 1000)
    (tmp_path / "big.onnx").write_bytes(b"x" * 3_000_000)
    result = await say("/trial pick apple", "--file", tmp_path / "big.onnx")
    assert result.exit_code == 1
    assert "E_TOO_LARGE" in result.stderr


async def test_waiting_follows_the_message_to_its_end(begin, town, courier):
    waiting = await begin("/trial run name:r1", "--wait", "--timeout", "60")
    await waiting.stderr.readuntil(b"10%")
    await town.post("/api/say", **{"as": "bob", "text": "/trial step name:r1 share:1"})
    result = await ended(waiting)
    assert result.exit_code == 0
    assert result.stdout.endswith("r1 is finished.\n\n")


async def test_a_message_that_ends_badly_ends_with_one(begin, town, courier):
    waiting = await begin("/trial run name:r2", "--wait", "--json")
    await waiting.stderr.readuntil(b"10%")
    await town.post("/api/say", **{"as": "bob", "text": "/trial step name:r2 failed:yes"})
    result = await ended(waiting)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["answer"]["follow"] == ["trial:r2"]
    assert told["final"][0]["failed"] is True


async def test_what_takes_too_long_ends_with_two(say, courier):
    result = await say("/trial run name:r3", "--wait", "--timeout", "0.5")
    assert result.exit_code == 2
    assert "goes on by itself" in result.stderr


async def test_a_button_of_what_comes_is_pressed_and_its_end_awaited(say, courier):
    result = await say("/trial run name:r4", "--press", "go on", "--wait")
    assert result.exit_code == 0
    assert result.stdout.endswith("r4 is finished.\n\n")


async def test_a_button_of_the_newest_message_that_has_it_is_pressed(say):
    await say("/trial gallery")
    result = await say("--press", "Details")
    assert result.stdout == "details\n\n"


async def test_a_button_that_is_not_there_is_a_wrong_call(say):
    await say("/trial gallery")
    result = await say("--press", "Dance")
    assert result.exit_code == 2
    assert "Start a run" in result.stderr


async def test_without_a_bot_it_says_how_to_start_one(say, town):
    await town.chat.stop()
    result = await say("hello")
    assert result.exit_code == 2
    assert "make demo" in result.stderr
    assert (await say("hello", "--port", "1")).exit_code == 2
