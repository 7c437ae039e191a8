"""Predicts a few images once more under the contracts that the model could also have meant."""

import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from runner.failures import Refusal
from runner.formats.preprocessing import Preprocessing
from runner.formats.signature import ImageShape, Signature
from runner.predict.feeding import Feed, Images, Rows
from runner.predict.heads import Head

_BATCH = 16
_FEW = 8


def predict_otherwise(
    head: Head,
    signature: Signature,
    image: ImageShape,
    *,
    contracts: Mapping[str, Preprocessing],
    images: Images,
    into: Mapping[str, Rows],
    seconds: float,
) -> None:
    """Write the rows of ``images`` under each contract to ``into``, within about ``seconds``.

    What there is no time for, and what fails under a contract, is left unwritten: the model was
    not made for it. A few images of each contract come first.
    """
    until = time.perf_counter() + seconds
    batch = signature.batch or min(_BATCH, len(images))
    own = signature.preprocessing
    feeds = {}
    for name, how in contracts.items():
        numbers = replace(own, scale=how.scale, mean=how.mean, std=how.std, colour=how.colour)
        feeds[name] = Feed(replace(signature, preprocessing=numbers), image, batch=batch)
    for begin in range(0, len(images), batch):
        for name, feed in list(feeds.items()):
            if begin >= _FEW and time.perf_counter() > until:
                return
            end = begin + batch
            try:
                with np.errstate(all="ignore"):
                    head.write(feed.fill(images[begin:end]), into[name][begin:end])
            except Refusal:
                del feeds[name]
