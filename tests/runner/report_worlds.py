"""Small datasets of shapes with boxes and masks, as they lie on a desk, and models that see them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from runner import blobs
from runner.contract import (
    Artifact,
    ClassScore,
    DatasetManifest,
    Metric,
    SplitFacts,
    SplitScore,
    Task,
)
from runner.desk import Desk
from runner.predictions import as_npy
from runner.tasks.rows import MOST_DETECTIONS

SIDE = 48
CLASSES = ("circle", "square")


class ShapesWorld:
    """A desk with ``images`` dev images of bright shapes on grey, up to three on each."""

    def __init__(self, folder: Path, task: Task, *, images: int = 30) -> None:
        rng = np.random.default_rng(5)
        self.task = task
        self.desk = Desk(folder / "files", folder / "datasets")
        self.pixels = rng.integers(60, 110, (images, SIDE, SIDE, 3), dtype=np.uint8)
        self.masks = np.zeros((images, SIDE, SIDE), np.uint8)
        self.boxes: list[list[tuple[int, int, int, int, int]]] = []
        for image in range(images):
            self.boxes.append([])
            for _ in range(rng.integers(0 if image % 7 == 6 else 1, 3)):
                side, kind = int(rng.integers(8, 18)), int(rng.integers(0, 2))
                x, y = (int(v) for v in rng.integers(0, SIDE - side, 2))
                self._paint(image, x, y, side, kind)
                self.boxes[image].append((x, y, side, side, kind))
        self.manifest = self._write()

    def _paint(self, image: int, x: int, y: int, side: int, kind: int) -> None:
        rows, columns = np.mgrid[:SIDE, :SIDE]
        if kind == 0:
            middle, half = (x + side / 2, y + side / 2), side / 2
            shape = (columns + 0.5 - middle[0]) ** 2 + (rows + 0.5 - middle[1]) ** 2 <= half**2
        else:
            shape = (columns >= x) & (columns < x + side) & (rows >= y) & (rows < y + side)
        self.pixels[image][shape] = (230, 120, 40) if kind == 0 else (60, 160, 230)
        first = self.task == "segmentation"  # class 0 is the background
        self.masks[image][shape] = kind + first

    def _write(self) -> DatasetManifest:
        classes = ("background", *CLASSES) if self.task == "segmentation" else CLASSES
        key = f"shapes-{'0' * 12}"
        manifest = DatasetManifest(
            key=key, name="Shapes", task=self.task, classes=classes, height=SIDE, width=SIDE,
            channels=3, licence="CC0",
            splits=(SplitFacts(split="dev", images=len(self.pixels), per_class=(0,) * len(classes)),),
        )  # fmt: skip
        folder = self.desk.datasets / key
        for part in ("images", "labels", "attributes"):
            (folder / part).mkdir(parents=True)
        np.save(folder / "images" / "dev.npy", self.pixels)
        if self.task == "segmentation":
            np.save(folder / "labels" / "dev.npy", self.masks)
        else:
            np.savez(folder / "labels" / "dev.npz", **self._coco())
        night = ["night" if image % 3 == 0 else "day" for image in range(len(self.pixels))]
        (folder / "attributes" / "dev.json").write_text(json.dumps({"light": night}))
        (folder / "manifest.json").write_text(manifest.model_dump_json())
        return manifest

    def _coco(self) -> dict[str, Any]:
        flat = [(image, *box) for image, boxes in enumerate(self.boxes) for box in boxes]
        table = np.array(flat, np.float64).reshape(-1, 6)
        n = len(self.pixels)
        return {
            "image": table[:, 0].astype(np.int64),
            "box": table[:, 1:5],
            "category": table[:, 5].astype(np.int64),
            "area": table[:, 3] * table[:, 4],
            "crowd": np.zeros(len(table), bool),
            "size": np.full((n, 2), SIDE, np.int64),
            "scale": np.ones((n, 2)),
            "pad": np.zeros((n, 2)),
        }

    def predictions(self, *, skill: float, seed: int = 0) -> Artifact:
        """Those of a model that does a share ``skill`` of all objects right."""
        rng = np.random.default_rng(seed)
        found = self._masks(skill, rng) if self.task == "segmentation" else self._rows(skill, rng)
        return self.stored(found)

    def stored(self, found: Any) -> Artifact:
        data = as_npy(found)
        return blobs.store(self.desk.files, data, name="p.npy", media_type="application/x-npy")

    def _masks(self, skill: float, rng: np.random.Generator) -> Any:
        said = self.masks.copy()
        for image in range(len(said)):
            if rng.random() > skill:
                said[image] = np.roll(said[image], int(rng.integers(2, 9)), axis=1)
        return said

    def _rows(self, skill: float, rng: np.random.Generator) -> Any:
        rows = np.full((len(self.pixels), MOST_DETECTIONS, 6), -1, np.float32)
        for image, boxes in enumerate(self.boxes):
            said = [
                (x, y, x + w, y + h, rng.uniform(0.6, 1), kind)
                for x, y, w, h, kind in boxes
                if rng.random() < skill
            ]
            if rng.random() > skill:
                said.append((2, 2, 20, 22, rng.uniform(0.3, 0.8), 1))
            for place, row in enumerate(sorted(said, key=lambda row: -row[4])):
                rows[image, place] = row
        return rows

    def score(self, value: float = 0.5) -> SplitScore:
        """A score as the task would tell it, with made-up figures."""
        box = self.task == "detection"
        classes = tuple(
            ClassScore(name=n, support=9, **({"ap": 0.4} if box else {"iou": 0.6, "dice": 0.7}))
            for n in self.manifest.classes
        )
        metric = Metric(name="ap" if box else "miou", value=value, low=0.4, high=0.6)
        return SplitScore(split="dev", images=len(self.pixels), metrics=(metric,), classes=classes)
