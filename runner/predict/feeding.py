"""Turns uint8 images into what a model's input wants, with the fewest passes over memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runner.formats.fitting import fit
from runner.formats.preprocessing import Preprocessing
from runner.formats.signature import ImageShape, Signature

Images = NDArray[np.uint8]  # [n, height, width, channels]
Rows = NDArray[Any]  # [n, …], one row an image, as in ``runner.tasks.rows``

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "area": Image.Resampling.BOX,
}


class Feed:
    """One worker's input buffer. Not for two threads at once."""

    def __init__(self, signature: Signature, image: ImageShape, *, batch: int) -> None:
        self._shape = signature.shape(batch, image)
        self._planar = signature.arrangement in ("NCHW", "flat NCHW") and image.channels > 1
        how = signature.preprocessing
        self._reversed = how.colour == "BGR" and image.channels > 1
        self._resizer = None if how.size is None else _Resizer(how, image, batch)
        self._raw = signature.dtype == "uint8"
        #: a uint8 model that wants pixels in the order in which they lie needs no buffer at all
        self._as_is = self._raw and not self._planar and not self._reversed
        h, w = how.size or (image.height, image.width)
        c = image.channels
        lie = (batch, c, h, w) if self._planar else (batch, h, w, c)
        self._buffer: NDArray[Any] = np.zeros(0 if self._as_is else lie, dtype=signature.dtype)
        kind = np.float64 if signature.dtype == "float64" else np.float32
        std = np.asarray(how.std or (1.0,), dtype=np.float64)
        mean = np.asarray(how.mean or (0.0,), dtype=np.float64)
        spread = (-1, 1, 1) if self._planar else (-1,)
        # (x * scale - mean) / std, as one multiplication and one subtraction
        self._factor = (how.scale / std).astype(kind).reshape(spread)
        self._less = (mean / std).astype(kind).reshape(spread)
        if self._factor.size == 1:
            self._factor = self._factor.reshape(())
        self._scaled = bool(np.any(self._factor != 1))
        self._shifted = bool(np.any(self._less))
        self._batch = batch
        self._padded = signature.batch is not None
        self._rest = self._shape[1:]

    def fill(self, images: Images) -> NDArray[Any]:
        """Return up to ``batch`` images as the model's input [n, …].

        A model with a fixed batch gets [batch, …], where missing images are zero.

        The array is this feed's own and is overwritten by the next call, or is a view of ``images``.
        """
        if self._resizer is not None:
            images = self._resizer.resized(images)
        short = self._padded and len(images) < self._batch
        if self._as_is:
            if short:
                images = np.concatenate(
                    [images, np.zeros((self._batch - len(images), *images.shape[1:]), np.uint8)]
                )
            return images.reshape((len(images), *self._rest))
        into = self._buffer[: len(images)]
        source = images[..., ::-1] if self._reversed else images
        if self._planar:
            source = source.transpose(0, 3, 1, 2)
        if self._raw:
            np.copyto(into, source)
        else:
            # Copying casts, then scales in place: faster than a multiplication that casts in chunks.
            np.copyto(into, source, casting="unsafe")
            if self._scaled:
                np.multiply(into, self._factor, out=into, casting="same_kind")
            if self._shifted:
                np.subtract(into, self._less, out=into, casting="same_kind")
        if short:
            self._buffer[len(images) :] = 0
            into = self._buffer
        return into.reshape((len(into), *self._rest))


class _Resizer:
    """Brings images to the size that a model wants, by Pillow (which smooths when it shrinks)."""

    def __init__(self, how: Preprocessing, image: ImageShape, batch: int) -> None:
        self._fed = fit(image, how.size, how.resize)
        self._inner = self._fed.inner(image)
        self._filter = _FILTERS[how.interpolation]
        shape = (batch, self._fed.height, self._fed.width, image.channels)
        self._buffer = np.full(shape, how.pad, np.uint8)

    def resized(self, images: Images) -> Images:
        """Return [n, height, width, c], overwritten by the next call."""
        high, wide = self._inner
        top, left = self._fed.top, self._fed.left
        for image, into in zip(images, self._buffer, strict=False):
            picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
            found = np.asarray(picture.resize((wide, high), self._filter))
            into[top : top + high, left : left + wide] = found.reshape(high, wide, -1)
        return self._buffer[: len(images)]
