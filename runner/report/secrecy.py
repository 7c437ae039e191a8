"""Which figures of a split a report may show."""

from runner.contract import Metric, SplitScore
from runner.errands import ReportErrand


def told(errand: ReportErrand) -> tuple[SplitScore, ...]:
    """Return the scores that a report knows of: never shadow's, whoever passed them on."""
    return tuple(score for score in errand.scores if score.split != "shadow")


def released(errand: ReportErrand, score: SplitScore) -> tuple[Metric, ...]:
    """Return the figures of ``score`` that may be shown.

    Of a board that the Ladder did not release, none: each would tell how near the entry came. Of
    one that it did, the ranking figure alone, as it was released: the Ladder bounds what is learnt
    of hidden images from one figure, not from all that a task has.
    """
    if score.split == "dev" or errand.verdict is None:
        return score.metrics
    if not errand.verdict.counts:
        return ()
    return (score.metrics[0].model_copy(update={"value": errand.verdict.released}),)


def dev_score(errand: ReportErrand) -> SplitScore | None:
    """Return the score on dev, whose diagnostics are public."""
    return next((score for score in errand.scores if score.split == "dev"), None)
