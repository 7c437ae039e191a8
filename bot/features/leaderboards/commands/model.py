from typing import Annotated

from bot.features.leaderboards import (
    baselines,
    benchmarks,
    boards,
    configs,
    first_look,
    handing_in,
    line,
    live,
    reuse,
    sending,
    service,
    turns,
)
from bot.features.leaderboards.declaration import feature
from bot.features.leaderboards.metrics import facts_of
from bot.features.leaderboards.models import RANKING, Benchmark
from bot.kit.command import Arg, Reply, Upload
from bot.kit.render import Safe
from bot.kit.work import Context

Own = Annotated[str, Arg("Id of your submission", max_length=12, complete=boards.suggest_own)]
Running = Annotated[
    str, Arg("Id of your submission", max_length=12, complete=boards.suggest_waiting)
]
Benchmarks = Annotated[str, Arg("What to score it on", max_length=40, complete=benchmarks.suggest)]
Notes = Annotated[str, Arg("What is new about it, for yourself", max_length=500)]
Config = Annotated[
    str, Arg("Hyperparameters: lr=0.001 a line, YAML or JSON", max_length=configs.MOST, long=True)
]
Architecture = Annotated[
    str, Arg("Network that the weights are of, for safetensors", choices=service.ARCHITECTURES)
]
Preproc = Annotated[
    str,
    Arg(
        "How pixels come, as JSON, only if the file does not say it",
        max_length=1000,
        complete=handing_in.suggest_preproc,
    ),
]
Output = Annotated[
    str,
    Arg(
        "What comes out, as JSON, only if the shapes do not say it",
        max_length=1000,
        complete=handing_in.suggest_output,
    ),
]
Baseline = Annotated[
    str, Arg("Moderators: enter it as a baseline of that name, which is nobody's", max_length=60)
]


@feature.command(
    "model submit",
    "Hand in a model; its score comes back here",
    private=True,
    shortcut="Submit a model",
)
async def submit(
    ctx: Context,
    benchmark: Benchmarks,
    file: Annotated[Upload, Arg("The model: one ONNX file, or safetensors weights")],
    notes: Notes = "",
    config: Config = "",
    architecture: Architecture = "",
    preproc: Preproc = "",
    output: Output = "",
    baseline: Baseline = "",
) -> Reply:
    found, _ = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    name = await baselines.named(ctx, found, baseline)
    member_id = None if name else ctx.member.id
    await line.take_turn(ctx.session, member_id)
    declared = service.declared_of(architecture=architecture, preproc=preproc, output=output)
    earlier = await service.same_file(ctx.session, found, member_id, file.sha256, declared=declared)
    if earlier is not None:
        live.follow(ctx, earlier)
        return Reply(
            "already.md.j2",
            {"submission": earlier, "metric": facts_of(found.metric)},
        )
    configs.parse(config)
    export = await handing_in.export_lines(ctx, found)
    stored = ctx.services.files.path(file.sha256)
    format_ = service.admit(stored, file, found, declared, export=export)
    left = None
    if not name:
        left = (await service.quota_left(ctx, found, ctx.member.id, ctx.member.timezone)).left - 1
    submission = await line.add(
        ctx,
        found,
        file,
        member_id=member_id,
        baseline=name or None,
        notes=notes,
        place=ctx.place,
        config=config,
        format=format_,
        declared=declared,
    )
    await baselines.record(ctx, submission, "enter")
    reused = await reuse.answer(ctx, submission)
    if not reused:
        await line.dispatch_next(ctx, submission)
    await live.show(ctx, submission)
    waiting = await turns.waiting(ctx.session, submission)
    if waiting.ahead:
        await first_look.ask(ctx, submission)
    return Reply(
        "accepted.md.j2",
        {
            "submission": submission,
            "benchmark": found,
            "waiting": waiting,
            "left": left,
            "reused": reused,
        },
    )


@feature.command("model link", "An address that takes a model too large for the chat", private=True)
async def link(
    ctx: Context,
    benchmark: Benchmarks,
    notes: Notes = "",
    config: Config = "",
    architecture: Architecture = "",
    preproc: Preproc = "",
    output: Output = "",
    baseline: Baseline = "",
) -> Reply:
    found, _ = await benchmarks.find_open(ctx.session, ctx.community.id, benchmark)
    service.refuse_frozen(found)
    configs.parse(config)
    service.declared_of(architecture=architecture, preproc=preproc, output=output)
    name = await baselines.named(ctx, found, baseline)
    if not name:
        await service.quota_left(ctx, found, ctx.member.id, ctx.member.timezone)
    values = {
        "notes": notes,
        "config": config,
        "architecture": architecture,
        "preproc": preproc,
        "output": output,
        "baseline": name,
    }
    address = await sending.open_model_link(ctx, found, {k: v for k, v in values.items() if v})
    return Reply(
        "link.md.j2",
        {
            "what": "model",
            "file": "model.onnx",
            "takes": f"one model for {found.title}",
            "cap": found.limits["model_mb"] * 1_000_000,
            "address": Safe(address),
        },
    )


@feature.command("model status", "Your submissions, and where they are", private=True)
async def status(ctx: Context) -> Reply:
    rows = await boards.recent(ctx.session, ctx.member.id)
    return Reply("status.md.j2", {"rows": rows, "zone": ctx.member.timezone, "facts_of": facts_of})


@feature.section("My models", order=30)
async def newest(ctx: Context) -> Reply:
    rows = await boards.recent(ctx.session, ctx.member.id, limit=3)
    return Reply("home.md.j2", {"rows": rows, "facts_of": facts_of})


@feature.command("model card", "The result card of one of your submissions", private=True)
async def card(ctx: Context, submission: Own) -> Reply:
    found = await boards.own_submission(ctx, submission)
    return Reply(*await service.as_card(ctx, found))


@feature.command("model share", "Show the result card of yours to everybody here", private=True)
async def share(ctx: Context, submission: Own) -> Reply:
    found = await boards.own_submission(ctx, submission)
    place = await live.share(ctx, found)
    return Reply("shared.md.j2", {"submission": found, "place": place})


@feature.command("model cancel", "Stop a submission that waits or runs", private=True)
async def cancel(ctx: Context, submission: Running) -> Reply:
    found = await boards.own_submission(ctx, submission)
    await service.cancel(ctx, found)
    await baselines.record(ctx, found, "cancel")
    analysis = None if found.purpose in RANKING else found.purpose
    return Reply("cancelled.md.j2", {"submission": found, "analysis": analysis})


@feature.command("model withdraw", "Take a scored submission off the board", private=True)
async def withdraw(
    ctx: Context,
    submission: Own,
    sure: Annotated[bool, Arg("Yes: take it off, for good")] = False,
) -> Reply:
    found = await boards.own_submission(ctx, submission)
    service.refuse_unless_on_board(found)
    if sure:
        await service.withdraw(ctx, found)
        await baselines.record(ctx, found, "withdraw")
    benchmark = await ctx.session.get_one(Benchmark, found.benchmark_id)
    return Reply("withdrawn.md.j2", {"submission": found, "benchmark": benchmark, "sure": sure})
