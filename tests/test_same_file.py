"""One file has one score, whoever hands it in: from the real runner, and from what is kept of it."""

import pytest
from sqlalchemy import select

from bot.features.leaderboards.models import Score, Submission
from tests.test_road import road, submit  # noqa: F401 - fixtures


async def figures(chat):
    """What is kept of each member's submission: by split and metric, value and interval."""
    async with chat.core.database.read() as session:
        rows = await session.execute(
            select(Submission.member_id, Score).join(Score, Score.submission_id == Submission.id)
        )
        found = {}
        for member, s in rows:
            found.setdefault(member, {})[s.split, s.metric] = (s.value, s.low, s.high, s.images)
    return found


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_two_members_with_the_same_file_get_the_same_figures_on_every_split(
    road, digits  # noqa: F811
):  # fmt: skip
    model = (digits / "small-mlp.onnx").read_bytes()
    await submit(road, model)
    await submit(road, model, who="bob")
    ada, bob = (await figures(road)).values()
    assert {split for split, _ in ada} == {"dev", "board", "shadow"}
    assert ada.keys() == bob.keys()
    assert ada == bob, "to the bit: the trusted runner's scoring and the desk's are one"
    async with road.core.database.read() as session:
        one, other = (await session.scalars(select(Submission))).all()
    assert one.sha256 == other.sha256
    assert (one.counts, one.released) == (other.counts, other.released) == (True, other.released)
    assert one.report["speed"] == other.report["speed"], "measured once, as the card says"

    upload = await road.upload("renamed.onnx", model)
    again = await road.say("bob", "/model submit benchmark:digits", attach=[upload])
    assert other.id in again.message.plain(), "his own is stored, and not run again"
    assert one.id not in again.message.plain()
