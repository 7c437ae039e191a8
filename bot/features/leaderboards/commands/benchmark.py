from typing import Annotated, cast

from bot.community import audit
from bot.features.leaderboards import benchmarks, framing, starters
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.line import TRIES_PER_SCORE
from bot.features.leaderboards.metrics import CHOICES, facts_of
from bot.features.leaderboards.models import Benchmark
from bot.kit.command import Arg, Choice, Refusal, Reply, Role
from bot.kit.work import Context
from runner.contract import DatasetManifest, Format, Limits, Tier

Name = Annotated[
    str,
    Arg("Name of the benchmark; name@1 for an older version", max_length=50, complete=benchmarks.suggest),
]  # fmt: skip
_PRESETS: dict[str, tuple[Format, ...]] = {
    "onnx": ("onnx",),
    "onnx, safetensors": ("onnx", "safetensors"),
    "all": ("onnx", "safetensors", "torchscript", "pt2"),
}
_FORMATS = tuple(Choice(words, words) for words in _PRESETS)
_QUEUES = (Choice("cpu", "cpu"), Choice("gpu", "gpu: waits, since no runner computes on one yet"))
_TIERS = (Choice("full", "full: every wall"), Choice("reduced", "reduced: an ordinary container"))
_DEFAULT = Limits()


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


@feature.command("benchmark starter", "A script and a notebook that train and export a first model")
async def starter(ctx: Context, benchmark: Name) -> Reply:
    found, manifest = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    made = await starters.known_or_asked(ctx, found, manifest)
    if made is None:
        return Reply("starter_asked.md.j2", {"benchmark": found})
    return Reply("starter.md.j2", {"benchmark": found, "made": made, "failure": None})


@feature.command("benchmark rules", "What counts, what is limited, and what the board will not say")
async def rules(ctx: Context, benchmark: Name) -> Reply:
    found, manifest = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    return Reply(
        "rules.md.j2",
        {
            "benchmark": found,
            "manifest": manifest,
            "metric": facts_of(found.metric),
            "tries": found.per_day * TRIES_PER_SCORE,
        },
    )


@feature.command(
    "benchmark frame",
    "What to ask before training; with costs: the metric that follows",
    private=True,
)
async def frame(
    ctx: Context,
    benchmark: Name,
    false_alarm: Annotated[float, Arg("What a false alarm costs, in any unit")] = 0,
    miss: Annotated[float, Arg("What a miss costs, in the same unit")] = 0,
    prevalence: Annotated[float, Arg("Share of positives, such as 0.02")] = 0,
    keep: Annotated[bool, Arg("Moderators: put it on the benchmark's card")] = False,
) -> Reply:
    found = await benchmarks.find(ctx.session, ctx.community.id, benchmark)
    if keep:
        ctx.require(Role.MODERATOR, "Changing a benchmark's card")
    if not (false_alarm or miss or prevalence or keep):
        manifest = await benchmarks.manifest_of(ctx.session, found)
        asked = {"benchmark": found, "manifest": manifest, "metric": facts_of(found.metric)}
        return Reply("framing.md.j2", asked)
    if min(false_alarm, miss) <= 0 or not 0 < prevalence < 1:
        raise Refusal(
            "Those costs cannot be compared.",
            code="E_ARGUMENT",
            expected="costs above 0, and a share of positives between 0 and 1",
            got=f"{false_alarm:g}, {miss:g} and {prevalence:g}",
            field="prevalence" if min(false_alarm, miss) > 0 else "miss",
        )
    framed = framing.Frame(false_alarm=false_alarm, miss=miss, prevalence=prevalence)
    said = framing.suggest(found.task, framed)
    if keep:
        found.frame = {
            "false_alarm": false_alarm,
            "miss": miss,
            "prevalence": prevalence,
            "measure": said.measure,
            "reasons": list(said.reasons),
        }
        await audit.record(ctx, "benchmark.frame", subject=found.label, reason=said.measure)
    values = {"benchmark": found, "frame": framed, "said": said, "kept": keep}
    return Reply("frame.md.j2", values | {"facts_of": facts_of})


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
    queue: Annotated[str, Arg("Which runners take it", choices=_QUEUES)] = "cpu",
    tier: Annotated[str, Arg("What the runner's sandbox must be at least", choices=_TIERS)] = "reduced",
    formats: Annotated[
        str, Arg("What is taken; all has programs in it, for full only", choices=_FORMATS)
    ] = "onnx, safetensors",
    wall: Annotated[float, Arg("Seconds that one evaluation may take")] = _DEFAULT.wall_seconds,
    memory: Annotated[int, Arg("Megabytes of memory it may take")] = _DEFAULT.memory_mb,
    model: Annotated[int, Arg("Megabytes that the file may have")] = _DEFAULT.model_mb,
) -> Reply:  # fmt: skip
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
        queue=queue,
        formats=_PRESETS[formats],
        minimum_tier=cast("Tier", tier),
        limits=benchmarks.limits_of(wall=wall, memory=memory, model=model),
        now=ctx.now,
    )
    await audit.record(ctx, "benchmark.create", subject=made.name, reason=f"on {made.dataset_key}")
    manifest = await benchmarks.manifest_of(ctx.session, made)
    return _card(made, manifest)
