"""From an accepted model to the posted result, with the embedded runner."""

import asyncio
import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import structlog
from sqlalchemy import func, select

from bench import refusals
from bench.figures import Figure, percentile
from bot.app import Bot
from bot.config import Settings
from bot.datasets import child, freeze
from bot.features.leaderboards.models import WAITING, State, Submission
from bot.kit import migrate
from bot.kit.command import Upload
from bot.kit.core import Answer, Invocation
from bot.kit.db import Database
from bot.kit.errands import errands_on_the_way
from bot.kit.message import Message, Place
from bot.kit.outbox import OutboxMessage
from bot.serve import running
from tests.opening import open_benchmark
from tests.runner import hostile_models

VERDICT_SECONDS = 0.3
GATE_SECONDS = 1.0
WARM, BACK_TO_BACK = 15, 9
REST = 1.5  # seconds: until the next cell has imported what it needs
BURST, MEMBERS = 120, 12
_ENDED = (State.SCORED, State.FAILED)


@dataclass(frozen=True)
class Times:
    """Seconds from the acceptance of one model."""

    verdict: float  #: until its score is a row
    posted: float  #: until the chat has the card


def measure() -> list[Figure]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder:
        (cold, *warm), hurried, burst, again, refused = asyncio.run(_measure(Path(folder)))
    verdict = percentile([t.verdict for t in warm], 0.5)
    posted = percentile([t.posted for t in warm], 0.5)
    next_one = percentile([t.verdict for t in hurried], 0.5)
    return [
        Figure(
            "accepted → verdict, small model, sandboxed, runner warm, median",
            f"{1000 * verdict:.0f} ms (slowest of {WARM}: {1000 * max(t.verdict for t in warm):.0f} ms)",
            f"≤ {1000 * VERDICT_SECONDS:.0f} ms",
            verdict <= VERDICT_SECONDS,
        ),
        Figure(
            "accepted → card posted, the same jobs, median",
            f"{posted:.2f} s (slowest {max(t.posted for t in warm):.2f} s)",
            f"≤ {GATE_SECONDS:.0f} s",
            posted <= GATE_SECONDS,
        ),
        Figure(
            "accepted → verdict, each the moment the last one ended, median",
            f"{1000 * next_one:.0f} ms",
            "",
            None,
        ),
        Figure("accepted → card posted, runner not started yet", f"{cold.posted:.2f} s", "", None),
        Figure(
            f"small jobs a minute, one CPU runner, {BURST} at once from {MEMBERS} members",
            f"{60 * BURST / burst:.0f}",
            "≥ 60",
            60 * BURST / burst >= 60,
        ),
        Figure(
            "runner killed with -9 in mid-job → its job runs again",
            f"{again:.1f} s",
            "≤ 30 s",
            again <= 30,
        ),
        Figure(
            "a bad file of 50 MB handed in while the runner is busy → its refusal in the chat",
            f"{refused:.2f} s",
            f"< {refusals.SECONDS:.0f} s",
            refused < refusals.SECONDS,
        ),
    ]


async def _measure(folder: Path) -> tuple[list[Times], list[Times], float, float, float]:
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
        await open_benchmark(bot.core, manifest, per_day=99)
        single = []
        for number in range(WARM + 1):
            single.append(await _one(bot, _another(model, number)))
            await asyncio.sleep(REST)
        hurried = [await _one(bot, _another(model, 500 + n)) for n in range(BACK_TO_BACK)]
        burst = await _burst(bot, model)
        again = await _after_a_kill(bot)  # and its job keeps the runner busy
        return single, hurried, burst, again, await _refused_meanwhile(bot)


def _another(model: bytes, number: int) -> bytes:
    """The same model as another file: an unknown protobuf field at its end."""
    return model + bytes((0xFA, 0x7F, 2, number // 256, number % 256))


async def _burst(bot: Bot, model: bytes) -> float:
    """Seconds until all of a burst are scored."""
    started = time.perf_counter()
    for number in range(BURST):
        await _submit(bot, _another(model, 1000 + number), f"member{number % MEMBERS}")
    async with asyncio.timeout(600):
        while await _count(bot, WAITING):
            await asyncio.sleep(0.02)
    assert not await _count(bot, (State.FAILED,))
    return time.perf_counter() - started


async def _after_a_kill(bot: Bot) -> float:
    """Kill the runner while it predicts; seconds until another attempt of that job runs."""
    await _submit(bot, hostile_models.spin_model(), "ada")
    await _until_running(bot, attempt=1, stage="predict")
    runners = [p for p in psutil.Process().children() if "serve" in p.cmdline()]
    assert runners
    started = time.perf_counter()
    for runner in runners:
        runner.kill()
    await _until_running(bot, attempt=2)
    return time.perf_counter() - started


async def _refused_meanwhile(bot: Bot) -> float:
    """Seconds until a file is refused that has to wait for the runner, with the desk at rest."""
    async with asyncio.timeout(120):
        while await _errands(bot):
            await asyncio.sleep(0.05)
    _, data = refusals.large_files()["cut short"]
    begun = time.perf_counter()
    await _submit(bot, data, "bob")
    async with asyncio.timeout(60):
        while not await _count(bot, (State.FAILED,)):
            await asyncio.sleep(0.02)
    taken = time.perf_counter() - begun
    assert await _count(bot, (State.RUNNING,)), "the runner was busy all the time"
    return taken


async def _errands(bot: Bot) -> set[str]:
    async with bot.database.read() as session:
        return await errands_on_the_way(session)


async def _until_running(bot: Bot, *, attempt: int, stage: str | None = None) -> None:
    async with asyncio.timeout(60):
        while True:
            async with bot.database.read() as session:
                stages = select(Submission.stage).filter_by(state=State.RUNNING, attempt=attempt)
                found = (await session.scalars(stages)).all()
                if found and stage in (None, *found):
                    return
            await asyncio.sleep(0.02)


async def _count(bot: Bot, states: Sequence[State]) -> int:
    async with bot.database.read() as session:
        found = await session.scalar(
            select(func.count()).select_from(Submission).where(Submission.state.in_(states))
        )
        return found or 0


async def _submit(bot: Bot, model: bytes, who: str) -> Answer:
    stored = await bot.files.add(model)
    upload = Upload(name="model.onnx", sha256=stored.sha256, size=stored.size)
    place = Place(platform="local", channel="general")
    return await bot.core.handle(
        Invocation(
            "local",
            who,
            who.title(),
            place,
            line="/model submit benchmark:digits",
            attachments=(upload,),
        )
    )


async def _one(bot: Bot, model: bytes) -> Times:
    answer = await _submit(bot, model, "ada")
    started = time.perf_counter()
    verdict = None
    [key] = answer.follow
    while True:
        async with bot.database.read() as session:
            newest = select(Submission.state).order_by(Submission.position.desc()).limit(1)
            if verdict is None and await session.scalar(newest) in _ENDED:
                verdict = time.perf_counter() - started
            row = await session.scalar(
                OutboxMessage.__table__.select()
                .with_only_columns(OutboxMessage.id)
                .where(OutboxMessage.key == key)
            )
            sent = await session.get(OutboxMessage, row)
        message = Message.model_validate_json(sent.body)
        if not message.pending and not sent.waiting:
            assert not message.failed, message.plain()
            posted = time.perf_counter() - started
            return Times(verdict if verdict is not None else posted, posted)
        await asyncio.sleep(0.005)
