from typing import Annotated, Any, cast

from bot.features.leaderboards import analyses, boards, kinds, ladder, turns
from bot.features.leaderboards.boards import own_submission
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.models import Purpose, State, Submission
from bot.kit.command import Arg, Choice, Refusal, Reply
from bot.kit.work import Context

_KINDS = tuple(Choice(kind, f"{kind}: {kinds.TITLES[kind]}") for kind in kinds.KINDS)
Which = Annotated[
    str,
    Arg("Id of your submission; empty: your newest", max_length=12, complete=boards.suggest_own),
]
_Images = Annotated[str, Arg("Places of dev images, such as 3,17,40; empty: chosen for you")]


async def _drawn(ctx: Context, submission: str, kind: kinds.Analysis, other: str = "") -> Reply:
    found = await own_submission(ctx, submission)
    second = await _other(ctx, found, other) if kind == "diff" else None
    place = await analyses.private_place(ctx)
    await analyses.ask(ctx, found, kind, place=place, other=second)
    return Reply("asked.md.j2", {"submission": found, "kind": kind})


async def _other(ctx: Context, found: Submission, other: str) -> Submission:
    """What to compare with: as named, or the member's best before."""
    if other:
        second = await own_submission(ctx, other)
    else:
        best = await ladder.best_of(ctx.session, found)
        if best is None:
            raise Refusal(
                "You have no other submission to compare it with.",
                code="E_SUBMISSION",
                expected="a second scored submission of yours to this benchmark",
                fix="Name one with other:… or submit another model.",
                field="other",
            )
        second = best
    if second.benchmark_id != found.benchmark_id:
        raise Refusal(
            "Those two are not submissions to one benchmark.",
            code="E_STATE",
            expected="two submissions to one benchmark",
            field="other",
        )
    return second


async def _run(ctx: Context, submission: str, kind: kinds.Analysis, images: str = "") -> Reply:
    found = await own_submission(ctx, submission)
    options = {"images": _places(images)} if images.strip() else {}
    made = await analyses.run(ctx, found, kind, options)
    if made.state == State.SCORED:
        from bot.features.leaderboards.service import as_card

        return Reply(*await as_card(ctx, made))
    waiting = await turns.waiting(ctx.session, made)
    return Reply("asked.md.j2", {"submission": found, "kind": kind, "waiting": waiting})


def _places(text: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 8 for part in parts) or len(parts) > 24:  # noqa: PLR2004
        raise Refusal(
            "Those are no places of images.",
            code="E_ARGUMENT",
            expected="up to 24 numbers with commas between, such as 3,17,40",
            got=text[:60],
            field="images",
        )
    return ",".join(parts)


@feature.command("analysis confusion", "What your model takes for what, on dev", private=True)
async def confusion(ctx: Context, submission: Which = "") -> Reply:
    return await _drawn(ctx, submission, "confusion")


@feature.command("analysis errors", "The dev images your model is most wrong about", private=True)
async def errors(ctx: Context, submission: Which = "") -> Reply:
    return await _drawn(ctx, submission, "errors")


@feature.command("analysis slices", "How it does by night, by source, by size …", private=True)
async def slices(ctx: Context, submission: Which = "") -> Reply:
    return await _drawn(ctx, submission, "slices")


@feature.command("analysis diff", "What it fixed and broke against another of yours", private=True)
async def diff(
    ctx: Context,
    submission: Which = "",
    other: Annotated[str, Arg("Id of another of yours; empty: your best", max_length=12)] = "",
) -> Reply:
    return await _drawn(ctx, submission, "diff", other)


@feature.command("analysis saliency", "Where your model looks (runs it again)", private=True)
async def saliency(ctx: Context, submission: Which = "", images: _Images = "") -> Reply:
    return await _run(ctx, submission, "saliency", images)


@feature.command(
    "analysis robustness", "Noise, blur, fog: what it stands (runs it again)", private=True
)
async def robustness(ctx: Context, submission: Which = "") -> Reply:
    return await _run(ctx, submission, "robustness")


@feature.command(
    "analysis quantize", "What int8 gains and costs, measured (runs it again)", private=True
)
async def quantize(ctx: Context, submission: Which = "") -> Reply:
    return await _run(ctx, submission, "quantize")


@feature.command("analysis share", "Show an analysis of yours to everybody here")
async def share(
    ctx: Context,
    analysis: Annotated[str, Arg("Which one", choices=_KINDS)],
    submission: Which = "",
) -> Reply:
    found = await own_submission(ctx, submission)
    kind = cast("Any", analysis)
    if analysis not in [str(p) for p in analyses.RUN]:
        other = await _other(ctx, found, "") if analysis == "diff" else None
        await analyses.ask(ctx, found, kind, place=ctx.place, other=other)
        return Reply("asked.md.j2", {"submission": found, "kind": kind}, private=True)
    made = await analyses.finished(ctx.session, found, kind)
    if made is None or made.state != State.SCORED:
        raise Refusal(
            "There is nothing to share yet.",
            code="E_STATE",
            expected=f"a finished /analysis {Purpose(analysis)}",
            fix=f"Ask for it first: /analysis {analysis} {found.id}",
        )
    from bot.features.leaderboards.live import values_of

    values = await values_of(ctx, made)
    return Reply("analysis.md.j2", values | {"shared": True}, private=False)
