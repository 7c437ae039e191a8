"""Analyses through the chat: the real embedded engine, runner, sandbox and desk, on a small model."""

import asyncio

import pytest

from bot.kit.message import File, Image
from tests.test_road import PATIENCE, road, submit  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    # what is computed does not depend on the database; tests/features/test_analyses.py asks both
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]


async def analysed(chat, kind, submission, images=""):
    """Ask for an analysis and wait for its end; the private message that says it."""
    chosen = f' images:"{images}"' if images else ""
    before = set(chat.room.said)
    answer = await chat.say("ada", f"/analysis {kind} {submission}{chosen}")
    assert not answer.refused, answer.message.plain()
    async with asyncio.timeout(PATIENCE):
        while not (found := [key for key in set(chat.room.said) - before if _is_live(key)]):
            await asyncio.sleep(0.05)
        while chat.room.said[found[0]].message.pending:
            await asyncio.sleep(0.05)
    live = chat.room.said[found[0]]
    assert live.place.channel == "@ada"
    return live.message


def _is_live(key):
    return key.startswith("submission:") and key.count(":") == 1


async def scored(chat, data):
    await submit(chat, data)
    [key] = filter(_is_live, chat.room.said)
    return key.split(":")[1]


async def test_robustness_saliency_and_quantisation_come_back_with_pictures(road, digits):  # noqa: F811
    submission = await scored(road, (digits / "small-mlp.onnx").read_bytes())

    stands = await analysed(road, "robustness", submission)
    assert not stands.failed, stands.plain()
    assert "noise" in stands.plain()
    assert "dev images as they are" in stands.plain()

    looks = await analysed(road, "saliency", submission, images="3,17")
    assert not looks.failed, looks.plain()
    assert "#17" in looks.plain()
    assert "than chance" in looks.plain()

    int8 = await analysed(road, "quantize", submission)
    assert not int8.failed, int8.plain()
    assert "int8, static" in int8.plain()
    files = [block.name for block in int8.blocks if isinstance(block, File)]
    assert files == ["model-static.onnx", "model-dynamic.onnx"]

    for message in (stands, looks, int8):
        [picture] = [block for block in message.blocks if isinstance(block, Image)]
        assert picture.alt


async def test_an_analysis_that_cannot_be_made_says_why(road, digits):  # noqa: F811
    submission = await scored(road, (digits / "small-mlp.onnx").read_bytes())
    failed = await analysed(road, "saliency", submission, images="99999")
    assert failed.failed
    assert "no images of the dev split" in failed.plain()
    again = await analysed(road, "robustness", submission)
    assert not again.failed, "the line goes on"
