from typing import Annotated

from bot.features.leaderboards import benchmarks, boards
from bot.features.leaderboards.benchmarks import METRICS
from bot.features.leaderboards.commands.benchmark import Name
from bot.features.leaderboards.declaration import feature
from bot.kit.command import Arg, Reply
from bot.kit.work import Context

PAGE = 15


@feature.command("leaderboard list", "The boards, and who leads them")
async def list_(ctx: Context) -> Reply:
    rows = [
        (item, (await boards.board(ctx.session, item.benchmark))[:1])
        for item in await benchmarks.listed(ctx.session, ctx.community.id)
        if item.manifest
    ]
    return Reply("boards.md.j2", {"rows": rows, "metrics": METRICS})


@feature.command("leaderboard show", "The ranking on a benchmark, with intervals")
async def show(ctx: Context, benchmark: Name, page: Annotated[int, Arg("Which page")] = 1) -> Reply:
    found, manifest = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    placed = await boards.board(ctx.session, found)
    pages = max(1, -(-len(placed) // PAGE))
    page = max(1, min(page, pages))
    images = next((s.images for s in manifest.splits if s.split == "board"), 0)
    return Reply(
        "leaderboard.md.j2",
        {
            "benchmark": found,
            "placed": placed[(page - 1) * PAGE : page * PAGE],
            "page": page,
            "pages": pages,
            "metric": METRICS[found.metric],
            "images": images,
            "me": ctx.member.id,
        },
    )
