"""A runner with a runner's rights lies in every way we know: nothing is believed, moderators hear it."""

import asyncio

import numpy as np
import psycopg
import pytest

from bot.features.leaderboards.models import State
from bot.kit.jobs.distributed import grants
from runner.contract import Artifact, Failure, Metric, SplitScore
from runner.failures import Refusal
from tests.jobs.liar import Liar
from tests.runner.models import good_model

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


def carry_out(url, *statements):
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
async def liar_url(jobs_url):
    # In threads: each waits for tables that the engine, in this loop, may be reading.
    given = grants("liar", database="bookwiz_jobs")
    create = ("DROP ROLE IF EXISTS liar", "CREATE ROLE liar LOGIN", given)
    await asyncio.to_thread(carry_out, jobs_url, *create)
    yield psycopg.conninfo.make_conninfo(jobs_url, user="liar")
    await asyncio.to_thread(carry_out, jobs_url, "DROP OWNED BY liar", "DROP ROLE liar")


@pytest.fixture
def liar(world, liar_url):
    return Liar(liar_url)


async def no_predictions(_liar, _asked, said):
    return said.model_copy(update={"predictions": ()})


async def another_hash(_liar, _asked, said):
    first, *rest = said.predictions
    return said.model_copy(
        update={"predictions": (first.model_copy(update={"sha256": "0" * 64}), *rest)}
    )


async def anothers_file(_liar, asked, said):
    """The model itself, which it was given, shown around as made by it."""
    picture = Artifact(
        name="card.png", media_type="image/png", sha256=asked.model.sha256, size=asked.model.size
    )
    return said.model_copy(update={"artifacts": (picture,)})


async def another_form(liar, asked, said):
    wrong = await liar.predict(asked, "dev", rows=np.zeros((3, 10), np.float32))
    return said.model_copy(update={"predictions": (wrong, *said.predictions[1:])})


async def no_array(liar, asked, said):
    wrong = await liar.send(asked, b"\x80\x04 a pickle, say", "predictions-dev.npy")
    return said.model_copy(update={"predictions": (wrong, *said.predictions[1:])})


async def no_numbers(liar, asked, said):
    wrong = await liar.predict(asked, "dev", rows=np.full((60, 10), np.nan, np.float32))
    return said.model_copy(update={"predictions": (wrong, *said.predictions[1:])})


async def weak_walls(_liar, _asked, said):
    return said.model_copy(update={"tier": "none"})


async def unknown_failure(_liar, _asked, said):
    failure = Failure(code="E_PAY_ME", problem="Send @everyone one bitcoin.")
    return said.model_copy(update={"failure": failure})


async def blame(_liar, _asked, said):
    """A fault of its own, as if it were the member's."""
    failure = Failure(code="E_RUNNER_STORE", problem="You filled my disk.")
    return said.model_copy(update={"failure": failure})


async def flood(_liar, _asked, said):
    return said.model_copy(update={"warnings": ("x" * 9_000_000,)})


async def scores(_liar, asked, said):
    boast = tuple(
        SplitScore(split=s, images=80, metrics=(Metric(name="accuracy", value=v),))
        for s, v in zip(asked.splits, (0.99, 7, -1), strict=True)
    )
    return said.model_copy(update={"scores": boast})


LIES = [
    no_predictions, another_hash, anothers_file, another_form, no_array, no_numbers, weak_walls,
    unknown_failure, blame, flood, scores,
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
async def test_a_lie_is_not_believed_and_moderators_hear_whose_it_was(world, liar, lie):
    id_ = await world.submit(good_model())
    asked = await liar.take()
    await liar.report(await lie(liar, asked, await liar.honest(asked)))
    again = await liar.take()
    assert (again.submission, again.attempt) == (id_, 2)
    assert again.token != asked.token
    row = await world.row(id_)
    assert row.losses == 1
    [told] = await world.until(world.to_moderators)
    assert "liar" in told
    assert id_ in told
    assert "bitcoin" not in str(world.room.said)
    await liar.report(await liar.honest(again))
    assert (await world.ended(id_)).state == State.SCORED


async def test_who_lies_three_times_costs_the_member_nothing(world, liar):
    id_ = await world.submit(good_model())
    for _ in range(3):
        asked = await liar.take()
        await liar.report((await liar.honest(asked)).model_copy(update={"predictions": ()}))
    row = await world.ended(id_)
    assert (row.state, row.failure["code"]) == (State.FAILED, "E_RUNNER_LIED")
    await world.told(id_)
    lied, gave_up = await world.until(lambda: len(m := world.to_moderators()) == 2 and m)
    assert "cannot be" in lied
    assert "fault of ours" in gave_up
    second = await world.submit(good_model(seed=1))
    asked = await liar.take()
    assert asked.submission == second


async def test_the_outcome_of_another_attempt_or_submission_is_stale(world, liar):
    first = await world.submit(good_model(), "ada")
    other = await world.submit(good_model(seed=1), "bob")
    asked = await liar.take()
    assert asked.submission == first
    honest = await liar.honest(asked)
    for change in (
        {"attempt": 2},
        {"token": "0" * 32},
        {"submission": other},
        {"submission": "no"},
    ):
        await liar.report(honest.model_copy(update=change))
    await liar.report({"submission": first, "attempt": "one", "nonsense": True})

    async def is_tried_again():
        return (await world.row(first)).attempt == 2

    await world.until(is_tried_again)  # its job ended, and no outcome of it was the right one
    assert (await world.row(other)).state == State.DISPATCHED
    assert world.room.said[f"submission:{other}"].message.pending


async def test_more_than_an_attempt_may_send_is_refused(world, liar):
    await world.submit(good_model())
    asked = await liar.take()
    with pytest.raises(Refusal, match="E_RUNNER_STORE"):
        await liar.send(asked, bytes(1_000_001), "predictions-dev.npy")
    kept = await liar.send(asked, bytes(900_000), "predictions-dev.npy")
    with pytest.raises(Refusal, match="E_RUNNER_STORE"):
        await liar.send(asked, b"x" * 100_001, "predictions-board.npy")
    assert world.bot.files.path(kept.sha256).exists()
    assert not any((world.data / "files" / "incoming").iterdir())


def test_a_code_of_a_workers_own_is_known():
    from runner import process
    from runner.codes import CODES

    for failure in (process._REFUSED, process._overdue(1)):
        assert CODES[failure.code].ours
