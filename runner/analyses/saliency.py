"""What a classifier looks at: maps by occlusion and by RISE, and whether they tell more than chance.

Both only ask the model, so they work on any file. For boxes and masks there is no single answer to
explain, and the answer already says where.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.analyses import maps
from runner.analyses.runs import MOST_BYTES, File, Images, Runs, places_wanted, seed_wanted
from runner.predictions import as_npy
from runner.tasks import calibration
from runner.tasks.classification import are_probabilities

MOST_IMAGES = 24
_CHOSEN = 6  #: images, where nobody names some
_SAMPLE = 1024  #: dev images among which to choose
_STEPS = np.linspace(0, 1, 21)  #: shares that are deleted
_METHODS = ("occlusion", "rise")
_FIRST, _MAPPED = 0.1, 0.7  # shares of the progress after each stage
_CHUNK = 32  # masked images that are made at once


@dataclass(frozen=True)
class Effort:
    """How often the model is asked about one image."""

    overlap: bool  #: of the windows
    masks: int
    orders: int  #: random ones, averaged

    def images(self, h: int, w: int) -> int:
        """Return how many images that makes."""
        curves = len(_METHODS) + self.orders
        return len(maps.windows(h, w, overlap=self.overlap)) + self.masks + curves * len(_STEPS)


EFFORTS = (Effort(True, 512, 4), Effort(False, 256, 2), Effort(False, 96, 1))


@dataclass(frozen=True)
class _Explained:
    """The images that are explained, and what the model said of them as they are."""

    places: NDArray[np.int64]
    images: Images
    classes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    probable: bool  #: the model gives probabilities, not logits

    def sure(self, rows: NDArray[Any], image: int) -> NDArray[np.float64]:
        """Return the confidence [n] in the class that is explained, from rows [n, classes]."""
        return _probabilities(rows, probable=self.probable)[:, self.classes[image]]


def run(runs: Runs) -> list[File]:
    """Return ``saliency.json`` and the maps. Raises Refusal."""
    wanted = places_wanted(runs.evaluation, runs.dev.rows)
    seed = seed_wanted(runs.evaluation)
    found = _explained(runs, wanted, seed)
    found, effort = _within_time(runs, found, chosen=wanted is None)
    of = _maps(runs, found, effort, seed)
    return _files(found, of, _curves(runs, found, of, effort, seed))


def _explained(runs: Runs, wanted: list[int] | None, seed: int) -> _Explained:
    """Return the images that were named, or some from the least sure to the surest."""
    if wanted is None:
        m = runs.manifest
        most = min(_SAMPLE, max(1, MOST_BYTES // (m.height * m.width * m.channels)))
        places = np.sort(np.random.default_rng(seed).permutation(runs.dev.rows)[:most])
    else:
        places = np.array(wanted[:MOST_IMAGES], np.int64)
    images = runs.images[places]
    rows = runs.over(images, upto=_FIRST).rows[0]
    probable = are_probabilities(rows)
    shares = _probabilities(rows, probable=probable)
    sure = shares.max(axis=1)
    keep = np.arange(len(places))
    if wanted is None:
        order = np.argsort(sure, kind="stable")
        keep = order[np.unique(np.linspace(0, len(order) - 1, _CHOSEN).round().astype(np.int64))]
    return _Explained(places[keep], images[keep], shares.argmax(axis=1)[keep], sure[keep], probable)


def _within_time(runs: Runs, found: _Explained, *, chosen: bool) -> tuple[_Explained, Effort]:
    """Return the greatest effort that there is time for; fewer images where we chose them."""
    h, w = found.images.shape[1:3]
    for effort in EFFORTS:
        most = runs.affordable(images=effort.images(h, w))
        if most >= len(found.places):
            return found, effort
    runs.refuse_too_slow(most, least=1 if chosen else len(found.places), what="images explained")
    some = np.unique(np.linspace(0, len(found.places) - 1, most).round().astype(np.int64))
    less = _Explained(
        found.places[some], found.images[some], found.classes[some], found.confidence[some],
        found.probable,
    )  # fmt: skip
    return less, effort


def _maps(
    runs: Runs, found: _Explained, effort: Effort, seed: int
) -> dict[str, NDArray[np.float32]]:
    """Return maps [k, h, w] by method."""
    h, w = found.images.shape[1:3]
    where = maps.windows(h, w, overlap=effort.overlap)

    def masks(image: int) -> list[maps.Map]:
        rng = np.random.default_rng([seed, int(found.places[image])])
        return list(maps.masks(effort.masks, h, w, rng))

    def made() -> Iterator[Images]:
        for number, image in enumerate(found.images):
            for at in range(0, len(where), _CHUNK):
                yield maps.hidden(image, where[at : at + _CHUNK])
            shut = masks(number)
            for at in range(0, effort.masks, _CHUNK):
                yield np.stack([maps.masked(image, mask) for mask in shut[at : at + _CHUNK]])

    each = len(where) + effort.masks
    rows = runs.through(made(), total=each * len(found.places), upto=_MAPPED)
    of: dict[str, list[maps.Map]] = {name: [] for name in _METHODS}
    for number, part in enumerate(np.split(rows, len(found.places))):
        sure = found.sure(part, number)
        before = float(found.confidence[number])
        of["occlusion"].append(maps.occlusion_map((h, w), where, before, sure[: len(where)]))
        of["rise"].append(maps.rise_map(masks(number), sure[len(where) :]))
    return {name: np.stack(each) for name, each in of.items()}


def _curves(
    runs: Runs, found: _Explained, of: dict[str, NDArray[np.float32]], effort: Effort, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Return confidence [k, s] after deleting each share: by each method, and at random."""
    h, w = found.images.shape[1:3]
    count = int(maps.blocks(h, w).max()) + 1

    def made() -> Iterator[Images]:
        for number, image in enumerate(found.images):
            rng = np.random.default_rng([seed, int(found.places[number]), 1])
            orders = [maps.order_of(of[name][number]) for name in _METHODS]
            orders += [rng.permutation(count) for _ in range(effort.orders)]
            for order in orders:
                yield maps.deletions(image, order, _STEPS)

    curves = len(_METHODS) + effort.orders
    total = len(found.places) * curves * len(_STEPS)
    rows = runs.through(made(), total=total, upto=1)
    sure = np.stack(
        [
            found.sure(part, number).reshape(curves, len(_STEPS))
            for number, part in enumerate(np.split(rows, len(found.places)))
        ]
    )
    names = dict(zip(_METHODS, np.moveaxis(sure, 1, 0), strict=False))
    return names | {"random": sure[:, len(_METHODS) :].mean(axis=1)}


def _files(
    found: _Explained, of: dict[str, NDArray[np.float32]], curves: dict[str, NDArray[np.float64]]
) -> list[File]:
    told = {
        name: {
            "deletion_auc": maps.area(curve, _STEPS).tolist(),
            "curve": curve.tolist(),
            **({"file": f"saliency-{name}.npy"} if name in of else {}),
        }
        for name, curve in curves.items()
    }
    said = {
        "version": 1,
        "images": found.places.tolist(),
        "classes": found.classes.tolist(),
        "confidence": found.confidence.tolist(),
        "methods": {name: told[name] for name in _METHODS},
        "random": told["random"],
        "fractions": _STEPS.tolist(),
    }
    return [
        File("saliency.json", json.dumps(said).encode(), "application/json"),
        *(File(f"saliency-{n}.npy", as_npy(each), "application/x-npy") for n, each in of.items()),
    ]


def _probabilities(rows: NDArray[Any], *, probable: bool) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    return wide if probable else calibration.softmax(wide)
