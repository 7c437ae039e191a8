"""Predicts a few images once more in the ways that the model could also have been meant."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from runner.failures import Refusal
from runner.formats.preprocessing import Preprocessing
from runner.formats.signature import ImageShape, Signature
from runner.predict.feeding import Feed, Images, Rows
from runner.predict.heads import Head

_BATCH = 16
_FEW = 8


@dataclass(frozen=True)
class Way:
    """One way in which a model could have been meant: how it is fed, and how its answer is read."""

    head: Head
    feed: Feed


def batch_of(signature: Signature, images: int) -> int:
    """Return how many of a few ``images`` are predicted at once."""
    return signature.batch or min(_BATCH, images)


def fed_otherwise(
    signature: Signature, image: ImageShape, contracts: Mapping[str, Preprocessing], *, batch: int
) -> dict[str, Feed]:
    """Return a feed for each contract; of a contract, only the numbers and the colour are taken."""
    own = signature.preprocessing
    feeds = {}
    for name, how in contracts.items():
        numbers = replace(own, scale=how.scale, mean=how.mean, std=how.std, colour=how.colour)
        feeds[name] = Feed(replace(signature, preprocessing=numbers), image, batch=batch)
    return feeds


def predict_otherwise(
    ways: Mapping[str, Way],
    *,
    images: Images,
    into: Mapping[str, Rows],
    batch: int,
    seconds: float,
) -> None:
    """Write the rows of ``images`` in each way to ``into``, within about ``seconds``.

    What there is no time for, and what fails in a way, is left unwritten: the model was not made
    for it. A few images of each way come first.
    """
    until = time.perf_counter() + seconds
    left = dict(ways)
    for begin in range(0, len(images), batch):
        for name, way in list(left.items()):
            if begin >= _FEW and time.perf_counter() > until:
                return
            end = begin + batch
            try:
                with np.errstate(all="ignore"):
                    way.head.write(way.feed.fill(images[begin:end]), into[name][begin:end])
            except Refusal:
                del left[name]
