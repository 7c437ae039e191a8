"""Who may do what, and which servers and workspaces belong to the community."""

from typing import Annotated

from bot.community import audit, spaces
from bot.community.facts import SpaceKnocked
from bot.community.members import suggest_members, the_community
from bot.community.models import Space
from bot.community.speakers import role_of
from bot.features.moderation import roles
from bot.features.moderation.declaration import feature
from bot.features.moderation.lacking import lacking
from bot.kit.command import Arg, Choice, Person, Refusal, Reply, Role
from bot.kit.work import Context, Work

_ACTIONS = (Choice("admit", "Admit it"), Choice("refuse", "Keep it out"))


async def suggest_groups(ctx: Context, text: str) -> list[Choice]:
    known = await roles.groups(ctx.session, ctx.community.id)
    keys = [(f"{g.platform}/{g.group}", Role(g.role).name.lower()) for g in known]
    return [Choice(key, f"{key}: {role}") for key, role in keys if text.lower() in key.lower()]


@feature.command(
    "admin roles", "Who is lead, moderator or admin, and who shall be", who=Role.ADMIN, private=True
)
async def roles_(
    ctx: Context,
    member: Annotated[Person | None, Arg("Whose role", complete=suggest_members)] = None,
    role: Annotated[str | None, Arg("What they shall be", choices=roles.CHOICES)] = None,
    group: Annotated[
        str | None,
        Arg("Or all who bear a Discord role or are in a Slack group", complete=suggest_groups),
    ] = None,
) -> Reply:
    if member is None and role is None and group is None:
        holders = await roles.holders(ctx.session, ctx.community.id, now=ctx.now)
        groups = await roles.groups(ctx.session, ctx.community.id)
        shown = [(f"{g.platform}/{g.group}", Role(g.role).name.lower()) for g in groups]
        return Reply("roles.md.j2", {"holders": holders, "groups": shown})
    if role is None or (member is None and group is None):
        missing = "role" if role is None else "member"
        raise lacking(missing, "/admin roles member:@ada role:lead")
    if group is not None:
        return await _map(ctx, group, Role[role.upper()])
    assert member is not None
    given = Role[role.upper()]
    before = await roles.give(ctx.session, ctx.community.id, member, given, now=ctx.now)
    if before != given:
        change = f"{before.name.lower()} to {role}"
        await audit.record(ctx, "role.give", subject=audit.about(member.id), reason=change)
    stays = await role_of(ctx.session, member.id, now=ctx.now)
    values = {"member": member, "role": role, "before": before.name.lower()}
    return Reply("role.md.j2", values | {"more": stays.name.lower() if stays > given else ""})


async def _map(ctx: Context, typed: str, role: Role) -> Reply:
    platform, group = roles.group_of(typed, ctx.place.platform)
    before = await roles.map_group(ctx.session, ctx.community.id, platform, group, role)
    key = f"{platform}/{group}"
    if before != role:
        change = f"{before.name.lower()} to {role.name.lower()}"
        await audit.record(ctx, "role.map", subject=key, reason=change)
    return Reply("group.md.j2", {"group": key, "role": role.name.lower(), "platform": platform})


async def suggest_spaces(ctx: Context, text: str) -> list[Choice]:
    known = await spaces.all_of(ctx.session, ctx.community.id)
    named = [Choice(spaces.key(s), f"{s.name} on {s.platform}"[:100]) for s in known]
    return [c for c in named if text.lower() in f"{c.value} {c.label}".lower()]


@feature.command(
    "admin spaces", "Which servers and workspaces belong here", who=Role.ADMIN, private=True
)
async def spaces_(
    ctx: Context,
    space: Annotated[str | None, Arg("Which one", complete=suggest_spaces)] = None,
    action: Annotated[str | None, Arg("What to do with it", choices=_ACTIONS)] = None,
) -> Reply:
    if space is None and action is None:
        known = await spaces.all_of(ctx.session, ctx.community.id)
        here = f"{ctx.place.platform}/{ctx.account.standing.space}"
        values = {"spaces": [(s, spaces.key(s), spaces.word(s.platform)) for s in known]}
        return Reply("spaces.md.j2", values | {"here": here, "zone": ctx.member.timezone})
    if space is None or action is None:
        missing = "action" if space else "space"
        raise lacking(missing, "/admin spaces space:discord/4205 action:admit")
    meant = await spaces.find(ctx.session, ctx.community.id, space)
    if action == "admit":
        meant.admitted_at = meant.admitted_at or ctx.now
    else:
        _not_here(ctx, meant)
        meant.admitted_at = None
    await audit.record(ctx, f"space.{action}", subject=spaces.key(meant), reason=meant.name)
    word = spaces.word(meant.platform)
    return Reply("space.md.j2", {"space": meant, "key": spaces.key(meant), "word": word})


def _not_here(ctx: Context, space: Space) -> None:
    if (space.platform, space.space) == (ctx.place.platform, ctx.account.standing.space):
        raise Refusal(
            "That is where you are: nobody here could undo it.",
            code="E_SPACE",
            expected="another server or workspace",
            got=space.name,
            fix="Type it in another one, or in the bot's local chat.",
            field="space",
        )


@feature.on(SpaceKnocked)
async def knocked(work: Work, fact: SpaceKnocked) -> None:
    community = await the_community(work.session)
    key = f"{fact.platform}/{fact.space}"
    await work.post_for(
        "moderators",
        "knocked.md.j2",
        {"name": fact.name or key, "key": key, "word": spaces.word(fact.platform)},
        community_id=community.id,
        key=f"knocked:{key}",
    )
