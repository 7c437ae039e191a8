"""What to try next, in a sentence. Pure. Never speaks of what the board says of no new best."""

from bot.features.leaderboards.boards import Card
from bot.features.leaderboards.metrics import facts_of
from runner.contract import ClassScore, Outcome, SplitScore

_GAP = 0.02
_WEAK_CLASS = 0.05
_SLOW_MS = 33.0
_ECE = 0.05  # below, confidence is good enough
_MENDED = 0.5  # dividing the logits must halve the error at least


def advice(card: Card) -> str:
    """The one most useful next step for this submission; empty when there is nothing to say."""
    if card.outcome is None:
        return ""
    dev = next((s for s in card.outcome.scores if s.split == "dev"), None)
    said = (_of_a_gap(card), *((_of_calibration(dev), _of_classes(card, dev)) if dev else ()))
    return next((s for s in (*said, _of_speed(card.outcome)) if s), "")


def _of_a_gap(card: Card) -> str:
    board = card.scores.get("board", {}).get(card.benchmark.metric)
    dev = card.scores.get("dev", {}).get(card.benchmark.metric)
    if not dev or not board or board.high is None:
        return ""
    gap = dev.value - board.value
    if gap <= _GAP or dev.value <= board.high:
        return ""
    metric = facts_of(card.benchmark.metric)
    return (
        f"Dev is {metric.difference(gap).lstrip('+')} above the hidden board: it may have been tuned on dev. "
        "Keep part of train aside for choosing."
    )


def _of_calibration(dev: SplitScore) -> str:
    found = dev.calibration
    if found is None or found.ece < _ECE or found.ece_after > _MENDED * found.ece:
        return ""
    return (
        f"{'Overconfident' if found.temperature > 1 else 'Underconfident'}: divide logits by {found.temperature:.2f}: "
        f"ECE {found.ece:.3f} → {found.ece_after:.3f} on held-out dev. It changes no score, but what its confidence is worth."
    )


def _of_classes(card: Card, dev: SplitScore) -> str:
    if dev.confused and dev.confused[0][2] > 1:
        true, taken_for, count = dev.confused[0]
        often = f"{count:,} pixels" if card.benchmark.task == "segmentation" else f"{count} times"
        return f"It takes {true} for {taken_for} most often ({often} on dev): look at those images first."
    graded = [
        (worth, name, one.name)
        for one in dev.classes
        if (named := _worth(one))
        for worth, name in [named]
    ]
    own = card.scores.get("dev", {}).get(card.benchmark.metric)
    if not graded or own is None:
        return ""
    worth, name, of = min(graded)
    if own.value - worth <= _WEAK_CLASS:
        return ""
    return f"{of} is its weakest class ({name} {worth:.2f}): more or other training images of it may help most."


def _worth(one: ClassScore) -> tuple[float, str] | None:
    """How one class does, by what its task measures."""
    for value, name in ((one.ap, "AP"), (one.iou, "IoU"), (one.f1, "F1")):
        if value is not None:
            return value, name
    return None


def _of_speed(outcome: Outcome) -> str:
    if outcome.speed is None or outcome.speed.p50_ms <= _SLOW_MS:
        return ""
    return f"One image takes {outcome.speed.p50_ms:.0f} ms: below 33 ms it would keep up with a 30 FPS camera."
