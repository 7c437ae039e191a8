"""What a beginner starts from: written once for a benchmark as it is, then given at once."""

import hashlib
from importlib.metadata import version

from bot.features.leaderboards import answers, wishes
from bot.features.leaderboards.models import Benchmark
from bot.kit import outbox
from bot.kit.errands import Answered
from bot.kit.work import Context, Work
from runner.contract import DatasetManifest, Limits
from runner.errands import Made, StarterErrand


def errand_for(benchmark: Benchmark, manifest: DatasetManifest) -> StarterErrand:
    """What the desk is asked to write."""
    return StarterErrand(
        task=manifest.task,
        dataset=manifest.key,
        name=benchmark.label,
        title=benchmark.title,
        metric=benchmark.metric,
        why=benchmark.why,
        formats=tuple(benchmark.formats),  # pydantic checks them
        limits=Limits(**benchmark.limits),
        minimum_tier=benchmark.minimum_tier,
    )


def _name_of(errand: StarterErrand) -> str:
    """What the answer depends on, templates of this release included, as one short word."""
    return hashlib.sha256(f"{version('bookwiz')} {errand.model_dump_json()}".encode()).hexdigest()


async def known_or_asked(
    ctx: Context, benchmark: Benchmark, manifest: DatasetManifest
) -> Made | None:
    """The files, where they are written already; None: they will come into this channel."""
    errand = errand_for(benchmark, manifest)
    kept = benchmark.starter
    if kept is not None and kept["of"] == _name_of(errand):
        return Made.model_validate(kept["made"])
    key = await wishes.ask(ctx, errand, key=f"starter:{benchmark.id}")
    values = {"benchmark": benchmark, "made": None, "failure": None}
    await ctx.post(ctx.place, "starter.md.j2", values, key=key, pending=True)
    return None


@answers.to("starter")
async def take(work: Work, rest: str, answered: Answered) -> None:
    """Keep what was written, and give it to whoever asked."""
    benchmark = await work.session.get(Benchmark, int(rest.partition(":")[0]))
    if benchmark is None or not isinstance(answered.errand, StarterErrand):
        return
    if answered.answer is not None:
        made = answered.answer.model_dump(mode="json")
        benchmark.starter = {"of": _name_of(answered.errand), "made": made}
    place = await outbox.place_of(work.session, answered.key)
    if place is None:
        return
    values = {"benchmark": benchmark, "made": answered.answer, "failure": answered.failure}
    failed = answered.failure is not None
    await work.post(place, "starter.md.j2", values, key=answered.key, failed=failed)
