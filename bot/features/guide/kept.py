"""What was for a member alone and could be said to them nowhere: at home, it waits for them."""

from bot.community.stranded import kept_for
from bot.features.guide.declaration import feature
from bot.kit.command import Reply
from bot.kit.message import Buttons
from bot.kit.render import Safe
from bot.kit.work import Context


@feature.section("What did not reach you", order=90)
async def kept(ctx: Context) -> Reply | None:
    messages = await kept_for(ctx.session, ctx.member.id, now=ctx.now)
    said = [
        m.model_copy(update={"blocks": tuple(b for b in m.blocks if not isinstance(b, Buttons))})
        for m in messages
    ]
    return Reply("kept.md.j2", {"said": [Safe(m.plain()) for m in said]}) if said else None
