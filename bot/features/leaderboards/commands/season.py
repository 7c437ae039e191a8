"""What moderators and admins do with boards."""

from typing import Annotated

from bot.community import audit
from bot.features.leaderboards import benchmarks, season, turns, versions
from bot.features.leaderboards.commands.benchmark import Name
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.metrics import CHOICES, facts_of
from bot.kit.command import Arg, Choice, Refusal, Reply, Role
from bot.kit.work import Context

_ACTIONS = (
    Choice("count", "Count only: what would be scored again"),
    Choice("start", "Start"),
    Choice("pause", "Pause"),
    Choice("resume", "Go on"),
)


@feature.command(
    "leaderboard create",
    "A new version of a benchmark: another dataset or metric",
    who=Role.MODERATOR,
)
async def create(
    ctx: Context,
    benchmark: Name,
    dataset: Annotated[
        str, Arg("Dataset version; empty: the same", complete=benchmarks.suggest_datasets)
    ] = "",
    metric: Annotated[str, Arg("What ranks; empty: the same", choices=CHOICES)] = "",
    why: Annotated[str, Arg("Why it ranks; empty: as before", max_length=1000, long=True)] = "",
) -> Reply:
    old, _ = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    made = await versions.create(
        ctx.session, old, dataset=dataset or None, metric=metric or None, why=why, now=ctx.now
    )
    await audit.record(
        ctx, "leaderboard.create", subject=made.label, reason=f"on {made.dataset_key}"
    )
    entries = await versions.to_rescore(ctx.session, old, made)
    values = {"old": old, "benchmark": made, "entries": len(entries)}
    return Reply("version.md.j2", values | {"metric": facts_of(made.metric)})


@feature.command(
    "leaderboard freeze", "Take no more models, or take them again", who=Role.MODERATOR
)
async def freeze(
    ctx: Context,
    benchmark: Name,
    on: Annotated[bool, Arg("No: take models again")] = True,
    sure: Annotated[bool, Arg("Yes: freeze it without asking")] = False,
) -> Reply:
    found, _ = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    if not on and found.revealed_at is not None:
        raise Refusal(
            "This benchmark's shadow was revealed: it cannot take models again.",
            code="E_STATE",
            expected="a benchmark whose shadow nobody has seen",
            fix="Make a new version: /leaderboard create",
        )
    if on and not sure:
        return Reply("frozen.md.j2", {"benchmark": found, "asks": True}, private=True)
    found.frozen_at = ctx.now if on else None
    what = "leaderboard.freeze" if on else "leaderboard.thaw"
    await audit.record(ctx, what, subject=found.label)
    return Reply("frozen.md.j2", {"benchmark": found, "asks": False})


@feature.command(
    "leaderboard rescore",
    "Score the old version's entries on the new one, behind everybody else",
    who=Role.MODERATOR,
)
async def rescore(
    ctx: Context,
    benchmark: Name,
    action: Annotated[str, Arg("What to do", choices=_ACTIONS)] = "count",
) -> Reply:
    new, _ = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    old = await versions.before(ctx.session, new)
    started = 0
    if action in {"pause", "resume"}:
        new.paused = action == "pause"
    elif action == "start":
        new.paused = False
        await ctx.session.flush()
        started = await versions.rescore(ctx, old, new)
    if action != "count":
        await audit.record(ctx, f"leaderboard.rescore.{action}", subject=new.label)
    entries = await versions.to_rescore(ctx.session, old, new)
    values = {
        "old": old,
        "benchmark": new,
        "action": action,
        "started": started,
        "entries": len(entries),
        "seconds": len(entries) * await turns.usual_seconds(ctx.session, new.queue),
        "waiting": await versions.waiting(ctx.session, new),
    }
    return Reply("rescore.md.j2", values)


@feature.command("leaderboard reveal", "The season's end: show the shadow", who=Role.ADMIN)
async def reveal(
    ctx: Context,
    benchmark: Name,
    sure: Annotated[bool, Arg("Yes: show it to everybody, for ever")] = False,
) -> Reply:
    found, _ = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    if found.reveal is not None:
        return Reply("reveal.md.j2", season.values_of(found))
    entrants = await season.entrants_of(ctx, found)
    if sure:
        await season.ask(ctx, found)
    values = {"benchmark": found, "entrants": len(entrants), "sure": sure}
    return Reply("reveal_ask.md.j2", values, private=True)
