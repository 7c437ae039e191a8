"""What to try next, in a sentence. Pure."""

from bot.features.leaderboards.boards import Card

_GAP = 0.02
_WEAK_CLASS = 0.05
_SLOW_MS = 33.0


def advice(card: Card) -> str:
    """The one most useful next step for this submission; empty when there is nothing to say."""
    outcome = card.outcome
    if outcome is None:
        return ""
    dev = next((s for s in outcome.scores if s.split == "dev"), None)
    board = card.scores.get("board", {}).get(card.benchmark.metric)
    own = card.scores.get("dev", {}).get(card.benchmark.metric)
    if (
        own
        and board
        and own.value - board.value > _GAP
        and board.high is not None
        and own.value > board.high
    ):
        return (
            f"Dev is {100 * (own.value - board.value):.1f} points above the hidden board: it may have been tuned on dev. "
            "Keep part of train aside for choosing."
        )
    if dev and dev.confused and dev.confused[0][2] > 1:
        true, taken_for, count = dev.confused[0]
        return f"It takes {true} for {taken_for} most often ({count} times on dev): look at those images first."
    graded = [(c.f1, c.name) for c in dev.classes if c.f1 is not None] if dev else []
    if graded:
        f1, name = min(graded)
        if own and own.value - f1 > _WEAK_CLASS:
            return f"{name} is its weakest class (F1 {f1:.2f}): more or other training images of it may help most."
    if outcome.speed and outcome.speed.p50_ms > _SLOW_MS:
        return f"One image takes {outcome.speed.p50_ms:.0f} ms: below 33 ms it would keep up with a 30 FPS camera."
    return ""
