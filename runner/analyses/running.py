"""Which analysis an evaluation asks for."""

from collections.abc import Callable

from runner.analyses import robustness, saliency
from runner.analyses.runs import File, Runs
from runner.contract import Purpose
from runner.failures import Refusal

_ANALYSES: dict[Purpose, Callable[[Runs], list[File]]] = {
    "robustness": robustness.run,
    "saliency": saliency.run,
}


def run(purpose: Purpose, runs: Runs) -> list[File]:
    """Return the files of one analysis (see the package). Raises Refusal."""
    if purpose not in _ANALYSES:
        raise Refusal("E_TASK", got=purpose)
    return _ANALYSES[purpose](runs)
