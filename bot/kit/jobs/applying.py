"""Takes an outcome to the rows, and gives up one that breaks us each time."""

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.kit.jobs import OnOutcome
from bot.kit.storage import trouble_of
from runner.contract import Failure, Outcome

_log = structlog.get_logger(__name__)
MOST_FAULTS = 3
_OUTAGES = (OSError, OperationalError, InterfaceError, PoolTimeoutError)


class Applying:
    """Calls what applies an outcome; engines call this until it returns.

    What fails for an outage is raised for ever: the outcome must outlive that. What breaks us is a
    fault of ours, and would break us each time: after a few tries it is applied as a failure that
    says so, and the attempt ends.
    """

    def __init__(self, apply: OnOutcome) -> None:
        self._apply = apply
        self._faults: dict[tuple[str, int, str], int] = {}

    async def __call__(self, outcome: Outcome) -> None:
        key = (outcome.submission, outcome.attempt, outcome.token)
        try:
            await self._apply(outcome)
        except Exception as error:
            if isinstance(error, _OUTAGES) or trouble_of(error) is not None:
                raise
            self._faults[key] = self._faults.get(key, 0) + 1
            if self._faults[key] < MOST_FAULTS:
                raise
            _log.exception("outcome.given_up", submission=key[0], attempt=key[1])
            await self._apply(_without_what_broke_us(outcome, error))
        self._faults.pop(key, None)


def _without_what_broke_us(outcome: Outcome, error: Exception) -> Outcome:
    return Outcome(
        submission=outcome.submission,
        attempt=outcome.attempt,
        token=outcome.token,
        runner=outcome.runner,
        tier=outcome.tier,
        failure=Failure(
            code="E_RUNNER_BUG",
            ours=True,
            problem="Something of ours broke when the result came.",
            expected="a result that can be kept",
            got=type(error).__name__,
            fix="This was our fault and cost you nothing. The moderators know; submit it again later.",
        ),
    )
