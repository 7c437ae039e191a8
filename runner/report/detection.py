"""What a detector found and missed on dev, by hotcoco, for pictures and galleries.

The figures that rank are ``runner.tasks``' affair; this one looks at single boxes.
"""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.datasets.truth import Boxes
from runner.report.evidence import Evidence

SURE = 0.3  #: an object that is only found with less confidence than this is shown as missed
_RECALLS = np.linspace(0, 1, 101)
#: TIDE's kinds of error (Bolya et al. 2020, ECCV), in a learner's words
TIDE = {
    "Cls": "right place, wrong class",
    "Loc": "right class, box off",
    "Both": "wrong class and box off",
    "Dupe": "found a second time",
    "Bkg": "nothing is there",
    "Miss": "never found",
}


@dataclass(frozen=True)
class Found:
    """One image's boxes in pixels of the fed image: x1, y1, x2, y2 [k, 4] each."""

    hits: NDArray[np.float64]
    false: NDArray[np.float64]
    false_scores: NDArray[np.float64]  #: [k]
    false_classes: NDArray[np.int64]  #: [k]
    missed: NDArray[np.float64]
    missed_classes: NDArray[np.int64]  #: [k]


class Detections:
    """A model's boxes on dev against the true ones."""

    def __init__(self, evidence: Evidence) -> None:
        """Match them (COCO's rules, IoU .50 to .95). Costs about 60 µs a box."""
        from hotcoco import COCO, COCOeval

        assert isinstance(evidence.truth, Boxes)
        self._truth = evidence.truth
        self._rows = evidence.predictions
        self._image, self._place = np.nonzero(self._rows[:, :, 4] >= 0)
        truth = COCO(_as_coco(evidence.truth, evidence.manifest.classes))
        self._evaluation = COCOeval(truth, truth.loadRes(self._as_results()), "bbox")
        self._evaluation.evaluate()
        self._evaluation.accumulate()

    def _as_results(self) -> NDArray[np.float64] | list[dict[str, Any]]:
        """Return [k, 7]: image, x, y, width, height, score, class, in pixels of the originals."""
        found = self._rows[self._image, self._place].astype(np.float64)
        if not len(found):
            return []
        scale, pad = self._truth.scale[self._image], self._truth.pad[self._image]
        low, high = (found[:, :2] - pad) / scale, (found[:, 2:4] - pad) / scale
        return np.column_stack(
            [self._image + 1, low, np.maximum(high - low, 0), found[:, 4], found[:, 5] + 1]
        )

    def curve(self, iou: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return recall [101] and precision [101], the mean over classes that occur."""
        threshold = round((iou - 0.5) / 0.05)
        assert self._evaluation.eval is not None
        found = self._evaluation.eval["precision"][threshold, :, :, 0, -1]
        there = found[:, (found > -1).all(axis=0)]
        precision = there.mean(axis=1) if there.shape[1] else np.zeros(len(_RECALLS))
        return _RECALLS, precision

    def mean_ap(self) -> float:
        """Return the mean over classes and IoU .50 to .95, as COCO has it; 0 without objects."""
        assert self._evaluation.eval is not None
        found = self._evaluation.eval["precision"][:, :, :, 0, -1]
        return float(found[found > -1].mean()) if (found > -1).any() else 0.0

    def confusion(self) -> NDArray[np.int64]:
        """Return counts [classes + 1, classes + 1] at IoU .50; the last one is "nothing there".

        Row: what is there; column: what was found.
        """
        said: NDArray[np.int64] = self._evaluation.confusion_matrix(min_score=SURE)["matrix"]
        return said.astype(np.int64)

    @functools.cached_property
    def tide(self) -> dict[str, tuple[float, int]]:
        """For each kind of error, the AP at IoU .50 that it costs, and how often it occurs."""
        said = self._evaluation.tide_errors()
        return {kind: (said["delta_ap"][kind], said["counts"][kind]) for kind in TIDE}

    @functools.cached_property
    def _diagnosis(self) -> dict[str, Any]:
        said: dict[str, Any] = self._evaluation.image_diagnostics(iou_thr=0.5)
        return said

    @functools.cached_property
    def quality(self) -> NDArray[np.float64]:
        """AP at IoU .50 of each image [n] alone; 1 where nothing is there and nothing was found."""
        summary = self._diagnosis["img_summary"]
        quality = np.ones(len(self._truth))
        for image in range(len(quality)):
            said = summary.get(image + 1)
            if said is not None and said["tp"] + said["fp"] + said["fn"]:
                quality[image] = max(float(said["ap"]), 0.0)
        return quality

    def found(self, image: int) -> Found:
        """Return what was found, invented and missed on one image."""
        status, matched = self._diagnosis["dt_status"], self._diagnosis["gt_match"]
        rows = np.flatnonzero(self._image == image)
        hit = np.array([status.get(int(r) + 1) == "tp" for r in rows], bool)
        invented = np.array([status.get(int(r) + 1) == "fp" for r in rows], bool)
        boxes = self._rows[image, self._place[rows]].astype(np.float64).reshape(-1, 6)
        objects = np.flatnonzero((self._truth.image == image) & ~self._truth.crowd)
        missed = np.array(
            [o for o in objects if not self._found_surely(matched.get(int(o) + 1))], np.int64
        )
        true = self._truth.box[missed].reshape(-1, 4)
        scale, pad = self._truth.scale[image], self._truth.pad[image]
        corners = np.concatenate([true[:, :2], true[:, :2] + true[:, 2:]], axis=1)
        return Found(
            boxes[hit, :4],
            boxes[invented, :4],
            boxes[invented, 4],
            boxes[invented, 5].astype(np.int64),
            corners * np.tile(scale, 2) + np.tile(pad, 2),
            self._truth.category[missed],
        )

    def _found_surely(self, detection: int | None) -> bool:
        if detection is None:
            return False
        row = detection - 1
        return bool(self._rows[self._image[row], self._place[row], 4] >= SURE)

    @functools.cached_property
    def harm(self) -> NDArray[np.float64]:
        """How bad each image [n] is: the scores of what was invented, and 1 for what was missed."""
        harm = np.zeros(len(self._truth))
        for row, status in self._diagnosis["dt_status"].items():
            if status == "fp":
                place = row - 1
                score = float(self._rows[self._image[place], self._place[place], 4])
                harm[self._image[place]] += score if score >= SURE else 0.0
        matched = self._diagnosis["gt_match"]
        for thing in np.flatnonzero(~self._truth.crowd):
            harm[self._truth.image[thing]] += not self._found_surely(matched.get(int(thing) + 1))
        return harm


def detections_of(evidence: Evidence) -> Detections | None:
    """Return the matched boxes; None for a task that has none."""
    return Detections(evidence) if evidence.task == "detection" else None


def _as_coco(truth: Boxes, classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "images": [
            {"id": place + 1, "height": int(h), "width": int(w)}
            for place, (h, w) in enumerate(truth.size)
        ],
        "categories": [{"id": place + 1, "name": name} for place, name in enumerate(classes)],
        "annotations": [
            {
                "id": place + 1,
                "image_id": int(truth.image[place]) + 1,
                "category_id": int(truth.category[place]) + 1,
                "bbox": truth.box[place].tolist(),
                "area": float(truth.area[place]),
                "iscrowd": int(truth.crowd[place]),
            }
            for place in range(len(truth.image))
        ],
    }
