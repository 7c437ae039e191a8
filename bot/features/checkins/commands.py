from datetime import date
from typing import Annotated

from bot.community.facts import CheckInRecorded
from bot.features.checkins import reminders, service
from bot.features.checkins.declaration import feature
from bot.features.checkins.models import LONGEST
from bot.features.checkins.moments import DAYS
from bot.kit.command import Arg, Choice, Refusal, Reply
from bot.kit.work import Context

_LAST_HOUR = 23


@feature.command("checkin now", "Say how your week went", private=True, shortcut="Check in")
async def now(
    ctx: Context,
    done: Annotated[str, Arg("What you finished this week", max_length=LONGEST, long=True)],
    next: Annotated[str, Arg("What comes next", max_length=LONGEST, long=True)],
    blocked: Annotated[
        str, Arg("What holds you up, if anything does", max_length=LONGEST, long=True)
    ] = "",
) -> Reply:
    recorded = await service.record(
        ctx.session, ctx.member, done=done, next=next, blocked=blocked, now=ctx.now
    )
    checkin = recorded.checkin
    place = await ctx.post_for(
        "checkins",
        "public.md.j2",
        {"member": ctx.member, "checkin": checkin},
        community_id=ctx.community.id,
        key=f"checkin:{checkin.id}",
    )
    if not recorded.replaced:
        await ctx.announce(CheckInRecorded(ctx.member.id, checkin.week, recorded.streak))
    return Reply("saved.md.j2", {"recorded": recorded, "checkin": checkin, "public": place})


@feature.command("checkin history", "What you said in the last twelve weeks", private=True)
async def history(ctx: Context) -> Reply:
    weeks = await service.history(ctx.session, ctx.member, ctx.now)
    return Reply("history.md.j2", {"weeks": weeks})


@feature.section("My check-in", order=10)
@feature.command("checkin streak", "How many weeks you have kept going", private=True)
async def streak(ctx: Context) -> Reply:
    standing = await service.standing(ctx.session, ctx.member, ctx.now)
    return Reply("streak.md.j2", {"standing": standing, "today": _today(ctx)})


@feature.command("checkin pause", "Be away: no reminders, and your streak waits", private=True)
async def pause(
    ctx: Context,
    until: Annotated[date, Arg("The day you are back, such as 2026-12-14")],
) -> Reply:
    paused = await service.pause(ctx.session, ctx.member, until=until, now=ctx.now)
    standing = await service.standing(ctx.session, ctx.member, ctx.now)
    return Reply(
        "paused.md.j2" if paused else "back.md.j2", {"standing": standing, "today": _today(ctx)}
    )


@feature.command("profile reminders", "When you are reminded to check in, or never", private=True)
async def reminders_(
    ctx: Context,
    day: Annotated[
        str | None, Arg("Day of the week", choices=tuple(Choice(d, d.capitalize()) for d in DAYS))
    ] = None,
    hour: Annotated[int | None, Arg("Hour of that day in your zone, 0 to 23")] = None,
    on: Annotated[bool | None, Arg("Whether to remind you: yes or no")] = None,
) -> Reply:
    if hour is not None and not 0 <= hour <= _LAST_HOUR:
        raise Refusal(
            "There is no such hour.",
            code="E_ARGUMENT",
            expected="a whole hour from 0 to 23",
            got=str(hour),
            fix="For five in the afternoon, type 17.",
            field="hour",
        )
    changed = (day, hour, on) != (None, None, None)
    if changed:
        await reminders.choose(
            ctx.session,
            ctx.member,
            day=DAYS.index(day) if day else None,
            hour=hour,
            # Who chooses a time wants to hear at that time.
            enabled=True if on is None else on,
            now=ctx.now,
        )
    chosen = await reminders.chosen(ctx.session, ctx.community.id, ctx.member)
    standing = await service.standing(ctx.session, ctx.member, ctx.now)
    return Reply(
        "reminders.md.j2",
        {
            "chosen": chosen,
            "changed": changed,
            "following": await reminders.following(ctx.session, ctx.member, chosen.slot, ctx.now),
            "back": standing.back,
        },
    )


def _today(ctx: Context) -> date:
    return service.today(ctx.member, ctx.now)
