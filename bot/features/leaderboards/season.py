"""The season's end: the shadow is shown, and how far the board was to be believed."""

from bot.community import audit
from bot.features.leaderboards import answers, boards, ladder
from bot.features.leaderboards.metrics import facts_of
from bot.features.leaderboards.models import Benchmark, Submission
from bot.features.leaderboards.ranking import best_of_each
from bot.kit import outbox
from bot.kit.command import Refusal
from bot.kit.errands import Answered
from bot.kit.work import Context, Work
from runner.errands import Entrant, Revealed, RevealErrand

_LEAST = 2  # a ranking of one tells nothing


async def entrants_of(work: Work, benchmark: Benchmark) -> list[Entrant]:
    """Everybody's best, with what is kept of its board and of its shadow images."""
    found = []
    for entry in best_of_each(await boards.entries(work.session, benchmark)):
        row = await work.session.get_one(Submission, entry.submission)
        board = ladder.statistics_of(row)
        shadow = ladder.statistics_of(row, "shadow")
        if board and shadow:
            found.append(
                Entrant(
                    submission=row.id,
                    name=entry.who,
                    statistics=board.sha256,
                    shadow=shadow.sha256,
                    quality=entry.value,
                )
            )
    return sorted(found, key=lambda e: e.submission)


async def ask(ctx: Context, benchmark: Benchmark) -> None:
    """Freeze the board and have the shadow compared with it; the answer comes into this channel."""
    entrants = await entrants_of(ctx, benchmark)
    if len(entrants) < _LEAST:
        raise Refusal(
            "There is too little on this board to reveal.",
            code="E_STATE",
            expected=f"at least {_LEAST} entries that were scored on a shadow split",
            got=str(len(entrants)),
        )
    benchmark.frozen_at = benchmark.frozen_at or ctx.now
    await ctx.session.flush()
    errand = RevealErrand(
        task=benchmark.task,  # pydantic checks it
        dataset=benchmark.dataset_key or "",
        metric=benchmark.metric,
        title=benchmark.title,
        entrants=tuple(entrants),
    )
    key = f"reveal:{benchmark.id}"
    await ctx.post(ctx.place, "reveal.md.j2", _values(benchmark, None), key=key, pending=True)
    await ctx.ask(errand, key=key, urgent=True)
    await audit.record(ctx, "leaderboard.reveal", subject=benchmark.label)


def _values(benchmark: Benchmark, revealed: Revealed | None, failed: str = "") -> dict[str, object]:
    metric = facts_of(benchmark.metric)
    return {"benchmark": benchmark, "revealed": revealed, "failed": failed, "metric": metric}


def values_of(benchmark: Benchmark) -> dict[str, object]:
    """What a revealed benchmark shows."""
    revealed = Revealed.model_validate(benchmark.reveal) if benchmark.reveal else None
    return _values(benchmark, revealed)


def is_overfitted(revealed: Revealed) -> bool:
    """Whether entries are better on the board than on the shadow by more than chance, or worse."""
    return revealed.median_low > 0 or revealed.median_high < 0


@answers.to("reveal")
async def take(work: Work, benchmark_id: str, answered: Answered) -> None:
    benchmark = await work.session.get(Benchmark, int(benchmark_id), with_for_update=True)
    place = await outbox.place_of(work.session, answered.key)
    if benchmark is None or place is None:
        return
    revealed = answered.answer
    if not isinstance(revealed, Revealed):
        why = answered.failure.problem if answered.failure else "The desk did not answer."
        values = _values(benchmark, None, failed=why)
        await work.post(place, "reveal.md.j2", values, key=answered.key, failed=True)
        return
    benchmark.revealed_at, benchmark.reveal = work.now, revealed.model_dump(mode="json")
    await work.session.flush()
    await work.post(place, "reveal.md.j2", _values(benchmark, revealed), key=answered.key)
    if is_overfitted(revealed):
        await work.post_for(
            "moderators",
            "overfitted.md.j2",
            _values(benchmark, revealed),
            community_id=benchmark.community_id,
            key=f"{answered.key}:warning",
        )
