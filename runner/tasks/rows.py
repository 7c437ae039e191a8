"""What a predicting process writes for each image: rows of one fixed size, so no answer can lie.

==============  =======  ==========  ===========================================================
task            dtype    row         meaning
==============  =======  ==========  ===========================================================
classification  float32  [classes]   logits or probabilities, all finite
detection       float32  [100, 6]    x1, y1, x2, y2 (pixels of the fed image), score, class;
                                     rows that are not used hold -1 in every place, after the rest
segmentation    uint8    [h, w]      the class of each pixel
==============  =======  ==========  ===========================================================

A board is filled with ``unwritten`` beforehand, which no honest row holds.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.contract import DatasetManifest

MOST_DETECTIONS = 100
# A NaN that arithmetic never makes: what still holds it was never written.
_NEVER_FLOAT = np.array([0x7FC0B007], np.uint32).tobytes()
_NEVER_BYTE = b"\xff"


@dataclass(frozen=True)
class Row:
    """The form of one image's answer."""

    dtype: str
    shape: tuple[int, ...]
    unwritten: bytes  #: one element that no answer holds

    @property
    def size(self) -> int:
        """Bytes of a row."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize

    def blank(self, board: NDArray[Any]) -> None:
        """Mark every element of ``board`` as never written."""
        kind = np.dtype(f"u{len(self.unwritten)}")
        board.view(kind)[...] = np.frombuffer(self.unwritten, kind)[0]

    def never_written(self, board: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which rows [n] of ``board`` have an element that was never written."""
        kind = np.dtype(f"u{len(self.unwritten)}")
        holes = board.view(kind) == np.frombuffer(self.unwritten, kind)[0]
        found: NDArray[np.bool_] = holes.reshape(len(board), -1).any(axis=1)
        return found


def row_of(manifest: DatasetManifest) -> Row:
    """Return the form of the answers to ``manifest``'s task."""
    if manifest.task == "classification":
        return Row("float32", (len(manifest.classes),), _NEVER_FLOAT)
    if manifest.task == "detection":
        return Row("float32", (MOST_DETECTIONS, 6), _NEVER_FLOAT)
    return Row("uint8", (manifest.height, manifest.width), _NEVER_BYTE)
