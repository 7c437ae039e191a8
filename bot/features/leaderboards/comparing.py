"""Two submissions on the same images, with what their members set differently."""

from bot.community.models import Member
from bot.features.leaderboards import answers, boards, configs, ladder, wishes
from bot.features.leaderboards.metrics import facts_of
from bot.features.leaderboards.models import Benchmark, State, Submission
from bot.kit import outbox
from bot.kit.command import Choice, Refusal
from bot.kit.errands import Answered
from bot.kit.work import Context, Work
from runner.errands import CompareErrand, Entrant


async def comparable(ctx: Context, id: str, field: str) -> Submission:
    """A submission that this member may compare: one on a board, or one of theirs.

    Raises:
        Refusal: There is none, it is neither, or nothing was kept of its images.
    """
    found = await ctx.session.get(Submission, id.strip().lower())
    theirs = found is not None and found.member_id == ctx.member.id
    shown = found is not None and found.state == State.SCORED and bool(found.counts)
    if found is None or not (theirs or shown):
        raise Refusal(
            f"There is no submission {id[:20]} that you could compare.",
            code="E_SUBMISSION",
            expected="the id of an entry on a board, or of one of yours",
            got=id[:20],
            fix="Choose from the list while you type; /leaderboard show csv:yes has all ids.",
            field=field,
        )
    if ladder.statistics_of(found, "dev") is None:
        raise Refusal(
            f"Nothing is kept of submission {found.id} to compare.",
            code="E_STATE",
            expected="a submission that was scored on a dev split",
            got=str(found.state),
            field=field,
        )
    return found


async def ask(ctx: Context, one: Submission, other: Submission) -> None:
    """Have both compared on dev, image by image; the answer comes into this channel."""
    benchmark = await ctx.session.get_one(Benchmark, one.benchmark_id)
    second = await ctx.session.get_one(Benchmark, other.benchmark_id)
    if (benchmark.dataset_key, benchmark.metric) != (second.dataset_key, second.metric):
        raise Refusal(
            "Those two were not scored on the same images.",
            code="E_STATE",
            expected="two submissions to one benchmark version",
            got=f"{benchmark.label} and {second.label}",
            field="b",
        )
    entrants = [await _entrant(ctx, s) for s in (one, other)]
    errand = CompareErrand(
        task=benchmark.task,  # pydantic checks it
        dataset=benchmark.dataset_key or "",
        metric=benchmark.metric,
        split="dev",
        one=entrants[0],
        other=entrants[1],
        configs=(one.config, other.config),
    )
    key = await wishes.ask(ctx, errand, key=f"compare:{benchmark.id}")
    values = _values(benchmark, errand, Answered(key, ctx.feature, errand))
    await ctx.post(ctx.place, "compared.md.j2", values, key=key, pending=True)


async def _entrant(ctx: Context, submission: Submission) -> Entrant:
    kept = ladder.statistics_of(submission, "dev")
    assert kept is not None, "looked at by comparable()"
    member = await ctx.session.get(Member, submission.member_id) if submission.member_id else None
    name = member.name if member else f"baseline {submission.baseline}"
    return Entrant(
        submission=submission.id, name=f"{name} ({submission.id})", statistics=kept.sha256
    )


def _values(benchmark: Benchmark, errand: CompareErrand, answered: Answered) -> dict[str, object]:
    return {
        "benchmark": benchmark,
        "metric": facts_of(errand.metric),
        "errand": errand,
        "made": answered.answer,
        "failure": answered.failure,
        "settings": configs.side_by_side(*errand.configs),
    }


@answers.to("compare")
async def take(work: Work, rest: str, answered: Answered) -> None:
    place = await outbox.place_of(work.session, answered.key)
    benchmark = await work.session.get(Benchmark, int(rest.partition(":")[0]))
    if place is None or benchmark is None or answered.errand is None:
        return
    values = _values(benchmark, answered.errand, answered)
    failed = answered.failure is not None
    await work.post(place, "compared.md.j2", values, key=answered.key, failed=failed)


async def suggest_entries(ctx: Context, text: str) -> list[Choice]:
    """Entries of all boards and own ones, by id or name."""
    found = {
        s.id: f"{s.id} · yours · {b.name}"
        for s, b in await boards.recent(ctx.session, ctx.member.id)
    }
    for benchmark in await boards.open_ones(ctx.session, ctx.community.id):
        for placed in (await boards.board(ctx.session, benchmark)).placed:
            e = placed.entry
            found.setdefault(e.submission, f"{e.submission} · {e.who} · {benchmark.label}")
    return [
        Choice(id_, label[:100]) for id_, label in found.items() if text.lower() in label.lower()
    ]
