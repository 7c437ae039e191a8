"""From what each kind of error costs to the metric that follows. Pure."""

from dataclasses import dataclass
from math import sqrt

from bot.features.leaderboards.metrics import for_task

_ALIKE = 3.0  # up to this ratio two costs are taken for equal: nobody knows them better
_EXTREME = 20.0  # from here one kind of error is what the model is for
_RARE = 0.2  # share of positives below which a model that never finds any looks good


@dataclass(frozen=True)
class Frame:
    """What is known of errors: costs in any one unit, and how common the thing looked for is."""

    false_alarm: float  #: cost of a false positive
    miss: float  #: cost of a false negative
    prevalence: float  #: share of positives, 0 to 1

    @property
    def ratio(self) -> float:
        return self.miss / self.false_alarm

    @property
    def threshold(self) -> float:
        """Probability above which acting is cheaper: c_fp / (c_fp + c_fn) (Elkan 2001)."""
        return self.false_alarm / (self.false_alarm + self.miss)

    @property
    def beta(self) -> float:
        """The F-measure's: it weighs a miss beta² times a false alarm (van Rijsbergen 1979)."""
        return sqrt(self.ratio)


@dataclass(frozen=True)
class Suggestion:
    """What to measure, what of that can rank here, and why."""

    measure: str
    ranks: str  #: one of ``metrics``
    reasons: tuple[str, ...]


def suggest(task: str, frame: Frame) -> Suggestion:
    """The metric that says what these errors cost."""
    measure, ranks = {
        "classification": _classification,
        "detection": _detection,
        "segmentation": _segmentation,
    }[task](frame)
    assert ranks in {m.name for m in for_task(task)}
    return Suggestion(measure, ranks, _reasons(task, frame))


def _classification(frame: Frame) -> tuple[str, str]:
    if frame.ratio >= _EXTREME:
        return "recall, at the lowest precision you can live with", "macro_f1"
    if frame.ratio <= 1 / _EXTREME:
        return "precision, at the lowest recall you can live with", "macro_f1"
    if not 1 / _ALIKE < frame.ratio < _ALIKE:
        return f"F-beta with beta {frame.beta:.1f}", "macro_f1"
    if frame.prevalence < _RARE:
        return "F1, or average precision over all thresholds", "macro_f1"
    return "accuracy", "accuracy"


def _detection(frame: Frame) -> tuple[str, str]:
    if frame.ratio >= _ALIKE:
        return "AP50 and recall: finding it matters more than how tight the box is", "ap50"
    if frame.ratio <= 1 / _ALIKE:
        return "AP, and precision at the threshold that you will use", "ap"
    return "AP", "ap"


def _segmentation(frame: Frame) -> tuple[str, str]:
    if frame.ratio >= _ALIKE:
        return "Dice, and each class's recall", "dice"
    if frame.prevalence < _RARE:
        return "Dice: where little is to be found, a pixel more or less is soon a lot", "dice"
    return "mIoU", "miou"


def _reasons(task: str, frame: Frame) -> tuple[str, ...]:
    said = []
    if frame.ratio >= _ALIKE:
        said.append(f"A miss costs {frame.ratio:.3g} times a false alarm, so recall weighs more.")
    elif frame.ratio <= 1 / _ALIKE:
        said.append(
            f"A false alarm costs {1 / frame.ratio:.3g} times a miss, so precision weighs more."
        )
    else:
        said.append("Both kinds of error cost about the same.")
    if frame.prevalence < _RARE and task == "classification":
        said.append(
            f"Only {100 * frame.prevalence:.3g} % are positive: a model that never finds one has "
            f"{100 * (1 - frame.prevalence):.3g} % accuracy."
        )
    said.append(
        f"With honest probabilities, act from {frame.threshold:.3g} on: below, ignoring is cheaper."
    )
    return tuple(said)
