"""Keeps the places of every board computed: ties by significance, and the Pareto front."""

from datetime import timedelta

import structlog
from sqlalchemy import select

from bot.features.leaderboards import answers, boards, ladder, live
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.metrics import facts_of
from bot.features.leaderboards.models import Benchmark, Board, Submission
from bot.features.leaderboards.ranking import Entry, basis_of, best_of_each
from bot.kit.errands import Answered
from bot.kit.work import Work
from runner.errands import Entrant, RankErrand, Ranking

_log = structlog.get_logger(__name__)


async def refresh(work: Work, benchmark: Benchmark) -> None:
    """Have the places computed anew if another set of entries is on the board by now."""
    if benchmark.metric_version != facts_of(benchmark.metric).version:
        return  # places and intervals stay those of the version that it was ranked by
    best = best_of_each(await boards.entries(work.session, benchmark))
    row = await work.session.get(Board, benchmark.id)
    if row is not None and row.basis == basis_of(e.submission for e in best):
        return
    entrants = await _entrants(work, best)
    if not best:
        if row is not None:
            await work.session.delete(row)
    elif len(entrants) == len(best):  # else some were scored before anything was kept of images
        errand = RankErrand(
            task=benchmark.task,  # pydantic checks it
            dataset=benchmark.dataset_key or "",
            metric=benchmark.metric,
            entrants=tuple(entrants),
        )
        await work.ask(errand, key=f"board:{benchmark.id}", urgent=True)


async def _entrants(work: Work, best: list[Entry]) -> list[Entrant]:
    entrants = []
    for entry in sorted(best, key=lambda e: e.submission):
        row = await work.session.get_one(Submission, entry.submission)
        if kept := ladder.statistics_of(row):
            entrants.append(
                Entrant(
                    submission=entry.submission,
                    name=entry.who,
                    statistics=kept.sha256,
                    quality=entry.value,
                    cost=entry.p50_ms,
                )
            )
    return entrants


@answers.to("board")
async def take(work: Work, benchmark_id: str, answered: Answered) -> None:
    """Keep the places, and tell those who did not have one yet."""
    benchmark = await work.session.get(Benchmark, int(benchmark_id))
    if benchmark is None or not isinstance(answered.answer, Ranking):
        return  # the board shows the last places, and that newer entries wait
    ranking = answered.answer
    if ranking.left_out:
        _log.warning("board.left_out", benchmark=benchmark.id, submissions=ranking.left_out)
    row = await work.session.get(Board, benchmark.id, with_for_update=True)
    known = {r["submission"] for r in row.ranking["ranked"]} if row else set()
    if row is None:
        row = Board(benchmark_id=benchmark.id)
        work.session.add(row)
    row.basis = basis_of(e.submission for e in answered.errand.entrants)
    row.ranking, row.computed_at = ranking.model_dump(mode="json"), work.now
    await work.session.flush()
    for ranked in ranking.ranked:
        if ranked.submission not in known:
            submission = await work.session.get(Submission, ranked.submission)
            if submission is not None and submission.counts:
                await live.show(work, submission)
                if submission.member_id is not None:
                    await live.tell_best(work, submission)


@feature.schedule(
    "rank", "Compute places that a failure left out of date", every=timedelta(minutes=10)
)
async def look_after(work: Work) -> None:
    for benchmark in (await work.session.scalars(select(Benchmark))).all():
        if benchmark.dataset_key is not None:
            await refresh(work, benchmark)
