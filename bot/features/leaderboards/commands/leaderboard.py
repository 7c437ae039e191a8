from typing import Annotated

from bot.features.leaderboards import benchmarks, boards, comparing
from bot.features.leaderboards.commands.benchmark import Name
from bot.features.leaderboards.comparing import suggest_entries
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.exporting import as_csv
from bot.features.leaderboards.metrics import facts_of
from bot.features.leaderboards.narrowing import Bounds
from bot.kit.command import Arg, Choice, Refusal, Reply
from bot.kit.work import Context

PAGE = 15
_SPLITS = (Choice("board", "Hidden images: these rank"), Choice("dev", "Public images"))
_VIEWS = (Choice("ranking", "Who is best"), Choice("deployment", "Best for its speed"))


@feature.command("leaderboard list", "The boards, and who leads them")
async def list_(ctx: Context) -> Reply:
    rows = [
        (item, await boards.board(ctx.session, item.benchmark))
        for item in await benchmarks.listed(ctx.session, ctx.community.id, older=True)
        if item.manifest
    ]
    return Reply("boards.md.j2", {"rows": rows, "facts_of": facts_of})


@feature.command("leaderboard show", "The ranking on a benchmark, with intervals")
async def show(
    ctx: Context,
    benchmark: Name,
    split: Annotated[str, Arg("On which images", choices=_SPLITS)] = "board",
    page: Annotated[int, Arg("Which page")] = 1,
    view: Annotated[str, Arg("What to look at", choices=_VIEWS)] = "ranking",
    latency: Annotated[float, Arg("Milliseconds one image may take: 33 is 30 FPS")] = 0,
    size: Annotated[float, Arg("Megabytes the model may have")] = 0,
    memory: Annotated[float, Arg("Megabytes of memory it may take while it runs")] = 0,
    csv: Annotated[bool, Arg("Give it as a file, too, with everybody's configuration")] = False,
) -> Reply:
    _refuse_no_bounds(latency=latency, size=size, memory=memory)
    found, manifest = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    standing = await boards.board(ctx.session, found)
    images = next((s.images for s in manifest.splits if s.split == split), 0)
    if split == "dev":
        _refuse_no_dev(images, view)
        standing = await boards.by_dev(ctx.session, found, standing)
    deployment = view == "deployment" and standing.tested
    bounds = Bounds(latency, size, memory)
    placed = [p for p in standing.placed if bounds.keep(p.entry) and (p.front or not deployment)]
    pages = max(1, -(-len(placed) // PAGE))
    page = max(1, min(page, pages))
    export = await as_csv(ctx.session, placed) if csv and placed else None
    return Reply(
        "leaderboard.md.j2",
        {
            "benchmark": found,
            "manifest": manifest,
            "standing": standing,
            "placed": placed[(page - 1) * PAGE : page * PAGE],
            "page": page,
            "pages": pages,
            "deployment": deployment,
            "narrowed": bounds.words,
            "metric": facts_of(found.metric),
            "split": split,
            "has_dev": any(s.split == "dev" for s in manifest.splits),
            "images": images,
            "me": ctx.member.id,
            "csv": await ctx.services.files.add(export) if export else None,
        },
    )


def _refuse_no_bounds(**most: float) -> None:
    """Raise a Refusal for what no entry can stay within."""
    for name, value in most.items():
        if value < 0:
            raise Refusal(
                f"Nothing has a {name} of at most {value:g}.",
                code="E_ARGUMENT",
                expected="a number above 0; 0 is no bound",
                got=f"{name}:{value:g}",
                field=name,
            )


def _refuse_no_dev(images: int, view: str) -> None:
    """Raise a Refusal where a board cannot be shown by dev: it has none, or something else is asked."""
    if images and view == "ranking":
        return
    raise Refusal(
        "The choices for deployment are made on the board."
        if images
        else "This benchmark has no dev images.",
        code="E_ARGUMENT",
        expected="split:dev without view:deployment" if images else "split:board",
        got=f"split:dev view:{view}",
        fix="Leave split out, to see who is best on the hidden images.",
        field="split",
    )


@feature.command(
    "leaderboard compare", "Two submissions image by image, and what was set differently"
)
async def compare(
    ctx: Context,
    a: Annotated[
        str, Arg("Id of an entry, or of one of yours", max_length=12, complete=suggest_entries)
    ],
    b: Annotated[str, Arg("Id of another", max_length=12, complete=suggest_entries)],
) -> Reply:
    one = await comparing.comparable(ctx, a, "a")
    other = await comparing.comparable(ctx, b, "b")
    if one.id == other.id:
        raise Refusal(
            "That is one submission.",
            code="E_SAME",
            expected="two different ones",
            got=one.id,
            field="b",
        )
    await comparing.ask(ctx, one, other)
    return Reply("comparing.md.j2", {"one": one, "other": other}, private=True)
