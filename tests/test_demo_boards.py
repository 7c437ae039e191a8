"""The demo's three benchmarks as a member meets them: a model in, a card, its page, every analysis.

Nothing stands in for anything: the embedded engine, the sandbox, the desk and the web server are real.
"""

import asyncio
import re
from dataclasses import replace

import aiohttp
import pytest

from bot.app import Bot, engine_for
from bot.demo_boards import DIGITS, SHAPES, open_board
from bot.features.leaderboards.analyses import RUN
from bot.features.leaderboards.kinds import TITLES
from bot.kit.db import Base
from bot.kit.message import File, Image, Table
from bot.kit.testing import Chat, Room
from tests.conftest import empty
from tests.runner.test_report_page import Read

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    # what is scored does not depend on the database; other tests ask both
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
PATIENCE = 120
BASELINES = ("a weak one", "a better one")  #: of each board
NO_SALIENCY = "Saliency is for classification: boxes and masks already say where they look."
SHAPES_TELL = {
    "saliency": NO_SALIENCY,
    "slices": "Weakest: ",
    "diff": r"images? better, \d+ worse, .*\(sign test p [=‹]",
}
#: what each board's card says, and what each analysis answers: pictures, or why there are none
EXPECTED = {
    "digits": (
        "accuracy",
        {
            "saliency": "than chance",
            "confusion": "taken for",
            "slices": "Weakest: (slant|strokes) ",
            "diff": r"images? better, \d+ worse, .*\(McNemar p [=‹]",
        },
    ),
    "shapes-detection": ("AP50", {"confusion": "found as"} | SHAPES_TELL),
    "shapes-segmentation": ("mIoU", {"confusion": "taken for"} | SHAPES_TELL),
}
EVERYWHERE = {
    "errors": "worst dev images",
    "robustness": "dev images as they are",
    "quantize": "int8, static",
}


class Minutes(Room):
    """A chat that keeps how each message read after every edit."""

    def __init__(self):
        super().__init__()
        self.history = {}

    async def send(self, place, message, *, key, since=None):
        self.history.setdefault(key, []).append(message)
        return await super().send(place, message, key=key)

    async def edit(self, ref, message):
        self.history[ref.id].append(message)
        return await super().edit(ref, message)


@pytest.fixture
async def demo(settings, worlds):
    """A chat on a bot with the demo's benchmarks, whose baselines wait to be scored."""
    bot = Bot(settings, engine_for(settings))
    async with bot.database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await bot.prepare()
    await bot.web.start()
    bot.core.services.renderer.url = bot.web.url
    await bot.engine.start(bot.outcome, bot.progress)
    await bot.courier.start()
    await bot.clerk.start()
    chat = Chat(bot.core, bot.courier, bot.clock, bot.engine)
    chat.room = bot.courier.chats["local"] = Minutes()
    async with bot.core.work("tests") as work:
        await bot.core.services.people.account(
            work.session, platform="local", handle="moira", name="Moira"
        )
    for board in (DIGITS, *SHAPES):
        folder = worlds / ("digits" if board is DIGITS else "shapes")
        # How fast it is, a benchmark says: a machine that does other things too may take its time.
        await open_board(bot, settings, replace(board, seconds=PATIENCE), folder)
    yield chat
    await bot.engine.stop()
    await bot.clerk.stop()
    await bot.courier.stop()
    await bot.web.stop()
    await empty(bot)


async def over(chat, key, *, until=lambda message: True):
    """Wait until a message has its end; gives it."""
    async with asyncio.timeout(PATIENCE):
        while not (
            (said := chat.room.said.get(key)) and not said.message.pending and until(said.message)
        ):
            await asyncio.sleep(0.05)
    return said.message


def words(message):
    return message.plain().replace("\\", "")


def of_kind(message, kind):
    return [block for block in message.blocks if isinstance(block, kind)]


async def handed_in(chat, who, board, model):
    """Submit *model* and give its id and its card, once that has its place and its picture."""
    upload = await chat.upload(model.name, model.read_bytes())
    answer = await chat.say(who, f"/model submit benchmark:{board}", attach=[upload])
    assert not answer.refused, words(answer.message)
    [key] = answer.follow
    card = await over(
        chat, key, until=lambda m: m.failed or ("Rank" in m.plain() and of_kind(m, Image))
    )
    assert not card.failed, f"{board}: {words(card)}"
    return key.split(":")[1], card


async def analysed(chat, who, kind, submission):
    """Ask for an analysis; gives the message with its answer, or the refusal."""
    answer = await chat.say(who, f"/analysis {kind} {submission}", channel=f"@{who}")
    if answer.refused:
        return answer.message
    async with asyncio.timeout(PATIENCE):
        while not (found := [k for k in chat.room.said if _tells_of(chat, k, who, kind)]):
            await asyncio.sleep(0.05)
    return await over(chat, found[0])


def _tells_of(chat, key, who, kind):
    """Whether a private message is the one of that analysis: it says so in its first line."""
    said = chat.room.said[key]
    title = kind if kind in RUN else TITLES[kind]
    first = words(chat.room.history[key][0]).lower()
    return said.place.channel == f"@{who}" and title.lower() in first


def assert_the_stages_were_told(chat, submission, board):
    history = chat.room.history[f"submission:{submission}"]
    assert history[0].pending, board
    assert "Cancel" in {button.label for button in history[0].buttons()}, board
    steps = [int(found[1]) for m in history if (found := re.search(r"Step (\d) of 5", m.plain()))]
    assert steps == sorted(steps), f"{board} went back: {steps}"
    ends = [not m.pending for m in history]
    assert ends == sorted(ends), f"{board} said an end, and then that it waits"
    return steps


def assert_the_card_is_whole(card, board):
    text, (metric, _) = words(card), EXPECTED[board]
    assert re.search(r"Rank \*\*1.*\*\* of [123] by \w+ on \d+ hidden images", text), text
    assert re.search(r"95 % interval [\d.]+ – [\d.]+", text), text
    assert metric in text
    for said in ("Dev and board", "ms one image alone", "parameters", "MB of memory", "sandbox"):
        assert said in text, f"{board}: {said}"
    [picture] = of_kind(card, Image)
    assert len(picture.alt) > 40, board
    assert [f.name for f in of_kind(card, File)] == ["report.html"], board


async def assert_the_report_opens(card, board):
    [address] = re.findall(r"http://127[^>)\s]*/report/[^>)\s]+", words(card))
    async with aiohttp.ClientSession() as session, session.get(address) as reply:
        page, policy = Read(await reply.text()), reply.headers["Content-Security-Policy"]
        assert reply.status == 200, board
    assert "default-src 'none'" in policy
    assert not page.all("script")
    assert len(page.all("h1")) == 1
    assert all(image["src"].startswith("data:") and image["alt"] for image in page.all("img"))
    inside = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")}
    assert inside <= {of.get("id") for _, of in page.tags}, f"{board}: links that lead nowhere"
    assert {"scores", "worst", "cost", "provenance"} <= inside, board


async def assert_every_analysis_answers(chat, who, submission, board):
    for kind, wanted in (EVERYWHERE | EXPECTED[board][1]).items():
        message = await analysed(chat, who, kind, submission)
        text = words(message)
        assert re.search(wanted, text), f"{board}, {kind}: {text}"
        assert message.private or wanted != NO_SALIENCY, kind
        if wanted != NO_SALIENCY:
            assert not message.failed, f"{board}, {kind}: {text}"
            assert "could not be" not in text, f"{board}, {kind}: {text}"
            pictures = of_kind(message, Image)
            assert pictures, f"{board}, {kind}: no picture"
            assert all(picture.alt for picture in pictures), f"{board}, {kind}"
            # where nothing got worse, a difference has nothing to list
            tables = of_kind(message, Table)
            assert len(tables) == 1 or (kind == "diff" and " 0 worse" in text), f"{board}, {kind}"
            for table in tables:
                assert table.rows, f"{board}, {kind}"
                assert all(len(row) == len(table.head) for row in table.rows), f"{board}, {kind}"


async def met(chat, who, board, weaker, model):
    """Do all that a member can do on a board; gives the steps that were seen meanwhile."""
    await handed_in(chat, who, board, weaker)
    submission, card = await handed_in(chat, who, board, model)
    steps = assert_the_stages_were_told(chat, submission, board)
    assert_the_card_is_whole(card, board)
    await assert_the_report_opens(card, board)
    await assert_every_analysis_answers(chat, who, submission, board)
    async with asyncio.timeout(PATIENCE):
        while (await chat.ask(who, f"/leaderboard show {board}")).count("baseline") < len(
            BASELINES
        ):
            await asyncio.sleep(0.2)
    return steps


async def test_each_of_the_demos_boards_takes_models_and_tells_all_of_them(demo, worlds):
    digits, shapes = worlds / "digits", worlds / "shapes/models"
    boxes, pixels = shapes / "detection", shapes / "segmentation"
    entries = (
        ("ada", "digits", digits / "nearest-centroid.onnx", digits / "small-mlp.onnx"),
        ("bob", "shapes-detection", boxes / "colour-blobs.onnx", boxes / "outline-boxes.onnx"),
        ("chen", "shapes-segmentation", pixels / "colour-pixels.onnx", pixels / "outline-pixels.onnx"),
    )  # fmt: skip
    steps = await asyncio.gather(*(met(demo, *entry) for entry in entries))
    assert any(steps), "no member saw how far it was"
    assert not [s for s in demo.room.said.values() if s.message.pending]
