"""A chat whose benchmark has a real dataset, a real desk, and runners that are other people's."""

import hashlib
from io import BytesIO

import numpy as np

from bot.features.leaderboards.models import Submission
from bot.kit.received import Received
from runner.contract import Artifact, Outcome
from runner.datasets.adding import Card, add_dataset
from runner.datasets.source import Source
from runner.errands import Looked
from tests.features.scripted_desk import ScriptedDesk
from tests.opening import open_benchmark

SPLITS = {"train": 20, "dev": 60, "board": 80, "shadow": 40}


def _named(split, path):
    """*split*, with its images file's hash and size."""
    data = path.read_bytes()
    found = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
    return split.model_copy(update=found)


class Lab:
    """A chat with a real dataset behind its benchmark, and what models predict on it."""

    def __init__(self, chat):
        self.chat = chat
        rng = np.random.default_rng(7)
        self.labels = {split: np.arange(n, dtype=np.int64) % 10 for split, n in SPLITS.items()}
        data = chat.core.services.data
        frozen = add_dataset(
            Card("Digits", "classification", "CC0", "made up", {}),
            {
                split: Source(rng.integers(0, 256, (len(y), 8, 8, 1), np.uint8), y, None)
                for split, y in self.labels.items()
            },
            datasets=data / "datasets",
            artifacts=data / "files",
        )
        images = data / "datasets" / frozen.key / "images"
        self.manifest = frozen.model_copy(
            update={"splits": tuple(_named(s, images / f"{s.split}.npy") for s in frozen.splits)}
        )

    async def predictions(self, split, right, *, shape=None):
        """Store predictions on *split* that are right on that many images."""
        labels = self.labels[split]
        said = np.where(np.arange(len(labels)) < right, labels, (labels + 1) % 10)
        rows = np.eye(10, dtype=np.float32)[said]
        return await self.stored(split, rows if shape is None else np.zeros(shape, np.float32))

    async def stored(self, split, array):
        out = BytesIO()
        np.save(out, array, allow_pickle=False)
        return await self.sent(f"predictions-{split}.npy", out.getvalue())

    async def sent(self, name, data, media_type="application/x-npy"):
        """A file that the attempts with the engine have sent."""
        kept = await self.chat.core.services.files.add(data)
        received = Received(self.chat.core.services.data / "received")
        for attempt in self.chat.engine.jobs:
            received.note(attempt, kept.sha256, kept.size)
        return Artifact(name=name, media_type=media_type, sha256=kept.sha256, size=kept.size)

    async def claim(self, evaluation, right, **more):
        """The outcome of a runner whose model is right on that share of every split."""
        predictions = [
            await self.predictions(s, round(right * SPLITS[s])) for s in evaluation.splits
        ]
        return Outcome(
            submission=evaluation.submission,
            attempt=evaluation.attempt,
            token=evaluation.token,
            runner="stranger",
            tier="reduced",
            **{"predictions": tuple(predictions)} | more,
        )

    async def row(self, evaluation):
        async with self.chat.core.database.read() as session:
            return await session.get_one(Submission, evaluation.submission)


async def open_lab(chat):
    """A benchmark that is scored by the real desk, with runners that are other people's."""
    lab = Lab(chat)
    chat.engine.trusted = False
    chat.clerk.desk = ScriptedDesk(chat.clerk.desk)
    chat.clerk.desk.says["look"] = Looked()  # the models are none: what they predict is made up
    await open_benchmark(chat.core, lab.manifest, per_day=20)
    return lab
