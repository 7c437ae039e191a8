from typing import Annotated

from bot.community import audit
from bot.community.channels import PURPOSES
from bot.community.facts import JobLines
from bot.features.moderation import channels, choosing, jobs, runners, schedules
from bot.features.moderation.declaration import feature
from bot.features.moderation.lacking import lacking
from bot.kit.command import Arg, Channel, Choice, Refusal, Reply, Role
from bot.kit.schedule import ScheduleChanged
from bot.kit.work import Context

_ACTIONS = (
    Choice("pause", "Pause it"),
    Choice("resume", "Resume it"),
    Choice("set", "Set another time"),
)


async def suggest_schedules(ctx: Context, text: str) -> list[Choice]:
    known = ctx.services.schedules.values()
    return [Choice(s.name, f"{s.name}: {s.help}"[:100]) for s in known if text.lower() in s.name]


@feature.command(
    "admin channels", "Which channel takes what, and which shall", who=Role.ADMIN, private=True
)
async def channels_(
    ctx: Context,
    purpose: Annotated[str | None, Arg("What it takes", choices=PURPOSES)] = None,
    channel: Annotated[
        Channel | None, Arg("The channel, such as #general; off for none", max_length=100)
    ] = None,
) -> Reply:
    if purpose is None and channel is None:
        chosen = await channels.chosen(ctx.session, ctx.community.id)
        return Reply("channels.md.j2", {"purposes": PURPOSES, "chosen": chosen})
    if purpose is None or channel is None:
        missing = "channel" if channel is None else "purpose"
        raise lacking(missing, "/admin channels purpose:checkins channel:#general")
    off = channel.id.lower() == channels.OFF
    place = await choosing.choose(ctx, purpose, None if off else channel, field="channel")
    chosen_for = next(p for p in PURPOSES if p.value == purpose)
    return Reply("channel.md.j2", {"purpose": chosen_for, "place": place})


@feature.command(
    "admin schedule", "What happens by itself and when; pause or move it", who=Role.ADMIN,
    private=True,
)  # fmt: skip
async def schedule_(
    ctx: Context,
    name: Annotated[
        str | None, Arg("Which one", max_length=100, complete=suggest_schedules)
    ] = None,
    action: Annotated[str | None, Arg("What to do with it", choices=_ACTIONS)] = None,
    cron: Annotated[
        str | None, Arg("The new time: minute hour day month weekday, such as 0 9 * * mon")
    ] = None,
) -> Reply:
    zone = await ctx.services.people.zone(ctx.session)
    if name is not None and name not in ctx.services.schedules:
        raise Refusal(
            f"Nothing here is called {name}.",
            code="E_SCHEDULE",
            expected=", ".join(sorted(ctx.services.schedules)),
            got=name,
            field="name",
        )
    if action is not None:
        if name is None:
            raise lacking("name", "/admin schedule name:digest.send action:pause")
        await _change(ctx, name, action, cron, zone)
    shown = {name: ctx.services.schedules[name]} if name else ctx.services.schedules
    planned = await schedules.planned(ctx.session, shown, zone=zone, now=ctx.now)
    values = {"planned": planned, "reader": ctx.member.timezone, "action": action}
    return Reply("schedule.md.j2" if name else "schedules.md.j2", values)


async def _change(ctx: Context, name: str, action: str, cron: str | None, zone: str) -> None:
    schedule = ctx.services.schedules[name]
    if action == "set":
        if cron is None:
            raise lacking("cron", f"/admin schedule name:{name} action:set cron:0 9 * * mon")
        await schedules.move(ctx.session, schedule, cron, zone=zone, now=ctx.now)
    elif action == "pause":
        await schedules.pause(ctx.session, schedule, now=ctx.now)
    else:
        await schedules.resume(ctx.session, schedule, now=ctx.now)
    await audit.record(ctx, f"schedule.{action}", subject=name, reason=cron or "")
    await ctx.announce(ScheduleChanged(name))


@feature.command(
    "admin jobs", "What waits, what runs and what got stuck", who=Role.ADMIN, private=True
)
async def jobs_(ctx: Context) -> Reply:
    said = JobLines()
    await ctx.announce(said)
    return Reply(
        "jobs.md.j2",
        {
            "lines": said.lines,
            "outbox": await jobs.outbox(ctx.session),
            "runners": await runners.seen(ctx),
            "zone": ctx.member.timezone,
        },
    )


@feature.command("admin runners", "Who scores models, and how safely", who=Role.ADMIN, private=True)
async def runners_(ctx: Context) -> Reply:
    shown, waiting = await runners.shown(ctx)
    values = {"runners": shown, "waiting": waiting, "own": ctx.services.engine.trusted}
    return Reply("runners.md.j2", values | {"now": ctx.now, "zone": ctx.member.timezone})
