"""What there is for a member now, of every feature: also Slack's home shows it."""

from dataclasses import replace

from bot.features.guide.declaration import feature
from bot.kit.command import Reply
from bot.kit.work import Context


@feature.command("bookwiz home", "What there is for you now", private=True)
async def home(ctx: Context) -> Reply:
    declared = [s for f in ctx.services.features.values() for s in f.home]
    sections = []
    for section in sorted(declared, key=lambda s: (s.order, s.heading)):
        reply = await section.run(replace(ctx, feature=section.feature.name))
        if reply is not None:
            template = f"{section.feature.name}/{reply.template}"
            words = ctx.services.renderer.part(template, reply.values)
            sections.append((section.heading, words))
    return Reply("home.md.j2", {"name": ctx.member.name, "sections": sections})
