"""A model that is run again and again for an analysis: each time in a cell, never past its time."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runner.contract import DatasetManifest, Evaluation, Format
from runner.datasets.version import SplitFile
from runner.failures import Refusal
from runner.formats import admission
from runner.predictions import Predictions, predict
from runner.sandbox import memory
from runner.sandbox.cell import Cell

Images = NDArray[np.uint8]  # [n, height, width, channels]

MOST_BYTES = 128 << 20  #: of images that are handed to one cell at a time
_SPENT = (
    0.6  # of the time that is left may be planned with; the rest is for measurements that erred
)


@dataclass(frozen=True)
class File:
    """What an analysis puts out."""

    name: str
    data: bytes
    media_type: str


class Runs:
    """The evaluation's model over dev and over images made from it, within its wall time.

    Each run has a cell of its own, in which the model is loaded once.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        manifest: DatasetManifest,
        dev: SplitFile,
        model: bytes,
        *,
        cells: Callable[[str], Cell],
        tell: Callable[[float], None],
    ) -> None:
        """``cells`` starts a cell of a purpose; ``tell`` hears the share that is done."""
        self.evaluation, self.manifest, self.model = evaluation, manifest, model
        self.dev = dev
        self.cells = cells
        self.first: Predictions | None = None  #: of the first run, which says what the model is
        self._tell, self._done = tell, 0.0
        self._until = time.monotonic() + evaluation.limits.wall_seconds

    @property
    def images(self) -> Images:
        """Dev, from the disk."""
        m = self.manifest
        shape = (self.dev.rows, m.height, m.width, m.channels)
        return np.memmap(self.dev.path, np.uint8, "r", offset=self.dev.offset, shape=shape)

    @property
    def left(self) -> float:
        """Seconds that may still be used. Raises Refusal (E_TIME_WALL) where there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            limit = f"{self.evaluation.limits.wall_seconds:g} seconds"
            raise Refusal("E_TIME_WALL", expected=f"an analysis within {limit}", got="more")
        return left

    def affordable(self, *, images: int, making: float = 0) -> int:
        """Return how many rounds of so many images there is time for; ``making``: seconds of each.

        By the speed of the first run.
        """
        assert self.first is not None
        speed = max(self.first.claims.speed.get("images_per_second", 0.0), 1e-9)
        return int(_SPENT * self.left / (images / speed + making))

    def refuse_too_slow(self, rounds: int, *, least: int, what: str) -> None:
        """Raise Refusal (E_TIME_PREDICTED) where fewer than ``least`` of ``what`` are affordable."""
        if rounds < least:
            limit = f"{self.evaluation.limits.wall_seconds:g} seconds"
            raise Refusal(
                "E_TIME_PREDICTED",
                "The model is too slow to be analysed within this benchmark's time limit.",
                expected=f"at least {least} {what} within {limit}",
                got=f"time for {rounds}",
            )

    def over(
        self,
        images: Images | SplitFile,
        *,
        upto: float,
        model: bytes | None = None,
        format: Format | None = None,
    ) -> Predictions:
        """Return the rows of ``images`` by the model, or by another one made from it.

        The share that is done reaches ``upto``. Raises Refusal for anything but a full answer.
        """
        if isinstance(images, SplitFile):
            return self._run(images, upto, model or self.model, format or self.evaluation.format)
        descriptor = memory.sealed(np.ascontiguousarray(images).data)
        try:
            there = SplitFile(memory.path_of(descriptor), 0, len(images))
            return self._run(there, upto, model or self.model, format or self.evaluation.format)
        finally:
            os.close(descriptor)

    def _run(self, images: SplitFile, upto: float, model: bytes, format: Format) -> Predictions:
        begun = self._done
        limits = self.evaluation.limits.model_copy(update={"wall_seconds": self.left})
        cell = self.cells(admission.purpose_of(format))
        try:
            predictions = predict(
                cell,
                model,
                self.manifest,
                [images],
                limits=limits,
                tell=lambda share: self.progress(begun + (share or 0) * (upto - begun)),
                format=format,
                declared=self.evaluation.declared,
            )
        finally:
            cell.close()
        self.progress(upto)
        self.first = self.first or predictions
        return predictions

    def progress(self, done: float) -> None:
        self._done = max(done, self._done)
        self._tell(self._done)


def places_wanted(evaluation: Evaluation, images: int) -> list[int] | None:
    """Return the places in dev that the options name, each once; None where they name none.

    Raises Refusal (E_ANALYSIS) for what is no place.
    """
    text = evaluation.options.get("images", "")
    if not text:
        return None
    parts = text.split(",")
    if all(part.strip().isdecimal() and len(part) < 9 for part in parts):  # noqa: PLR2004
        places = list(dict.fromkeys(int(part) for part in parts))
        if max(places) < images:
            return places
    raise Refusal(
        "E_ANALYSIS",
        "Those are no images of the dev split.",
        expected=f"numbers from 0 to {images - 1} with commas between",
        got=text[:60],
        fix="Name others, or leave the field empty: then they are chosen for you.",
    )


def seed_wanted(evaluation: Evaluation) -> int:
    """Return the seed that the options name, 0 where they name none."""
    text = evaluation.options.get("seed", "0")
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004
