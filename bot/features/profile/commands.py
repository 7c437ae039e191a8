from typing import Annotated
from zoneinfo import ZoneInfo

from bot.community import zones
from bot.community.members import suggest_members
from bot.community.models import Member
from bot.community.speakers import role_of
from bot.features.profile import service
from bot.features.profile.declaration import feature
from bot.kit.command import Arg, Person, Reply
from bot.kit.work import Context


async def own_name(ctx: Context) -> str:
    return str(ctx.member.name)


@feature.command(
    "profile show", "What is known of you here, or of somebody", private=True, menu="Show profile"
)
async def show(
    ctx: Context,
    member: Annotated[
        Person | None, Arg("Of whom; empty: of you", complete=suggest_members)
    ] = None,
) -> Reply:
    if member is not None and member.id != ctx.member.id:
        return await _of_another(ctx, member)
    return Reply(
        "show.md.j2",
        {
            "member": ctx.member,
            "joined": ctx.member.row.joined_at,
            "own_zone": ctx.member.row.timezone is not None,
            "role": ctx.role.name.lower(),
            "local": ctx.now.astimezone(ZoneInfo(ctx.member.timezone)),
            "accounts": await service.accounts_of(ctx.session, ctx.member.id),
        },
    )


async def _of_another(ctx: Context, member: Person) -> Reply:
    row = await ctx.session.get_one(Member, member.id)
    role = await role_of(ctx.session, member.id, now=ctx.now)
    shown = {
        "member": row,
        "role": role.name.lower(),
        "reader": ctx.member.timezone,
        "local": ctx.now.astimezone(ZoneInfo(member.timezone)),
        "zone": member.timezone,
        "accounts": await service.accounts_of(ctx.session, member.id) if row.open else (),
    }
    return Reply("somebody.md.j2", shown)


@feature.command("profile timezone", "Say where you are, so that times are yours", private=True)
async def timezone(
    ctx: Context,
    zone: Annotated[
        str, Arg("A large city near you, such as Berlin", max_length=60, complete=zones.suggest)
    ],
) -> Reply:
    kept = await service.set_zone(ctx.session, ctx.member, zone)
    return Reply("timezone.md.j2", {"zone": kept, "local": ctx.now.astimezone(ZoneInfo(kept))})


@feature.command("profile edit", "Change the name that others see", private=True)
async def edit(
    ctx: Context, name: Annotated[str, Arg("What others call you", max_length=80, now=own_name)]
) -> Reply:
    kept = await service.rename(ctx.session, ctx.member, ctx.community.id, name)
    return Reply("renamed.md.j2", {"name": kept})


@feature.command("profile public", "Whether your name may stand on public web pages", private=True)
async def public(
    ctx: Context, on: Annotated[bool, Arg("yes: named on boards on the web; no: 'a member'")]
) -> Reply:
    row = await ctx.session.get_one(Member, ctx.member.id)
    row.public = on
    return Reply("public.md.j2", {"on": on, "name": row.name})


@feature.command(
    "profile open", "Whether members here see your time zone and your accounts", private=True
)
async def open_(
    ctx: Context, on: Annotated[bool, Arg("yes: they see them; no: your name and role alone")]
) -> Reply:
    row = await ctx.session.get_one(Member, ctx.member.id)
    row.open = on
    return Reply("open.md.j2", {"on": on})
