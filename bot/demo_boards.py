"""The demo's three benchmarks: their data is made, frozen and scored as any other's would be."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from bot.app import Bot
from bot.community.members import the_community
from bot.config import Settings
from bot.datasets import freeze
from bot.features.leaderboards import benchmarks, line
from bot.features.leaderboards.models import Benchmark, Submission
from bot.kit.command import Upload

_SPLITS = ("train", "dev", "board", "shadow")
_RULES = "Train on train, choose on dev, hand in what you chose. Any data of your own is welcome."


@dataclass(frozen=True)
class DemoBoard:
    """A benchmark, and where ``bookwiz-runner`` puts the files that it is made of."""

    name: str
    title: str
    task: str
    metric: str
    why: str
    licence: str
    source: str
    split: str  #: what ``dataset add`` reads; ``{}``: the folder, ``{0}``, and the split, ``{1}``
    models: str  #: a pattern below the folder
    options: tuple[str, ...] = ()  #: more for ``dataset add``, with the folder as ``{0}``
    seconds: int = 20  #: that a model may take; twice as many of CPU time


_PAINTED = "Painted by Bookwiz from fixed seeds"
_SHADOW = "shadow=night only, and another camera: blurred, yellow, noisier"
DIGITS = DemoBoard(
    name="digits",
    title="Handwritten digits",
    task="classification",
    metric="accuracy",
    why="Ten balanced classes, and every mix-up costs the same: the share of right answers says it all.",
    licence="CC BY 4.0",
    source="UCI Optical Recognition of Handwritten Digits, as bundled with scikit-learn",
    split="{0}/{1}.npz",
    models="*.onnx",
    options=(
        "--conditions",
        "shadow=another pen and another scanner: thin, blurred or noisy strokes",
    ),
)
SHAPES = (
    DemoBoard(
        name="shapes-detection",
        title="Shapes: detection",
        task="detection",
        metric="ap",
        why="A shape counts as found only where its box fits, and a missed one costs as much as an invented one: AP asks for both, at ten strictnesses.",
        licence="CC0 1.0",
        source=_PAINTED,
        split="{0}/images/{1},{0}/boxes/{1}.json",
        models="models/detection/*.onnx",
        options=("--attributes", "{0}/attributes.csv", "--conditions", _SHADOW),
    ),
    DemoBoard(
        name="shapes-segmentation",
        title="Shapes: segmentation",
        task="segmentation",
        metric="miou",
        why="Nearly all pixels are background: the share of right ones would praise a model that finds nothing. In mIoU every class counts the same, the thin ring too.",
        licence="CC0 1.0",
        source=_PAINTED,
        split="{0}/images/{1},{0}/masks/{1}",
        models="models/segmentation/*.onnx",
        options=(
            "--attributes", "{0}/attributes.csv", "--classes", "{0}/classes.json",
            "--conditions", _SHADOW,
        ),
    ),
)  # fmt: skip


async def open_board(bot: Bot, settings: Settings, board: DemoBoard, folder: Path) -> None:
    """Freeze its dataset from the files in *folder*, open it, and hand its baselines in.

    Repeated, it does what is missing.
    """
    splits = [o for s in _SPLITS for o in (f"--{s}", board.split.format(folder, s))]
    options = [option.format(folder) for option in board.options]
    words = ["--licence", board.licence, "--source", board.source]
    manifest = await freeze(settings, board.name, ["--task", board.task, *splits, *words, *options])
    models = await asyncio.to_thread(lambda: sorted(folder.glob(board.models)))
    async with bot.core.work("leaderboards") as work:
        community = await the_community(work.session)
        await benchmarks.add_dataset(work.session, manifest, now=work.now)
        found = await work.session.scalar(
            select(Benchmark).filter_by(community_id=community.id, name=board.name)
        )
        if found is None:
            found = await benchmarks.create(
                work.session,
                community.id,
                name=board.name,
                title=board.title,
                dataset=manifest.key,
                metric=board.metric,
                why=board.why,
                rules=_RULES,
                per_day=20,
                limits={
                    "wall_seconds": board.seconds,
                    "cpu_seconds": 2 * board.seconds,
                    "model_mb": 50,
                },
                now=work.now,
            )
        known = await work.session.scalars(
            select(Submission.baseline).filter_by(benchmark_id=found.id)
        )
        there = set(known)
        for model in models:
            if model.stem not in there:
                stored = await bot.files.add(await asyncio.to_thread(model.read_bytes))
                upload = Upload(name=model.name, sha256=stored.sha256, size=stored.size)
                await line.enter(work, found, upload, baseline=model.stem)
