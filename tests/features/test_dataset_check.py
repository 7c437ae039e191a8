"""``/dataset check`` through the chat, with the real desk."""

import numpy as np
import pytest

from bot.features.leaderboards import benchmarks
from bot.kit.message import File, Image
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from tests.runner import messy


async def checked(chat, line, *, attach=()):
    """Ask as ada; the one message that comes to her."""
    answer = await chat.say("ada", line, attach=list(attach))
    assert answer.message is not None, answer.form
    assert answer.message.private
    await chat.deliver()
    [said] = chat.to("@ada")
    return said


@pytest.fixture
async def flipped(chat, settings):
    """A version that the bot knows, some of whose labels are wrong."""
    arrays, _ = messy.flipped_digits()
    manifest = add_dataset(
        Card("Flipped", "classification", "CC BY 4.0", "UCI", {}),
        {split: Source(images, labels, None) for split, (images, labels) in arrays.items()},
        datasets=settings.data / "datasets",
        artifacts=settings.data / "files",
    )
    async with chat.core.work("leaderboards") as work:
        await benchmarks.add_dataset(work.session, manifest, now=work.now)
    return manifest


async def test_a_member_s_archive_is_looked_through_and_answered_in_private(chat, tmp_path):
    path = messy.zipped(tmp_path / "pets.zip", messy.messy_folders())
    upload = await chat.upload("pets.zip", path.read_bytes())
    said = await checked(chat, "/dataset check", attach=[upload])
    assert not said.message.failed
    assert "pets.zip" in said.text
    assert "nearly the same image again, in two splits" in said.text
    assert {type(block) for block in said.message.blocks} >= {Image, File}
    assert not chat.to("general")


async def test_a_version_is_looked_through_by_name(chat, flipped):
    said = await checked(chat, f"/dataset check {flipped.key}")
    assert "labels that are likely wrong" in said.text
    assert not said.message.pending


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("model.onnx", b"\x08\x08\x12\x07pytorch" + bytes(100), "cannot be unpacked"),
        ("holiday.zip", None, "No dataset could be read"),
    ],
)
async def test_what_is_no_dataset_is_said_with_the_way_to_mend_it(
    chat, tmp_path, name, data, words
):
    if data is None:
        data = messy.zipped(tmp_path / "x.zip", {"letter.txt": b"dear"}).read_bytes()
    said = await checked(chat, "/dataset check", attach=[await chat.upload(name, data)])
    assert said.message.failed
    assert words in said.text
    assert "Code: E" in said.text


async def test_a_dataset_must_be_named_or_brought_and_not_both(chat, flipped):
    npz = await chat.upload("a.npz", b"PK")
    for line, attach in (("/dataset check", ()), (f"/dataset check {flipped.key}", (npz,))):
        answer = await chat.say("ada", line, attach=list(attach))
        assert answer.code == "E_ARGUMENT"
    assert (await chat.say("ada", "/dataset check nothing")).code == "E_DATASET"
    assert np.array(chat.to("@ada")).size == 0
