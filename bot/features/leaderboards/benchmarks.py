"""The rules of benchmarks: finding, creating, describing. Never commits, never renders."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.features.leaderboards.metrics import facts_of, refuse_other_task
from bot.features.leaderboards.models import RANKING, Benchmark, Dataset, State, Submission
from bot.kit.command import Choice, Refusal
from bot.kit.work import Context
from runner.contract import DatasetManifest, Format, Limits, Tier

_PER_DAY = range(1, 101)
_NAME = re.compile(r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")


async def find(session: AsyncSession, community_id: int, name: str) -> Benchmark:
    """The benchmark of that name, in its newest version or, as ``name@2``, in that one.

    Raises:
        Refusal: There is none; with the names that come close.
    """
    plain, _, version = name.strip().lower().partition("@")
    wanted = select(Benchmark).filter_by(community_id=community_id, name=plain)
    if version.isdecimal():
        wanted = wanted.filter_by(version=int(version[:9]))
    found: Benchmark | None = await session.scalar(
        wanted.order_by(Benchmark.version.desc()).limit(1)
    )
    if found is not None:
        return found
    names = (
        await session.scalars(select(Benchmark.name).filter_by(community_id=community_id))
    ).all()
    close = get_close_matches(name.lower(), names, n=3, cutoff=0.4) or sorted(names)[:5]
    raise Refusal(
        f"There is no benchmark called {name[:50]}.",
        code="E_BENCHMARK",
        expected=", ".join(close) or "a benchmark that a moderator has created",
        got=name[:50],
        fix="Type /benchmark list for all of them.",
        field="benchmark",
    )


async def find_open(
    session: AsyncSession, community_id: int, name: str
) -> tuple[Benchmark, DatasetManifest]:
    """The benchmark of that name with its dataset.

    Raises:
        Refusal: There is none, or it is only announced.
    """
    benchmark = await find(session, community_id, name)
    manifest = await manifest_of(session, benchmark)
    if manifest is None:
        raise Refusal(
            f"{benchmark.title} is coming, but not open yet.",
            code="E_BENCHMARK_CLOSED",
            expected="a benchmark that is open",
            fix="Type /benchmark list to see which ones are.",
            field="benchmark",
        )
    return benchmark, manifest


async def manifest_of(session: AsyncSession, benchmark: Benchmark) -> DatasetManifest | None:
    if benchmark.dataset_key is None:
        return None
    dataset = await session.get_one(Dataset, benchmark.dataset_key)
    return DatasetManifest.model_validate(dataset.manifest)


async def add_dataset(session: AsyncSession, manifest: DatasetManifest, *, now: datetime) -> bool:
    """Make a dataset version known. False when it was known already."""
    if await session.get(Dataset, manifest.key) is not None:
        return False
    session.add(Dataset(key=manifest.key, manifest=manifest.model_dump(mode="json"), added_at=now))
    await session.flush()
    return True


async def create(
    session: AsyncSession,
    community_id: int,
    *,
    name: str,
    title: str,
    dataset: str | None,
    metric: str,
    why: str,
    now: datetime,
    rules: str = "",
    per_day: int = 5,
    task: str = "classification",
    limits: Mapping[str, Any] | None = None,
    queue: str = "cpu",
    formats: Sequence[Format] = ("onnx", "safetensors"),
    minimum_tier: Tier = "reduced",
) -> Benchmark:
    """Open a benchmark on a dataset version; without a dataset it is only announced.

    Raises:
        Refusal: The name is taken or no name, or the dataset is unknown.
    """
    if not _NAME.match(name):
        raise Refusal(
            "That name will not do.",
            code="E_NAME",
            expected="1 to 40 of a-z, 0-9 and -, such as night-streets",
            got=name,
            field="name",
        )
    if await session.scalar(select(Benchmark.id).filter_by(community_id=community_id, name=name)):
        raise Refusal(
            f"There is a benchmark called {name} already.",
            code="E_TAKEN",
            fix="Choose another name.",
            field="name",
        )
    if per_day not in _PER_DAY:
        raise Refusal(
            "That many a day will not do.",
            code="E_ARGUMENT",
            expected=f"{_PER_DAY[0]} to {_PER_DAY[-1]} scored submissions a day",
            got=str(per_day),
            field="per_day",
        )
    if dataset is not None:
        row = await find_dataset(session, dataset)
        dataset, task = row.key, row.manifest["task"]
        refuse_other_task(task, metric)
    benchmark = Benchmark(
        community_id=community_id,
        name=name,
        title=title,
        task=task,
        dataset_key=dataset,
        metric=metric,
        metric_version=facts_of(metric).version,
        why=why,
        rules=rules,
        per_day=per_day,
        limits=Limits(**(limits or {})).model_dump(),
        queue=queue,
        formats=list(formats),
        minimum_tier=minimum_tier,
        created_at=now,
    )
    session.add(benchmark)
    await session.flush()
    return benchmark


def limits_of(*, wall: float, memory: int, model: int) -> dict[str, Any]:
    """Limits of one evaluation. Raises Refusal for what no runner should be asked."""
    if not (1 <= wall <= 3600 and 64 <= memory <= 262_144 and 1 <= model <= 10_000):  # noqa: PLR2004
        raise Refusal(
            "Those limits will not do.",
            code="E_ARGUMENT",
            expected="1 to 3600 s, 64 to 262144 MB of memory, a file of 1 to 10000 MB",
            got=f"{wall:g} s, {memory} MB, {model} MB",
            field="wall",
        )
    return {
        "wall_seconds": wall,
        "cpu_seconds": 2 * wall,
        "memory_mb": memory,
        "model_mb": model,
    }


async def find_dataset(session: AsyncSession, name: str) -> Dataset:
    """The dataset version of that key, or the newest of that name. Raises Refusal."""
    row = await session.get(Dataset, name) or await _newest_named(session, name)
    if row is None:
        raise Refusal(
            f"There is no dataset {name[:60]}.",
            code="E_DATASET",
            expected=", ".join((await session.scalars(select(Dataset.key).limit(5))).all())
            or "a dataset that was added",
            fix="The admin adds one with: bookwiz dataset add NAME --board …",
            field="dataset",
        )
    return row


async def _newest_named(session: AsyncSession, name: str) -> Dataset | None:
    rows = (await session.scalars(select(Dataset).order_by(Dataset.added_at.desc()))).all()
    return next((d for d in rows if d.manifest["name"] == name), None)


@dataclass(frozen=True)
class Listed:
    """A benchmark in the list, with what draws people in."""

    benchmark: Benchmark
    manifest: DatasetManifest | None
    models: int  #: scored submissions on the board


async def listed(session: AsyncSession, community_id: int, *, older: bool = False) -> list[Listed]:
    """All benchmarks, the open ones first; each in its newest version, or in all."""
    counts = (
        select(Submission.benchmark_id, func.count().label("models"))
        .where(Submission.state == State.SCORED, Submission.purpose.in_(RANKING))
        .group_by(Submission.benchmark_id)
        .subquery()
    )
    rows = await session.execute(
        select(Benchmark, Dataset.manifest, func.coalesce(counts.c.models, 0))
        .outerjoin(Dataset, Dataset.key == Benchmark.dataset_key)
        .outerjoin(counts, counts.c.benchmark_id == Benchmark.id)
        .where(Benchmark.community_id == community_id)
        .order_by(Benchmark.dataset_key.is_(None), Benchmark.name, Benchmark.version.desc())
    )
    found = [Listed(b, DatasetManifest.model_validate(m) if m else None, n) for b, m, n in rows]
    if older:
        return found
    newest: dict[str, Listed] = {}
    for item in found:
        newest.setdefault(item.benchmark.name, item)
    return list(newest.values())


async def suggest(ctx: Context, text: str) -> list[Choice]:
    rows = await ctx.session.execute(
        select(Benchmark.name, Benchmark.title)
        .where(
            Benchmark.community_id == ctx.community.id,
            Benchmark.name.contains(text.lower(), autoescape=True),
        )
        .order_by(Benchmark.dataset_key.is_(None), Benchmark.name)
        .limit(25)
    )
    return [Choice(name, title) for name, title in rows]


async def suggest_datasets(ctx: Context, text: str) -> list[Choice]:
    found = select(Dataset.key).where(Dataset.key.contains(text.lower(), autoescape=True))
    rows = (await ctx.session.scalars(found.order_by(Dataset.added_at.desc()).limit(25))).all()
    return [Choice(key, key) for key in rows]
