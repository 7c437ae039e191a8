"""From nothing to a community that works: one form, and a list of what is still lacking."""

from typing import Annotated
from zoneinfo import ZoneInfo

from bot.community import audit, spaces, zones
from bot.community.channels import PURPOSES
from bot.community.models import Community
from bot.features.moderation import channels, choosing, roles
from bot.features.moderation.declaration import feature
from bot.kit.command import Arg, Channel, Reply, Role
from bot.kit.render import clean
from bot.kit.schedule import ScheduleChanged
from bot.kit.work import Context

#: what is missing where a purpose has no channel
_LACKING = {
    "announcements": "nobody hears what everybody should",
    "papers": "sessions and votes have no place",
    "checkins": "check-ins are seen by nobody else",
    "leaderboards": "results are told to their owners alone",
    "moderators": "nobody is told when something goes wrong",
    "general": "what cannot be said in its own channel is said to moderators alone",
}


async def name_now(ctx: Context) -> str:
    return str(ctx.community.name)


async def zone_now(ctx: Context) -> str:
    return str(ctx.community.timezone)


@feature.command(
    "admin setup", "Name, time zone and channels of the community", who=Role.ADMIN, private=True
)
async def setup(
    ctx: Context,
    name: Annotated[str, Arg("What the community is called", max_length=80, now=name_now)],
    zone: Annotated[
        str,
        Arg("Its time zone: a large city", max_length=60, complete=zones.suggest, now=zone_now),
    ],
    moderators: Annotated[
        Channel | None, Arg("Where moderators are told what to look at; empty: as it is")
    ] = None,
    results: Annotated[
        Channel | None, Arg("Where scored models are shown; empty: as it is")
    ] = None,
    checkins: Annotated[Channel | None, Arg("Where check-ins are shown; empty: as it is")] = None,
    papers: Annotated[Channel | None, Arg("Where papers are read; empty: as it is")] = None,
    announcements: Annotated[
        Channel | None, Arg("Where everybody is told things; empty: as it is")
    ] = None,
    general: Annotated[
        Channel | None, Arg("Where goes what has no channel of its own; empty: as it is")
    ] = None,
) -> Reply:
    community = await ctx.session.get_one(Community, ctx.community.id)
    before = (community.name, community.timezone)
    community.timezone = zones.meant(zone)
    community.name = " ".join(clean(name).split())[:80] or community.name
    if before != (community.name, community.timezone):
        told = f"{community.name}, {community.timezone}"
        await audit.record(ctx, "community.set", subject="community", reason=told)
    if before[1] != community.timezone:  # what happens by itself does so by the new clock
        for schedule in ctx.services.schedules:
            await ctx.announce(ScheduleChanged(schedule))
    chosen = {"moderators": moderators, "leaderboards": results, "checkins": checkins}
    fields = {"leaderboards": "results"}
    chosen |= {"papers": papers, "announcements": announcements, "general": general}
    for purpose, channel in chosen.items():
        if channel is not None:
            await choosing.choose(ctx, purpose, channel, field=fields.get(purpose, purpose))
    return await checklist(ctx)


@feature.command(
    "admin config", "How the community is set up, and what is lacking", who=Role.ADMIN, private=True
)
async def config(ctx: Context) -> Reply:
    return await checklist(ctx)


async def checklist(ctx: Context) -> Reply:
    community = await ctx.session.get_one(Community, ctx.community.id)
    chosen = await channels.chosen(ctx.session, community.id)
    known = await spaces.all_of(ctx.session, community.id)
    return Reply(
        "config.md.j2",
        {
            "community": community,
            "local": ctx.now.astimezone(ZoneInfo(community.timezone)),
            "channels": [(p.label, chosen[p.value], _LACKING[p.value]) for p in PURPOSES],
            "lacking": sum(place is None for place in chosen.values()),
            "holders": len(await roles.holders(ctx.session, community.id, now=ctx.now)),
            "admitted": sum(s.admitted_at is not None for s in known),
            "waiting": sum(s.admitted_at is None for s in known),
        },
    )
