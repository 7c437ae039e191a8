"""Reads IDX pairs, the format of MNIST: a magic of type and rank, big-endian sizes, then bytes."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runner.datasets.source import DatasetError, Source, as_images, as_labels

_UBYTE = 8
_MAGIC_BYTES = 4
_MOST_RANK = 4  # n, height, width, channels


def load_idx(images: Path, labels: Path) -> Source:
    """Return the split of a pair of files, gzipped or not. Raises DatasetError."""
    pixels = as_images(_array(images), images.name)
    return Source(pixels, as_labels(_array(labels), len(pixels), labels.name), None)


def _array(path: Path) -> NDArray[np.uint8]:
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path.name}: cannot be read ({error})") from error
    if len(data) < _MAGIC_BYTES or data[:2] != b"\0\0" or data[2] != _UBYTE:
        raise DatasetError(f"{path.name}: not an IDX file of unsigned bytes")
    rank = data[3]
    if rank > _MOST_RANK:
        raise DatasetError(f"{path.name}: it has {rank} dimensions, expected 1 to {_MOST_RANK}")
    start = _MAGIC_BYTES + 4 * rank
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(_MAGIC_BYTES, start, 4)]
    if len(data) != start + math.prod(shape):
        raise DatasetError(f"{path.name}: {len(data)} bytes do not make the shape {shape}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
