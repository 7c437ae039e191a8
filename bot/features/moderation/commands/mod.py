from typing import Annotated

from bot.community import audit
from bot.community.members import suggest_members
from bot.features.moderation.declaration import feature
from bot.kit.command import Arg, Person, Reply, Role
from bot.kit.work import Context

_MOST = 50


@feature.command(
    "mod audit", "What moderators, admins and the bot did", who=Role.MODERATOR, private=True
)
async def audit_(
    ctx: Context,
    limit: Annotated[int, Arg("How many entries, newest first; at most 50")] = 20,
    member: Annotated[
        Person | None, Arg("Only what they did, or what was done to them", complete=suggest_members)
    ] = None,
) -> Reply:
    entries = await audit.newest(
        ctx.session,
        ctx.community.id,
        limit=max(1, min(limit, _MOST)),
        member_id=member.id if member else None,
    )
    return Reply(
        "audit.md.j2",
        {
            "entries": entries,
            "subjects": await audit.names_of(ctx.session, [entry for entry, _ in entries]),
            "zone": ctx.member.timezone,
            "member": member,
        },
    )
