"""A model that is run again and again for an analysis: each time in a cell, never past its time."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

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
Rows = NDArray[Any]  # [n, …], as in ``runner.tasks.rows``

MOST_BYTES = 128 << 20  #: of images that are handed to one cell at a time
_SPENT = 0.6  # of the time that is left: the rest is for measurements that erred
_REACHED = 0.7  # of its own limit: surely, in a long run


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
        said = self.first.claims.speed
        # Of a handful of images, starting threads is most of what a run takes.
        speed = max(said.get("images_per_second", 0), _REACHED * said.get("limit_per_second", 0))
        speed = max(speed, 1e-9)
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
        timed: bool = False,
    ) -> Predictions:
        """Return the rows of ``images`` by the model, or by another one made from it.

        The share that is done reaches ``upto``. ``timed``: its speed and limit are measured, as they
        are at the first run. Raises Refusal for anything but a full answer.
        """
        how = (upto, model or self.model, format or self.evaluation.format)
        if isinstance(images, SplitFile):
            return self._run(images, *how, timed=timed or self.first is None)
        descriptor = memory.sealed(np.ascontiguousarray(images).data)
        try:
            there = SplitFile(memory.path_of(descriptor), 0, len(images))
            return self._run(there, *how, timed=timed or self.first is None)
        finally:
            os.close(descriptor)

    def through(self, made: Iterable[Images], *, total: int, upto: float) -> Rows:
        """Return the rows of ``total`` images that are ``made`` a few at a time.

        They are run together as far as memory has room for them. Raises Refusal.
        """
        begun, done = self._done, 0
        rows: list[Rows] = []
        some: list[Images] = []
        for chunk in made:
            if some and sum(images.nbytes for images in some) + chunk.nbytes > MOST_BYTES:
                share = begun + (upto - begun) * done / total
                rows.append(self.over(np.concatenate(some), upto=share).rows[0])
                some = []
            some.append(chunk)
            done += len(chunk)
        rows.append(self.over(np.concatenate(some), upto=upto).rows[0])
        return np.concatenate(rows)

    def _run(
        self, images: SplitFile, upto: float, model: bytes, format: Format, *, timed: bool
    ) -> Predictions:
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
                timed=timed,
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
