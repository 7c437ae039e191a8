"""A dataset of a task with dev, board and shadow on disk, and models that a desk can score."""

from pathlib import Path
from typing import Any

import numpy as np

from runner import scoring
from runner.contract import DatasetManifest, Ladder, Split, SplitFacts, Task
from runner.datasets.version import SplitArrays, write_version
from runner.desk import Desk
from runner.errands import Entrant, Scored
from tests.runner import kept

SIZES: dict[Split, int] = {"dev": 60, "board": 80, "shadow": 50}
METRIC = {"classification": "accuracy", "detection": "ap", "segmentation": "miou"}
CLASSES = {
    "classification": tuple("0123456789"),
    "detection": ("cat", "dog"),
    "segmentation": ("ground", "cat", "dog"),
}
_SIDE = {"classification": 8, "detection": kept.SIDE, "segmentation": 12}


class Season:
    """Labels, boxes or masks of three splits, on a desk."""

    def __init__(self, desk: Desk, task: Task, *, nights: bool = False) -> None:
        """With ``nights`` every third image of each split is known to be taken at night."""
        self.desk, self.task, self.metric = desk, task, METRIC[task]
        random = np.random.default_rng(3)
        side = _SIDE[task]
        self.truth: dict[Split, Any] = {s: self._truth(random, n) for s, n in SIZES.items()}
        self.manifest = DatasetManifest(
            key=f"{task}-{'0' * 12}", name=task, task=task, classes=CLASSES[task], height=side,
            width=side, channels=1, licence="CC0",
            splits=tuple(
                SplitFacts(split=s, images=n, per_class=(1,) * len(CLASSES[task]))
                for s, n in SIZES.items()
            ),
        )  # fmt: skip
        pixels = {s: np.zeros((n, side, side, 1), np.uint8) for s, n in SIZES.items()}
        write_version(
            desk.datasets,
            self.manifest,
            {s: SplitArrays(pixels[s], self.truth[s], _light(n, nights)) for s, n in SIZES.items()},
        )

    def _truth(self, random: np.random.Generator, images: int) -> Any:
        if self.task == "classification":
            return random.integers(0, 10, images)
        if self.task == "detection":
            return kept.boxes_of(random, images)
        masks = random.integers(0, 3, (images, 12, 12), dtype=np.uint8)
        masks[:, :, :6] = random.integers(0, 3, (images, 1, 1))
        return masks

    def predictions(self, split: Split, *, skill: float, seed: int) -> Any:
        """Those of a model that does about a share ``skill`` of the images right."""
        random = np.random.default_rng((seed, SIZES[split]))
        truth = self.truth[split]
        if self.task == "classification":
            scores = random.normal(size=(len(truth), 10)).astype(np.float32)
            right = random.random(len(truth)) < skill
            scores[right, truth[right]] += 9
            return scores
        if self.task == "detection":
            return kept.rows_for(truth, random, skill=skill)
        wrong = random.random(truth.shape) > skill
        return np.where(wrong, random.integers(0, 3, truth.shape), truth).astype(np.uint8)

    def score(
        self,
        *,
        skill: float,
        seed: int = 0,
        splits: tuple[Split, ...] = ("dev", "board", "shadow"),
        ladder: Ladder | None = None,
        shadow_skill: float | None = None,
    ) -> Scored:
        """Have a model scored as the trusted side does it."""
        skills = {"shadow": skill if shadow_skill is None else shadow_skill}
        predictions = [
            self.predictions(split, skill=skills.get(split, skill), seed=seed) for split in splits
        ]
        return scoring.score(
            self.desk.datasets, self.manifest, splits, predictions,
            metric=self.metric, ladder=ladder, files=self.desk.files,
        )  # fmt: skip

    def entrant(self, name: str, scored: Scored, split: Split = "board", **more: Any) -> Entrant:
        """Return a scored model as an errand names it, with its shadow."""
        kept_of = {a.name: a.sha256 for a in scored.artifacts}
        return Entrant(
            submission=name.lower(),
            name=name,
            statistics=kept_of[f"statistics-{split}.npz"],
            shadow=kept_of.get("statistics-shadow.npz"),
            **more,
        )


def _light(images: int, nights: bool) -> dict[str, tuple[str, ...]]:
    return (
        {"light": ("night", "day", "day") * (images // 3) + ("day",) * (images % 3)}
        if nights
        else {}
    )


def season(folder: Path, task: Task) -> Season:
    """Return one on a desk of its own in ``folder``."""
    return Season(Desk(folder / "files", folder / "datasets"), task)
