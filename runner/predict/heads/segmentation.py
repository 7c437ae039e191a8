"""A class for each pixel: from logits [N, C, h, w] or [N, h, w, C], or from a map of classes."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from runner.failures import Refusal
from runner.predict.heads.head import Want, another_batch, told
from runner.predict.net import Net

Form = Literal["NCHW", "NHWC", "map"]
_RESIZE_FIX = (
    'Return logits of the image\'s size, or declare how they grow: the metadata key "bookwiz.output" '
    'with {"resize": "bilinear"} or {"resize": "nearest"}.'
)


@dataclass(frozen=True)
class PixelsHead:
    """Turns one output into class maps."""

    net: Net
    output: str
    form: Form
    classes: int
    size: tuple[int, int]  #: height and width of the output
    at: (
        tuple[NDArray[np.float64], NDArray[np.float64]] | None
    )  #: where the image's pixels lie in it
    resize: str
    batch: int | None = None

    def write(self, feed: NDArray[Any], into: NDArray[np.uint8]) -> None:
        value = dict(self.net.run(feed)).get(self.output)
        if value is None or _form_of(value, len(feed), self.classes, self.form) is None:
            raise another_batch(np.empty(0) if value is None else value)
        if _size_of(value, self.form) != self.size:
            raise another_batch(value)
        for logits, mask in zip(
            value, into, strict=False
        ):  # one image at a time stays in the cache
            self._write_one(logits, mask)

    def _write_one(self, found: NDArray[Any], mask: NDArray[np.uint8]) -> None:
        planes = found if self.form != "NHWC" else found.transpose(2, 0, 1)
        if self.form != "map" and self.at is not None and self.resize == "bilinear":
            argmax(bilinear(planes, *self.at), mask)
            return
        small = mask if self.at is None else np.empty(self.size, np.uint8)
        if self.form == "map":
            _copy_map(found.reshape(self.size), self.classes, small)
        else:
            argmax(planes, small)
        if self.at is not None:
            rows, columns = (np.floor(at + 0.5).astype(int) for at in self.at)
            mask[...] = small[rows[:, None], columns]

    def bare(self, feed: NDArray[Any]) -> None:
        self.net.run(feed)


def argmax(planes: NDArray[Any], into: NDArray[np.uint8]) -> None:
    """Write the plane of [C, h, w] that is greatest at each pixel; the first of equals.

    Plane by plane, because each step then runs over memory in order: numpy's own argmax over the
    first axis takes ten times as long. Raises Refusal (E_NAN) where a plane holds one.
    """
    best = planes[0].copy()
    into[...] = 0
    greater = np.empty(best.shape, np.bool_)
    for place, plane in enumerate(planes[1:], 1):
        np.greater(plane, best, out=greater)
        np.copyto(into, np.uint8(place), where=greater)
        np.maximum(best, plane, out=best)  # and a NaN stays, to be seen below
    if np.isnan(best).any():
        raise Refusal("E_NAN", got="NaN among the logits of some pixels")


def bilinear(
    planes: NDArray[Any], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return [C, len(rows), len(columns)] of [C, h, w], sampled at these places."""
    down = _weights(planes.shape[1], rows)
    across = _weights(planes.shape[2], columns)
    grown: NDArray[np.float32] = down @ planes.astype(np.float32) @ across.T
    return grown


def _weights(samples: int, at: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return [len(at), samples]: how much of each sample lies at each place."""
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, samples - 1)
    weights = np.zeros((len(at), samples), np.float32)
    every = np.arange(len(at))
    np.add.at(weights, (every, low), (1 - (at - low)).astype(np.float32))
    np.add.at(weights, (every, high), (at - low).astype(np.float32))
    return weights


def places(samples: int, pixels: int, *, scale: float, first: int, fed: int) -> NDArray[np.float64]:
    """Return where the centres of an image's ``pixels`` lie among ``samples`` of the output.

    The fed image has ``fed`` pixels, of which the image takes pixels * scale from ``first`` on
    (half-pixel centres, as torch's align_corners=False).
    """
    centres = (np.arange(pixels) + 0.5) * scale + first
    return np.clip(centres * samples / fed - 0.5, 0, samples - 1)


def _copy_map(found: NDArray[Any], classes: int, into: NDArray[np.uint8]) -> None:
    if found.size and (found.min() < 0 or found.max() >= classes):
        raise Refusal(
            "E_OUTPUT_SHAPE",
            "The map of classes names a class that the benchmark has not.",
            expected=f"0 to {classes - 1}",
            got=f"{found.min()} to {found.max()}",
        )
    np.copyto(into, found, casting="unsafe")


def _form_of(value: NDArray[Any], batch: int, classes: int, layout: str) -> Form | None:
    """Return what ``value`` can be; ``layout`` decides where C could be first or last."""
    four, three = 4, 3
    if value.dtype.kind in "iu" and len(value) == batch:
        if value.ndim == three:
            return "map"
        if value.ndim == four and (value.shape[1] == 1 or value.shape[3] == 1):
            return "map"
    if value.dtype.kind == "f" and value.ndim == four and len(value) == batch:
        if value.shape[1] == classes and layout != "NHWC":
            return "NCHW"
        if value.shape[3] == classes and layout != "NCHW":
            return "NHWC"
    return None


def _size_of(value: NDArray[Any], form: Form) -> tuple[int, int]:
    if form == "NCHW":
        return value.shape[2], value.shape[3]
    if form == "map" and value.ndim == 4 and value.shape[1] == 1:  # noqa: PLR2004 - [N, 1, h, w]
        return value.shape[2], value.shape[3]
    return value.shape[1], value.shape[2]


def settle(net: Net, feed: NDArray[Any], want: Want) -> PixelsHead:
    """Return the head for the first output that can be masks; see ``heads.settle``."""
    outputs = net.run(feed)
    image, fed, contract = want.image, want.fed, want.contract
    for name, value in outputs:
        form = _form_of(value, len(feed), want.classes, contract.layout)
        if form is None:
            continue
        size = _size_of(value, form)
        if 0 in size:
            continue
        if size != (fed.height, fed.width) and not contract.resize:
            raise Refusal(
                "E_OUTPUT_SHAPE",
                "The masks have another size than the images.",
                expected=f"{fed.height} × {fed.width} pixels",
                got=f"{size[0]} × {size[1]}",
                fix=_RESIZE_FIX,
            )
        at = (
            places(size[0], image.height, scale=fed.scale_y, first=fed.top, fed=fed.height),
            places(size[1], image.width, scale=fed.scale_x, first=fed.left, fed=fed.width),
        )
        same = size == (image.height, image.width) == (fed.height, fed.width)
        resize = contract.resize or "bilinear"
        return PixelsHead(net, name, form, want.classes, size, None if same else at, resize)
    n, c, h, w = len(feed), want.classes, fed.height, fed.width
    raise Refusal(
        "E_OUTPUT_SHAPE",
        "The model does not give a class for each pixel.",
        expected=f"logits [{n}, {c}, {h}, {w}] or [{n}, {h}, {w}, {c}], or whole numbers [{n}, {h}, {w}]",
        got=told(outputs),
        fix="Return the logits of every class, without softmax or argmax.",
    )
