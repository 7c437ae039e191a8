from importlib.metadata import version
from typing import Annotated

from bot.features.guide.declaration import feature
from bot.kit.command import Arg, Choice, Refusal, Reply
from bot.kit.work import Context


async def groups(ctx: Context, text: str) -> list[Choice]:
    names = sorted({c.group for c in ctx.services.commands.values()})
    return [Choice(name, f"/{name}") for name in names if text.lower() in name]


@feature.command("bookwiz help", "What you can type, and what it does", private=True)
async def help_(
    ctx: Context,
    topic: Annotated[str | None, Arg("A group of commands, such as model", complete=groups)] = None,
) -> Reply:
    commands = [c for c in ctx.services.commands.values() if ctx.role >= c.who]
    if topic is None:
        first = {c.group: c.feature.groups.get(c.group, c.feature.help) for c in commands}
        return Reply(
            "groups.md.j2",
            {"groups": [(g, h, [c for c in commands if c.group == g]) for g, h in first.items()]},
        )
    topic = (topic.removeprefix("/").split() or [""])[0]
    shown = [c for c in commands if c.group == topic]
    if not shown:
        raise Refusal(
            f"There is no group /{topic}.",
            code="E_COMMAND",
            expected=", ".join(sorted({c.group for c in commands})),
            fix="Type /bookwiz help for all of them.",
        )
    return Reply("group.md.j2", {"group": topic, "commands": shown})


@feature.command(
    "bookwiz ping", "Whether the bot is well: version, runners, what waits", private=True
)
async def ping(ctx: Context) -> Reply:
    try:
        runners = await ctx.services.engine.runners()
    except ConnectionError:
        runners = None
    return Reply(
        "ping.md.j2",
        {
            "version": version("bookwiz"),
            "runners": runners,
            "now": ctx.now,
            "zone": ctx.member.timezone,
        },
    )


@feature.command("bookwiz start", "Your first 15 minutes here", private=True)
async def start(ctx: Context) -> Reply:
    return Reply("start.md.j2", {"name": ctx.member.name, "zone": ctx.member.timezone})
