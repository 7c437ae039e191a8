"""From an accepted model to the posted result, with the embedded runner."""

import asyncio
import logging
import tempfile
import time
from pathlib import Path

import structlog

from bench.figures import Figure, percentile
from bot.app import Bot
from bot.config import Settings
from bot.datasets import child, freeze
from bot.features.leaderboards import benchmarks
from bot.kit import migrate
from bot.kit.command import Upload
from bot.kit.core import Invocation
from bot.kit.db import Database
from bot.kit.message import Message, Place
from bot.kit.outbox import OutboxMessage
from bot.serve import running

GATE_SECONDS = 1.0
WARM = 8


def measure() -> list[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        cold, *warm = asyncio.run(_submit(Path(folder)))
    typical = percentile(warm, 0.5)
    return [
        Figure(
            "accepted → posted, small model, runner warm, median",
            f"{typical:.2f} s (slowest of {WARM}: {max(warm):.2f} s)",
            f"≤ {GATE_SECONDS:.0f} s",
            typical <= GATE_SECONDS,
        ),
        Figure("the same, runner not started yet", f"{cold:.2f} s", "", None),
    ]


async def _submit(folder: Path) -> list[float]:
    settings = Settings(_env_file=None, data=folder / "data", web={"port": 0})
    settings.data.mkdir()
    database = Database(settings.database)
    await migrate.upgrade(database)
    await database.close()
    await child("digits", "--out", str(folder))
    splits = [o for s in ("dev", "board", "shadow") for o in (f"--{s}", str(folder / f"{s}.npz"))]
    manifest = await freeze(
        settings,
        "digits",
        ["--task", "classification", *splits, "--licence", "CC BY 4.0", "--source", "UCI"],
    )
    model = (folder / "small-mlp.onnx").read_bytes()
    async with running(settings) as bot:
        async with bot.core.work("leaderboards") as work:
            await benchmarks.add_dataset(work.session, manifest, now=work.now)
            await benchmarks.create(
                work.session,
                1,
                name="digits",
                title="Digits",
                dataset=manifest.key,
                metric="accuracy",
                why="It is balanced.",
                per_day=99,
                now=work.now,
            )
        # An unknown protobuf field at the end makes it another file and the same model.
        return [await _one(bot, model + bytes((0xFA, 0x7F, 1, n))) for n in range(WARM + 1)]


async def _one(bot: Bot, model: bytes) -> float:
    stored = await bot.files.add(model)
    upload = Upload(name="model.onnx", sha256=stored.sha256, size=stored.size)
    place = Place(platform="local", channel="general")
    answer = await bot.core.handle(
        Invocation(
            "local",
            "ada",
            "Ada",
            place,
            line="/model submit benchmark:digits",
            attachments=(upload,),
        )
    )
    started = time.perf_counter()
    [key] = answer.follow
    while True:
        async with bot.database.read() as session:
            row = await session.scalar(
                OutboxMessage.__table__.select()
                .with_only_columns(OutboxMessage.id)
                .where(OutboxMessage.key == key)
            )
            sent = await session.get(OutboxMessage, row)
        message = Message.model_validate_json(sent.body)
        if not message.pending and not sent.waiting:
            assert not message.failed, message.plain()
            return time.perf_counter() - started
        await asyncio.sleep(0.005)
