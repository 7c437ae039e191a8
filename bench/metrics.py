"""Detections, masks and labels scored, resampled and ranked, beside what a member would write."""

import contextlib
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bench.figures import Figure
from runner.errands import Entrant
from runner.ranking import draws, ties
from runner.tasks import coco, detected, statistics
from runner.tasks.classification import Classified
from runner.tasks.coco import Objects
from runner.tasks.segmentation import Segmented

IMAGES, EACH, CLASSES = 5_000, 100, 80
FEW = 500  #: images that pycocotools is given: all of them take it half a minute and more
SIDE = 640
MODELS, LABELS, RESAMPLES = 50, 10_000, 1_000
_NAIVE = 20  # resamples of the plain scripts, whose time is multiplied
_SEED = 11


def measure() -> list[Figure]:
    return [*_boxes(), *_masks(), *_ties(), *_detectors()]


def _timed(run: Callable[[], Any], *, times: int = 1) -> tuple[float, Any]:
    """Seconds of the fastest of *times* runs, and what it gave."""
    best, given = float("inf"), None
    for _ in range(times):
        started = time.perf_counter()
        given = run()
        best = min(best, time.perf_counter() - started)
    return best, given


def _world(images: int) -> tuple[Objects, Objects, np.ndarray]:
    """COCO-like: seven objects an image, a hundred detections, some of which are near one."""
    random = np.random.default_rng(_SEED)
    image = np.repeat(np.arange(images), 7)
    size = np.exp(random.normal(4, 0.8, (len(image), 2))).clip(8, 400)
    box = np.hstack([random.uniform(0, SIDE - 8, (len(image), 2)), size])
    category = random.integers(0, CLASSES, len(image))
    truth = Objects(
        image, box, category, area=box[:, 2:].prod(axis=1), crowd=np.zeros(len(image), np.bool_)
    )
    near = np.repeat(np.arange(len(image)), 2)
    close = box[near] + random.normal(0, 0.08, (len(near), 4)) * np.tile(size[near], 2)
    far = images * (EACH - 14)
    elsewhere = np.hstack([random.uniform(0, SIDE - 8, (far, 2)), random.uniform(8, 200, (far, 2))])
    found = Objects(
        np.r_[image[near], np.repeat(np.arange(images), EACH - 14)],
        np.maximum(np.r_[close, elsewhere], 1),
        np.r_[category[near], random.integers(0, CLASSES, far)],
        score=np.r_[random.beta(4, 2, len(near)), random.beta(1, 6, far)],
    )
    return truth, found, np.full((images, 2), SIDE)


def _boxes() -> list[Figure]:
    truth, found, size = _world(IMAGES)
    seconds, evaluation = _timed(
        lambda: coco.evaluated(truth, found, size=size, classes=CLASSES), times=3
    )
    ours = coco.figures(evaluation)["ap"]
    few = _world(FEW)
    slow, theirs = _timed(lambda: _pycocotools(*few[:2], FEW))
    same = coco.figures(coco.evaluated(few[0], few[1], size=few[2], classes=CLASSES))["ap"]
    kept = detected.detected(truth, found, images=IMAGES, classes=CLASSES)
    took, (low, high) = _timed(lambda: statistics.interval(kept, "ap", count=RESAMPLES))
    return [
        Figure(
            f"COCO's 12 figures, {IMAGES:,} images, {len(found.image):,} detections",
            f"{seconds:.2f} s (AP {ours:.3f})", "≤ 0.5 s", seconds <= 0.5,
        ),
        Figure(
            f"the same by pycocotools, {FEW:,} of the images, times {IMAGES // FEW}",
            f"{slow * IMAGES / FEW:.0f} s (AP there differs by {abs(theirs - same):.0e})", "", None,
        ),
        Figure(
            f"95 % interval of AP from {RESAMPLES:,} resamples of them",
            f"{took:.1f} s ({low:.3f} to {high:.3f})", "≤ 6 s", took <= 6,
        ),
        Figure(
            f"the same by pycocotools once a resample, from one run on {FEW:,} images",
            f"{slow * IMAGES / FEW * RESAMPLES / 3600:.1f} h", "", None,
        ),
    ]  # fmt: skip


def _pycocotools(truth: Objects, found: Objects, images: int) -> float:
    rows = zip(truth.image.tolist(), truth.category.tolist(), truth.box.tolist(), strict=True)
    theirs = COCO()
    theirs.dataset = {
        "images": [{"id": n, "height": SIDE, "width": SIDE} for n in range(images)],
        "categories": [{"id": k, "name": str(k)} for k in range(CLASSES)],
        "annotations": [
            {"id": n + 1, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
            for n, (i, c, b) in enumerate(rows)
        ],
    }  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        theirs.createIndex()
        results = theirs.loadRes(np.c_[found.image, found.box, found.score, found.category])
        evaluation = COCOeval(theirs, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return float(evaluation.stats[0])


def _masks() -> list[Figure]:
    images, classes = 1_449, 21  # Pascal VOC's val
    random = np.random.default_rng(_SEED)
    confusions = random.integers(0, 3_000, (images, classes, classes))
    kept = Segmented(
        np.diagonal(confusions, axis1=1, axis2=2).copy(),
        confusions.sum(axis=2),
        confusions.sum(axis=1),
    )
    seconds, _ = _timed(lambda: statistics.interval(kept, "miou", count=RESAMPLES), times=3)

    def plain() -> None:
        for _ in range(_NAIVE):
            drawn = confusions[random.integers(0, images, images)].sum(axis=0)
            hits = np.diagonal(drawn)
            (hits / (drawn.sum(axis=0) + drawn.sum(axis=1) - hits)).mean()

    naive, _ = _timed(plain)
    return [
        Figure(
            f"95 % interval of mIoU, {images:,} images, {classes} classes, {RESAMPLES:,} resamples",
            f"{1000 * seconds:.0f} ms", "≤ 100 ms", seconds <= 0.1,
        ),
        Figure(
            f"the same, drawing confusions once a resample, from {_NAIVE} of them",
            f"{1000 * naive * RESAMPLES / _NAIVE:,.0f} ms", "", None,
        ),
    ]  # fmt: skip


def _ties() -> list[Figure]:
    random = np.random.default_rng(_SEED)
    true = random.integers(0, 10, LABELS).astype(np.int32)
    rights = random.random((MODELS, LABELS)) < np.linspace(0.9, 0.85, MODELS)[:, None]
    sure = np.ones(LABELS, np.float32)
    models = [
        Classified(true, np.where(right, true, (true + 1) % 10), right, right, sure, 10)
        for right in rights
    ]
    entrants = [
        Entrant(submission=f"{n:02}", name=f"{n}", statistics="0" * 64) for n in range(MODELS)
    ]
    seconds, ranking = _timed(
        lambda: ties.rank(entrants, models, "accuracy", resamples=RESAMPLES), times=3
    )
    places = len({row.rank for row in ranking.ranked})

    def plain() -> None:
        for _ in range(_NAIVE):
            drawn = random.integers(0, LABELS, LABELS)
            values = [right[drawn].mean() for right in rights]
            max(abs(a - b) for a in values for b in values)

    naive, _ = _timed(plain)
    return [
        Figure(
            f"tie groups of {MODELS} models, {LABELS:,} images, {RESAMPLES:,} resamples",
            f"{seconds:.2f} s ({places} places)", "≤ 2 s", seconds <= 2,
        ),
        Figure(
            f"the same model by model once a resample, from {_NAIVE} of them",
            f"{naive * RESAMPLES / _NAIVE:.1f} s", "", None,
        ),
    ]  # fmt: skip


def _detectors() -> list[Figure]:
    """A board of detectors that one joins: the others were drawn before."""
    truth, found, _ = _world(IMAGES)
    kept = detected.detected(truth, found, images=IMAGES, classes=CLASSES)
    entrants = [
        Entrant(submission=f"{n:02}", name=f"{n}", statistics=f"{n:064x}") for n in range(MODELS)
    ]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)

        def joined(many: int) -> float:
            there = entrants[:many]
            return _timed(lambda: ties.rank(there, [kept] * many, "ap", folder=folder))[0]

        first = joined(1)
        [drawn] = folder.iterdir()
        # The others' draws are this one's, each a little apart: what a board of other models keeps.
        random = np.random.default_rng(_SEED)
        with mock.patch.object(draws, "draw") as draw:
            numbers = np.load(drawn)
            draw.side_effect = lambda *_, **__: draws.Drawn(
                numbers[0], numbers[1], numbers[2:] + random.normal(0, 0.002, len(numbers) - 2)
            )
            joined(MODELS - 1)
        seconds = joined(MODELS)
    return [
        Figure(
            f"a detector joins a board of {MODELS}, {IMAGES:,} images, {RESAMPLES:,} resamples",
            f"{seconds:.1f} s", "≤ 180 s", seconds <= 180,  # after which the desk is stopped
        ),
        Figure(
            f"the same where nothing was kept, from 1 of the {MODELS}",
            f"{first * MODELS:.0f} s", "", None,
        ),
    ]  # fmt: skip
