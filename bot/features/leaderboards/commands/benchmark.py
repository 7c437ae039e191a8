from typing import Annotated

from bot.community import audit
from bot.features.leaderboards import benchmarks
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.line import TRIES_PER_SCORE
from bot.features.leaderboards.metrics import CHOICES, facts_of
from bot.features.leaderboards.models import Benchmark
from bot.kit.command import Arg, Reply, Role
from bot.kit.work import Context
from runner.contract import DatasetManifest

Name = Annotated[str, Arg("Name of the benchmark", max_length=40, complete=benchmarks.suggest)]


def _card(benchmark: Benchmark, manifest: DatasetManifest | None) -> Reply:
    values = {"benchmark": benchmark, "manifest": manifest, "facts_of": facts_of}
    return Reply("benchmark.md.j2", {**values, "tries": benchmark.per_day * TRIES_PER_SCORE})


@feature.command("benchmark list", "What models are compared on here")
async def list_(ctx: Context) -> Reply:
    return Reply(
        "benchmarks.md.j2",
        {"listed": await benchmarks.listed(ctx.session, ctx.community.id), "facts_of": facts_of},
    )


@feature.command("benchmark show", "A benchmark's card: task, metric and why, contract, rules")
async def show(ctx: Context, benchmark: Name) -> Reply:
    found = await benchmarks.find(ctx.session, ctx.community.id, benchmark)
    manifest = await benchmarks.manifest_of(ctx.session, found)
    return _card(found, manifest)


@feature.command("benchmark data", "Download the training and the dev images, with their licence")
async def data(ctx: Context, benchmark: Name) -> Reply:
    found, manifest = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    return Reply("data.md.j2", {"benchmark": found, "manifest": manifest})


@feature.command(
    "benchmark create", "Open a benchmark on a dataset that was added", who=Role.MODERATOR
)
async def create(
    ctx: Context,
    name: Annotated[str, Arg("Short name that members type: a-z, 0-9 and -", max_length=40)],
    title: Annotated[str, Arg("Title of the card", max_length=100)],
    dataset: Annotated[
        str, Arg("Dataset version, from bookwiz dataset add", complete=benchmarks.suggest_datasets)
    ],
    metric: Annotated[str, Arg("What ranks", choices=CHOICES)],
    why: Annotated[
        str, Arg("Why this metric: what does each kind of error cost?", max_length=1000, long=True)
    ],
    rules: Annotated[str, Arg("Rules and hints", max_length=1000, long=True)] = "",
    per_day: Annotated[int, Arg("Scored submissions a member may have in a day")] = 5,
) -> Reply:
    made = await benchmarks.create(
        ctx.session,
        ctx.community.id,
        name=name,
        title=title,
        dataset=dataset,
        metric=metric,
        why=why,
        rules=rules,
        per_day=per_day,
        now=ctx.now,
    )
    await audit.record(ctx, "benchmark.create", subject=made.name, reason=f"on {made.dataset_key}")
    manifest = await benchmarks.manifest_of(ctx.session, made)
    return _card(made, manifest)
