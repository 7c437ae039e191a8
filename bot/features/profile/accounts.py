"""What members type to join their accounts, and to part them."""

from typing import Annotated

from bot.community.models import Account, Member
from bot.features.profile import linking, service
from bot.features.profile.declaration import feature
from bot.kit.command import Arg, Choice, Reply
from bot.kit.work import Context


@feature.command(
    "profile link", "Join your accounts on Discord, Slack and here into one", private=True
)
async def link(
    ctx: Context,
    code: Annotated[
        str | None, Arg("The code that your other account was shown", max_length=20)
    ] = None,
    sure: Annotated[bool, Arg("yes: join them")] = False,
) -> Reply:
    if code is None:
        values = {"code": await linking.open_code(ctx), "platform": ctx.account.platform}
        return Reply("link.md.j2", values | {"minutes": linking.LASTS.seconds // 60})
    found = await linking.of_code(ctx, code)
    if not sure:
        other = await ctx.session.get_one(Member, found.member_id)
        theirs = await service.accounts_of(ctx.session, other.id)
        own = await service.accounts_of(ctx.session, ctx.member.id)
        sides = [(ctx.member.name, own), (other.name, theirs)]
        return Reply("link_ask.md.j2", {"sides": sides, "code": code})
    kept = await linking.join(ctx, found)
    accounts = await service.accounts_of(ctx.session, kept.id)
    # Each account is told, so that nobody is joined by a trick without knowing.
    for place in await ctx.services.people.ways(ctx.session, kept.id):
        key = f"joined:{kept.id}:{place.platform}:{place.private_to}:{ctx.now.isoformat()}"
        await ctx.post(place, "joined.md.j2", {"accounts": accounts}, key=key)
    return Reply("linked.md.j2", {"name": kept.name, "accounts": accounts})


async def suggest_accounts(ctx: Context, text: str) -> list[Choice]:
    own = [_key(a) for a in await service.accounts_of(ctx.session, ctx.member.id)]
    return [Choice(key, key) for key in own if text.lower() in key.lower()]


@feature.command("profile unlink", "Part an account from the others", private=True)
async def unlink(
    ctx: Context,
    account: Annotated[
        str, Arg("Which one shall be on its own", max_length=100, complete=suggest_accounts)
    ],
    sure: Annotated[bool, Arg("yes: part it")] = False,
) -> Reply:
    meant = await linking.own_account(ctx, account)
    if sure:
        for place in await ctx.services.people.ways(ctx.session, ctx.member.id):
            key = f"parted:{meant.id}:{place.platform}:{place.private_to}:{ctx.now.isoformat()}"
            await ctx.post(place, "parted.md.j2", {"account": meant}, key=key)
        await linking.part(ctx, meant)
    return Reply("unlink.md.j2", {"account": meant, "key": _key(meant), "sure": sure})


def _key(account: Account) -> str:
    return f"{account.platform}/{account.handle}"
