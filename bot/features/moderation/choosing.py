"""Gives a channel to what it shall take, and says so there."""

from bot.community import audit
from bot.community.channels import PURPOSES
from bot.features.moderation import channels
from bot.kit.command import Channel, Refusal
from bot.kit.message import Place
from bot.kit.work import Context


async def choose(
    ctx: Context, purpose: str, channel: Channel | None, *, field: str
) -> Place | None:
    """Let *channel* take *purpose* from now on; None: nothing is posted any more.

    Raises:
        Refusal: The platform knows no such channel, or hides it from the bot.
    """
    place = None
    if channel is not None:
        place = Place(platform=ctx.place.platform, channel=channel.id)
        if await ctx.services.sees(place) is False:
            raise Refusal(
                "The bot sees no such channel.",
                code="E_CHANNEL",
                expected="a channel that the bot may read and write in",
                got=f"#{channel.name or channel.id}",
                fix="Choose another, or let the bot into that one.",
                field=field,
            )
    await channels.choose(ctx.session, ctx.community.id, purpose, place)
    told = f"{place.platform} {place.channel}" if place else channels.OFF
    await audit.record(ctx, "channel.set", subject=purpose, reason=told)
    if place is not None:  # whether we may write there is best found out now
        values = {"purpose": next(p for p in PURPOSES if p.value == purpose), "place": place}
        key = f"channel:{purpose}:{ctx.now.isoformat()}"
        await ctx.post(place, "channel_first.md.j2", values, key=key)
    return place
