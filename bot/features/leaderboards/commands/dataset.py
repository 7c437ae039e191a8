from typing import Annotated

from bot.features.leaderboards import answers, benchmarks, sending, wishes
from bot.features.leaderboards.analyses import private_place
from bot.features.leaderboards.declaration import feature
from bot.kit import outbox
from bot.kit.command import Arg, Refusal, Reply, Upload
from bot.kit.errands import Answered, errands_on_the_way
from bot.kit.render import Safe
from bot.kit.work import Context, Work
from runner.errands import DatasetErrand


@feature.command(
    "dataset check", "Balance, sizes, duplicates, likely label errors of a dataset", private=True
)
async def check(
    ctx: Context,
    dataset: Annotated[
        str, Arg("A dataset of a benchmark", max_length=100, complete=benchmarks.suggest_datasets)
    ] = "",
    archive: Annotated[Upload | None, Arg("Or yours: a zip, tar or npz")] = None,
) -> Reply:
    if bool(dataset) == (archive is not None):
        raise Refusal(
            "Say which dataset: one of ours, or one of yours.",
            code="E_ARGUMENT",
            expected="either dataset:… or an attached archive",
            got="both" if dataset else "neither",
            field="dataset",
        )
    key = "dataset"
    if archive is not None:
        key += f":{archive.sha256[:16]}-{ctx.member.id}"
        # A link's end may come twice, when the bot goes down in between: one report is enough.
        if any(waits.startswith(f"{key}:") for waits in await errands_on_the_way(ctx.session)):
            return Reply("dataset_asked.md.j2", {"name": archive.name[-100:]})
        errand = DatasetErrand(archive=archive.sha256, name=archive.name[-100:])
    else:
        found = await benchmarks.find_dataset(ctx.session, dataset)
        errand = DatasetErrand(dataset=found.key, name=found.manifest["name"])
    key = await wishes.ask(ctx, errand, key=key)
    values = {"name": errand.name, "made": None, "failure": None}
    place = await private_place(ctx)
    await ctx.post(place, "dataset.md.j2", values, key=key, pending=True)
    return Reply("dataset_asked.md.j2", {"name": errand.name})


@feature.command(
    "dataset link", "An address that takes a dataset too large for the chat", private=True
)
async def link(ctx: Context) -> Reply:
    address = await sending.open_archive_link(ctx)
    return Reply(
        "link.md.j2",
        {
            "what": "dataset",
            "file": "dataset.zip",
            "takes": "one zip, tar or npz to look through",
            "cap": sending.ARCHIVE_CAP,
            "address": Safe(address),
        },
    )


@answers.to("dataset")
async def take(work: Work, _: str, answered: Answered) -> None:
    place = await outbox.place_of(work.session, answered.key)
    if place is None:
        return
    values = {
        "name": answered.errand.name if answered.errand else "",
        "made": answered.answer,
        "failure": answered.failure,
    }
    failed = answered.failure is not None
    await work.post(place, "dataset.md.j2", values, key=answered.key, failed=failed)
