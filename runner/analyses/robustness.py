"""What a model stands: the same dev images as they are, and corrupted more and more."""

import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.analyses.corruptions import SEVERITIES, corrupted, corruptions_for
from runner.analyses.runs import MOST_BYTES, File, Runs, places_wanted, seed_wanted
from runner.predictions import as_npy
from runner.tasks.rows import row_of

MOST_IMAGES = 256  #: each comes in some thirty variants
_LEAST_IMAGES = 8
_MOST_ROWS = 512 << 20  # bytes of all answers together: masks are large
_AS_THEY_ARE = 0.05  # share of the progress that is done with the images as they are

Variant = tuple[str, int]  # corruption, severity


def run(runs: Runs) -> list[File]:
    """Return ``robustness.json`` and the rows of each variant. Raises Refusal.

    A slow model is shown fewer images: a sample that begins like the larger one.
    """
    task = runs.manifest.task
    variants = [(name, level) for name in corruptions_for(task) for level in SEVERITIES]
    wanted = places_wanted(runs.evaluation, runs.dev.rows)
    seed = seed_wanted(runs.evaluation)
    places = _sample(runs, len(variants), seed) if wanted is None else np.array(wanted, np.int64)
    clean = runs.over(runs.images[places], upto=_AS_THEY_ARE).rows[0]
    images = runs.images[places]
    begun = time.monotonic()
    for name, level in variants:
        corrupted(images[:1], places[:1], name, level, seed=seed)
    making = time.monotonic() - begun
    most = runs.affordable(images=len(variants), making=making)
    least = min(_LEAST_IMAGES, len(places)) if wanted is None else len(places)
    runs.refuse_too_slow(most, least=least, what="images in all variants")
    places, images, clean = places[:most], images[:most], clean[:most]
    made = (corrupted(images, places, name, level, seed=seed) for name, level in variants)
    rows = runs.through(made, total=len(variants) * len(places), upto=1)
    found = dict(zip(variants, np.split(rows, len(variants)), strict=True))
    return _files(places, {("none", 0): clean} | found)


def _sample(runs: Runs, variants: int, seed: int) -> NDArray[np.int64]:
    """Return places in dev, in the order of a shuffle: as many as memory has room for."""
    m = runs.manifest
    most = min(
        MOST_IMAGES,
        MOST_BYTES // (m.height * m.width * m.channels),
        _MOST_ROWS // (row_of(m).size * (variants + 1)),
    )
    return np.random.default_rng(seed).permutation(runs.dev.rows)[: max(1, most)]


def _files(places: NDArray[np.int64], rows: dict[Variant, NDArray[Any]]) -> list[File]:
    names = {v: f"robustness-{v[0]}-{v[1]}.npy" for v in rows}
    said = {
        "version": 1,
        "images": places.tolist(),
        "variants": [
            {"corruption": corruption, "severity": severity, "file": name}
            for (corruption, severity), name in names.items()
        ],
    }
    return [
        File("robustness.json", json.dumps(said).encode(), "application/json"),
        *(File(name, as_npy(rows[v]), "application/x-npy") for v, name in names.items()),
    ]
