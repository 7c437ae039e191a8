"""What becomes of an attempt that ended by a fault of ours: whether it counts, and when to go on."""

from dataclasses import dataclass
from datetime import timedelta

from runner.contract import HANDED_BACK

#: what a disk that is full or away makes of an attempt; nothing is wrong with the model or the runner
OF_STORAGE = frozenset({"E_RUNNER_STORE", "E_RUNNER_FETCH", "E_RUNNER_DATASET", "E_DESK_FILE"})
#: what no other attempt would change: a host grows no walls meanwhile, and no metric goes back
HOPELESS = frozenset({"E_RUNNER_UNSAFE", "E_RUNNER_METRIC"})
_LONGEST = 60.0  # seconds


@dataclass(frozen=True)
class NextTry:
    """How the next attempt begins."""

    lost: bool  #: whether the last one is one of the few after which we give up
    after: timedelta


def next_try(code: str, *, attempt: int, losses: int) -> NextTry:
    """What follows *attempt*, which ended with *code* after *losses* that counted.

    A disk fills up for minutes, and every attempt meanwhile would end as the last one: so there is a
    pause. Where nothing can be kept it grows to a minute and costs no loss, which bears a quarter of
    an hour; what cannot be fetched may be lost for good, and is given up sooner.
    """
    if code == "E_RUNNER_STORE":
        seconds = min(_LONGEST, 5.0 * 2 ** min(attempt - 1, 10))
        return NextTry(lost=False, after=timedelta(seconds=seconds))
    if code in OF_STORAGE:
        return NextTry(lost=True, after=timedelta(seconds=10 if losses == 0 else _LONGEST))
    return NextTry(lost=code != HANDED_BACK, after=timedelta())
