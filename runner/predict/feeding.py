"""Turns uint8 images into what a model's input wants, with the fewest passes over memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.formats.signature import ImageShape, Signature

Images = NDArray[np.uint8]  # [n, height, width, channels]


class Feed:
    """One worker's input buffer. Not for two threads at once."""

    def __init__(self, signature: Signature, image: ImageShape, *, batch: int) -> None:
        self._shape = signature.shape(batch, image)
        self._planar = signature.arrangement in ("NCHW", "flat NCHW") and image.channels > 1
        #: a uint8 model that wants pixels in the order in which they lie needs no buffer at all
        self._as_is = signature.dtype == "uint8" and not self._planar
        h, w, c = image.height, image.width, image.channels
        lie = (batch, c, h, w) if self._planar else (batch, h, w, c)
        how = signature.preprocessing
        self._buffer: NDArray[Any] = np.zeros(0 if self._as_is else lie, dtype=signature.dtype)
        self._raw = signature.dtype == "uint8"
        kind = np.float64 if signature.dtype == "float64" else np.float32
        std = np.asarray(how.std or (1.0,), dtype=np.float64)
        mean = np.asarray(how.mean or (0.0,), dtype=np.float64)
        spread = (-1, 1, 1) if self._planar else (-1,)
        # (x * scale - mean) / std, as one multiplication and one subtraction
        self._factor = (how.scale / std).astype(kind).reshape(spread)
        self._less = (mean / std).astype(kind).reshape(spread)
        if self._factor.size == 1:
            self._factor = self._factor.reshape(())
        self._shifted = bool(np.any(self._less))
        self._batch = batch
        self._padded = signature.batch is not None
        self._rest = self._shape[1:]

    def fill(self, images: Images) -> NDArray[Any]:
        """Return up to ``batch`` images as the model's input [n, …].

        A model with a fixed batch gets [batch, …], where missing images are zero.

        The array is this feed's own and is overwritten by the next call, or is a view of ``images``.
        """
        short = self._padded and len(images) < self._batch
        if self._as_is:
            if short:
                images = np.concatenate(
                    [images, np.zeros((self._batch - len(images), *images.shape[1:]), np.uint8)]
                )
            return images.reshape((len(images), *self._rest))
        into = self._buffer[: len(images)]
        source = images.transpose(0, 3, 1, 2) if self._planar else images
        if self._raw:
            np.copyto(into, source)
        else:
            # Copying casts, then scales in place: faster than a multiplication that casts in chunks.
            np.copyto(into, source, casting="unsafe")
            np.multiply(into, self._factor, out=into, casting="same_kind")
            if self._shifted:
                np.subtract(into, self._less, out=into, casting="same_kind")
        if short:
            self._buffer[len(images) :] = 0
            into = self._buffer
        return into.reshape((len(into), *self._rest))
