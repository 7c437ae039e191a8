"""What becomes of an outcome that cannot be applied."""

import pytest
from sqlalchemy.exc import DataError, OperationalError

from bot.features.leaderboards import doubts
from bot.kit.jobs.applying import MOST_FAULTS, Applying
from runner.contract import Outcome

OUTCOME = Outcome(submission="a", attempt=1, token="t", runner="r", tier="full")


class Rows:
    """Fail as told, for every outcome or for those without a failure."""

    def __init__(self, error, *, always=False):
        self.error, self.always, self.applied = error, always, []

    async def __call__(self, outcome):
        if self.error and (self.always or outcome.failure is None):
            raise self.error
        self.applied.append(outcome)


@pytest.mark.parametrize("error", [OverflowError(), DataError("", {}, Exception())])
async def test_one_that_breaks_us_each_time_ends_as_our_fault(error):
    rows = Rows(error)
    apply = Applying(rows)
    for _ in range(MOST_FAULTS - 1):
        with pytest.raises(type(error)):
            await apply(OUTCOME)
    await apply(OUTCOME)
    [applied] = rows.applied
    assert (applied.failure.code, applied.failure.ours) == ("E_RUNNER_BUG", True)
    assert (applied.submission, applied.attempt, applied.token) == ("a", 1, "t")
    assert doubts.unbelievable(applied, minimum_tier="full") is None
    assert apply._faults == {}


@pytest.mark.parametrize("error", [OSError(), OperationalError("", {}, Exception())])
async def test_an_outage_gives_none_up(error):
    rows = Rows(error)
    apply = Applying(rows)
    for _ in range(10):
        with pytest.raises(type(error)):
            await apply(OUTCOME)
    rows.error = None
    await apply(OUTCOME)
    assert rows.applied == [OUTCOME]


async def test_one_that_is_applied_after_a_fault_is_forgotten():
    rows = Rows(KeyError())
    apply = Applying(rows)
    with pytest.raises(KeyError):
        await apply(OUTCOME)
    rows.error = None
    await apply(OUTCOME)
    assert (rows.applied, apply._faults) == ([OUTCOME], {})
