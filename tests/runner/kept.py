"""Statistics of models that never ran: what is kept of each image, drawn at random."""

import numpy as np

from runner.datasets.truth import Boxes
from runner.tasks import detection, segmentation
from runner.tasks.classification import Classified
from runner.tasks.detected import Detected, detected
from runner.tasks.segmentation import Segmented

SIDE = 200


def classified(right: np.ndarray, *, classes: int = 10) -> Classified:
    """A model that is right where ``right`` [n] says so, and else takes the next class."""
    right = np.asarray(right, np.bool_)
    true = (np.arange(len(right)) % classes).astype(np.int32)
    predicted = np.where(right, true, (true + 1) % classes).astype(np.int32)
    return Classified(true, predicted, right, right, np.full(len(right), 0.5, np.float32), classes)


def named(random: np.random.Generator, images: int, *, classes: int = 4) -> Classified:
    """A classifier that knows some classes better than others, on images of all alike."""
    true = np.arange(images) % classes
    return classified(
        random.random(images) < np.linspace(0.6, 0.95, classes)[true], classes=classes
    )


def luck(models: int, images: int, share: float, seed: int) -> np.ndarray:
    """Right and wrong [models, images] of models that are right by chance alone."""
    return np.random.default_rng(seed).random((models, images)) < share


def segmented(random: np.random.Generator, images: int, *, classes: int = 4) -> Segmented:
    """A model on images of uneven difficulty, each of a few classes."""
    masks = random.integers(0, classes, (images, 1, 1)) * np.ones((1, 12, 12), np.int64)
    masks[:, :, 6:] = random.integers(0, classes, (images, 1, 1))
    hard = random.beta(2, 3, (images, 1, 1))
    wrong = random.random(masks.shape) < hard
    said = np.where(wrong, random.integers(0, classes, masks.shape), masks)
    return segmentation.read(said.astype(np.uint8), masks.astype(np.uint8), classes=classes)[0]


def boxes_of(random: np.random.Generator, images: int, *, classes: int = 2) -> Boxes:
    """One to four objects on each image."""
    image = np.repeat(np.arange(images), random.integers(1, 5, images))
    size = random.uniform(20, 60, (len(image), 2))
    box = np.hstack([random.uniform(0, SIDE - 60, (len(image), 2)), size])
    return Boxes(
        image=image, box=box, category=random.integers(0, classes, len(image)),
        area=size.prod(axis=1), crowd=np.zeros(len(image), np.bool_),
        size=np.full((images, 2), SIDE), scale=np.ones((images, 2)), pad=np.zeros((images, 2)),
    )  # fmt: skip


def rows_for(truth: Boxes, random: np.random.Generator, *, skill: float = 0.7) -> np.ndarray:
    """Detections [n, 100, 6] that find a share ``skill`` of all objects, and some that are none."""
    rows = np.full((len(truth), 100, 6), -1, np.float32)
    used = np.zeros(len(truth), np.int64)
    shaken = truth.box + random.normal(0, 3, truth.box.shape)
    for n, (image, (x, y, w, h)) in enumerate(zip(truth.image, shaken, strict=True)):
        kind = truth.category[n] if random.random() < skill else 1 - truth.category[n]
        rows[image, used[image]] = (x, y, x + w, y + h, random.beta(2 + 3 * skill, 2), kind)
        used[image] += 1
    return rows


def boxed(random: np.random.Generator, images: int, *, skill: float = 0.7) -> Detected:
    """A detector of two classes."""
    truth = boxes_of(random, images)
    found = detection.boxes(rows_for(truth, random, skill=skill), truth)
    return detected(detection.objects(truth), found, images=images, classes=2)
